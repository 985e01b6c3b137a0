package yamldoc

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
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

// A Fault is one thing that is wrong with a document.
type Fault struct {
	Source  Source
	Key     string // the path of the key at fault, "" for the file as a whole
	Message string // what was found and what is accepted
}

// String gives the fault on one line: position, key, message.
func (f Fault) String() string {
	key := shorten(f.Key, longestShown)
	if strings.ContainsFunc(key, unicode.IsControl) { // a quoted key may have some, and a fault is one line
		key = Quote(key)
	}
	parts := make([]string, 0, 3)
	for _, part := range []string{f.Source.position(), key, f.Message} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

// An InvalidError is a document that cannot be used, with everything that is known
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

// Invalid makes an error of faults in the order of the file, or nil of none.
func Invalid(faults []Fault) error {
	if len(faults) == 0 {
		return nil
	}
	slices.SortStableFunc(faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Source.Line, b.Source.Line), cmp.Compare(a.Source.Column, b.Source.Column))
	})
	return &InvalidError{Faults: faults}
}

// FaultsOf gives the faults of an error of this package, none of any other.
func FaultsOf(err error) []Fault {
	var bad *InvalidError
	if errors.As(err, &bad) {
		return bad.Faults
	}
	return nil
}
