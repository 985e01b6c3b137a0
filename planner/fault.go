package planner

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// A Source is the place where a value was written.
type Source struct {
	File         string // "" if it came from an assignment
	Line, Column int    // from 1; 0 for the file as a whole
	Assignment   string // the text of a --set, like "workload.users=1M"
}

// String gives "plan.yaml:14", or the assignment.
func (s Source) String() string {
	switch {
	case s.Assignment != "":
		return "--set " + shorten(s.Assignment, longestShown)
	case s.Line == 0:
		return s.File
	}
	return fmt.Sprintf("%s:%d", s.File, s.Line)
}

// position gives the source with its column, as messages start.
func (s Source) position() string {
	if s.Assignment != "" || s.Line == 0 {
		return s.String()
	}
	return fmt.Sprintf("%s:%d:%d", s.File, s.Line, s.Column)
}

// A Fault is one thing that is wrong with a plan.
type Fault struct {
	Source  Source
	Key     string // the path of the key at fault, "" for the file as a whole
	Message string // what was found and what is accepted
}

// String gives the fault on one line: position, key, message.
func (f Fault) String() string {
	parts := make([]string, 0, 3)
	for _, part := range []string{f.Source.position(), shorten(f.Key, longestShown), f.Message} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

// longestShown bounds what a message repeats of a user's text, in bytes.
const longestShown = 200

// shorten cuts a text to a number of bytes, between characters.
func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// An InvalidError is a plan that cannot be used, with everything that is known
// to be wrong with it, in the order of the file.
type InvalidError struct{ Faults []Fault }

// Error lists the faults, one a line.
func (e *InvalidError) Error() string {
	lines := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// invalid makes an error of faults, or nil of none.
func invalid(faults []Fault) error {
	if len(faults) == 0 {
		return nil
	}
	slices.SortStableFunc(faults, func(a, b Fault) int {
		if a.Source.Line != b.Source.Line {
			return a.Source.Line - b.Source.Line
		}
		return a.Source.Column - b.Source.Column
	})
	return &InvalidError{Faults: faults}
}

// Nearest finds the candidate that a misspelt word most likely means, or "" if
// none is near: at most a third of its letters, and two at least, may differ.
func Nearest(word string, candidates []string) string {
	best, distance := "", max(2, len(word)/3)+1
	for _, c := range candidates {
		if d := levenshtein.ComputeDistance(word, c); d < distance {
			best, distance = c, d
		}
	}
	return best
}

// meant is the hint of a message about an unknown word.
func meant(word string, candidates []string) string {
	if n := Nearest(word, candidates); n != "" {
		return fmt.Sprintf("; did you mean %s?", n)
	}
	return ""
}

// listed joins words the way a sentence does: a, b or c.
func listed(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
