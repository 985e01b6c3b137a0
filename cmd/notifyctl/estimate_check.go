package main

import (
	"errors"
	"fmt"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/units"
)

// A checkError is a check that did not hold, in words of its own.
type checkError struct{ what string }

// Error says what did not hold.
func (e *checkError) Error() string { return e.what }

// Unwrap gives what exit codes go by.
func (e *checkError) Unwrap() error { return errCheckFailed }

// checkEstimate fails with everything that keeps the plan from standing, one
// error each.
func checkEstimate(e *planner.Estimate) error {
	var failed []error
	for _, l := range e.BrokenLimits() {
		failed = append(failed, &checkError{fmt.Sprintf("the limit %s does not hold: it is %s", l.Limit, units.Humanize(l.Unit, l.Value))})
	}
	for _, f := range e.Found(planner.Error) {
		failed = append(failed, &checkError{fmt.Sprintf("%s %s: %s", f.Component, f.Rule, f.Message)})
	}
	return errors.Join(failed...)
}
