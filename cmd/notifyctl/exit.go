package main

import (
	"errors"
	"fmt"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

// The exit codes, for programs that read nothing else.
const (
	exitOK           = 0
	exitFailed       = 1   // an engine or target that does not answer, a file that cannot be written
	exitCheck        = 99  // a check did not hold
	exitUsage        = 104 // bad flags, DSN, plan or scenario; nothing was started
	exitInterrupted  = 105
	exitBug          = 109 // a bug of ours
	exitInconclusive = 111 // the checks could not be judged
)

// The ends of a command that are no failure of it.
var (
	errCheckFailed  = errors.New("a check did not hold")
	errInterrupted  = errors.New("interrupted")
	errInconclusive = errors.New("inconclusive: not all that was asked could be judged")
)

// A usageError is a fault of what the user gave, found before anything was
// started.
type usageError struct{ err error }

// Error gives the fault.
func (e *usageError) Error() string { return e.err.Error() }

// Unwrap gives what is wrapped.
func (e *usageError) Unwrap() error { return e.err }

// usagef makes a usage error, as fmt.Errorf does.
func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// A bugError is a panic of ours, caught at the root.
type bugError struct{ value any }

// Error says what happened and what to do.
func (e *bugError) Error() string {
	return fmt.Sprintf("this is a bug: %v; please report it, with what --log-level debug shows", e.value)
}

// exitCode maps an error to the exit code: the one place that does. A check
// that failed wins over one that could not be judged.
func exitCode(err error) int {
	var (
		usage   *usageError
		invalid *yamldoc.InvalidError
		unknown *planner.UnknownFigureError
		bug     *bugError
	)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &bug):
		return exitBug
	case errors.As(err, &usage), errors.As(err, &invalid), errors.As(err, &unknown):
		return exitUsage
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	case errors.Is(err, errCheckFailed):
		return exitCheck
	case errors.Is(err, errInconclusive):
		return exitInconclusive
	}
	return exitFailed
}
