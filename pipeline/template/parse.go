package template

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of a template's variables.
const (
	MaxVariables    = 64 // different ones in a template
	MaxVariableName = 64 // bytes
)

// SyntaxError says what is wrong with a template, and where. Lines and columns
// count from 1, columns in characters.
type SyntaxError struct {
	Part         string // "subject" or "body"
	Line, Column int
	Detail       string
}

// Error gives the fault with its place.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s, line %d, column %d: %s", e.Part, e.Line, e.Column, e.Detail)
}

// segment is a piece of a parsed template: literal text, or a variable.
type segment struct {
	literal  string
	variable int // index into the names, or -1 for a literal
	place    place
	offset   int // in the source
}

// source is a part of a template while it is parsed.
type source struct {
	part string
	text string
}

// fault makes a SyntaxError of an offset in the text.
func (s source) fault(offset int, format string, args ...any) *SyntaxError {
	before := s.text[:offset]
	line := strings.Count(before, "\n")
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	return &SyntaxError{s.part, line + 1, column + 1, fmt.Sprintf(format, args...)}
}

// parse splits a part into its segments. The names of its variables are looked
// up in names, and added to it when new.
func (s source) parse(names []string) ([]segment, []string, error) {
	if !utf8.ValidString(s.text) {
		return nil, nil, s.fault(0, "not valid UTF-8")
	}
	for i, r := range s.text {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return nil, nil, s.fault(i, "control character %U", r)
		}
	}
	var segments []segment
	for at := 0; at < len(s.text); {
		open := strings.Index(s.text[at:], "{{")
		if open < 0 {
			segments = append(segments, segment{literal: s.text[at:], variable: -1, offset: at})
			break
		}
		if open > 0 {
			segments = append(segments, segment{literal: s.text[at : at+open], variable: -1, offset: at})
		}
		at += open
		end := strings.Index(s.text[at:], "}}")
		if end < 0 {
			return nil, nil, s.fault(at, "{{ without }}")
		}
		name, err := s.variable(at, s.text[at+2:at+end])
		if err != nil {
			return nil, nil, err
		}
		index := 0
		for index < len(names) && names[index] != name {
			index++
		}
		if index == len(names) {
			if index == MaxVariables {
				return nil, nil, s.fault(at, "more than %d variables", MaxVariables)
			}
			names = append(names, name)
		}
		segments = append(segments, segment{variable: index, offset: at})
		at += end + 2
	}
	return segments, names, nil
}

// variable reads the name between the braces that open at an offset.
func (s source) variable(offset int, inner string) (string, error) {
	name := strings.TrimPrefix(strings.TrimSpace(inner), ".")
	if !IsVariableName(name) {
		return "", s.fault(offset, "%.40q is no variable: want {{name}}, a name of at most %d letters, digits and _; there are no functions, conditions or loops",
			"{{"+inner+"}}", MaxVariableName)
	}
	return name, nil
}

// IsVariableName says whether a template can ask for a variable of that name.
func IsVariableName(name string) bool {
	if name == "" || len(name) > MaxVariableName || name[0] >= '0' && name[0] <= '9' {
		return false
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c == '_', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		default:
			return false
		}
	}
	return true
}
