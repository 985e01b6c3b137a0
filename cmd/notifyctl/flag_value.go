package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/notifyctl/notifyctl/planner/units"
)

// A choice is the value of a flag that takes one of a few words.
type choice struct {
	value *string
	words []string
}

// String gives the word.
func (c choice) String() string {
	if c.value == nil {
		return ""
	}
	return *c.value
}

// Set takes one of the words.
func (c choice) Set(word string) error {
	if !slices.Contains(c.words, word) {
		return fmt.Errorf("accepted is %s", strings.Join(c.words, ", "))
	}
	*c.value = word
	return nil
}

// Type names what the flag takes in help texts.
func (c choice) Type() string { return strings.Join(c.words, "|") }

// optionalFloat is a flag's number that may be left out.
type optionalFloat struct{ value **float64 }

// String gives the number, or nothing.
func (f optionalFloat) String() string {
	if f.value == nil || *f.value == nil {
		return ""
	}
	return strconv.FormatFloat(**f.value, 'g', -1, 64)
}

// Set reads the number.
func (f optionalFloat) Set(text string) error {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return fmt.Errorf("%q is no number", text)
	}
	*f.value = &v
	return nil
}

// Type names what the flag takes in help texts.
func (optionalFloat) Type() string { return "factor" }

// wholeNumber is a flag's number as plans write it: 100K, 5M.
type wholeNumber struct{ value *int }

// String gives the number.
func (n wholeNumber) String() string {
	if n.value == nil {
		return ""
	}
	return units.Format(units.Whole, units.Exactly(float64(*n.value)))
}

// Set reads the number.
func (n wholeNumber) Set(text string) error {
	r, err := units.Parse(text, units.Whole)
	if err != nil {
		return err
	}
	if !r.Exact() || r.Low > math.MaxInt32 {
		return fmt.Errorf("%q; accepted is one number, up to %d", text, math.MaxInt32)
	}
	*n.value = int(r.Low)
	return nil
}

// Type names what the flag takes in help texts.
func (wholeNumber) Type() string { return "number" }
