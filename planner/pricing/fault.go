package pricing

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/agnivade/levenshtein"
)

// A Fault is one thing that is wrong with a book or an override.
type Fault struct {
	File         string // "" for an override, whose place the plan knows by its key
	Line, Column int    // from 1; 0 for the file as a whole
	Key          string // the path of the key at fault, "" for the file as a whole
	Message      string // what was found and what is accepted
}

// String gives the fault on one line: position, key, message.
func (f Fault) String() string {
	position := f.File
	if f.Line > 0 {
		position = fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Column)
	}
	var parts []string
	key := f.Key
	if len(key) > longestKey || strings.ContainsFunc(key, unicode.IsControl) {
		key = quote(key)
	}
	for _, part := range []string{position, key, f.Message} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

// longestKey is as long as a key is shown as it is, in bytes.
const longestKey = 200

// An InvalidError is a book that cannot be used, or overrides that cannot be
// applied, with everything that is known to be wrong.
type InvalidError struct{ Faults []Fault }

// Error lists the faults, one a line.
func (e *InvalidError) Error() string {
	lines := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// invalid makes an error of faults in the order of the file, or nil of none.
func invalid(faults []Fault) error {
	if len(faults) == 0 {
		return nil
	}
	slices.SortStableFunc(faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &InvalidError{Faults: faults}
}

// nearest finds the candidate that a misspelt word most likely means, or "" if
// none is near: at most a third of its letters, and two at least, may differ.
func nearest(word string, candidates []string) string {
	best, distance := "", max(2, len(word)/3)+1
	for _, c := range candidates {
		if d := levenshtein.ComputeDistance(word, c); d < distance {
			best, distance = c, d
		}
	}
	return best
}

// meant is the hint of a message about an unknown word, to stand behind it.
func meant(word string, candidates []string) string {
	if n := nearest(word, candidates); n != "" {
		return fmt.Sprintf(" (did you mean %s?)", n)
	}
	return ""
}

// listed joins words the way a sentence does: a, b or c.
func listed[T ~string](words []T) string {
	var text strings.Builder
	for i, w := range words {
		switch {
		case i > 0 && i == len(words)-1:
			text.WriteString(" or ")
		case i > 0:
			text.WriteString(", ")
		}
		text.WriteString(string(w))
	}
	return text.String()
}

// quote shows a text of a book, shortened if need be.
func quote(text string) string {
	const most = 60
	if short := []rune(text); len(short) > most {
		return strconv.Quote(string(short[:most])) + "..."
	}
	return strconv.Quote(text)
}
