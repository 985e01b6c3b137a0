package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

func TestExitCode(t *testing.T) {
	invalid := &yamldoc.InvalidError{Faults: []yamldoc.Fault{{Key: "kafka", Message: "too small"}}}
	for _, tt := range []struct {
		name string
		err  error
		want int
	}{
		{"no error", nil, 0},
		{"any failure", errors.New("disk full"), 1},
		{"a check", errCheckFailed, 99},
		{"a check, wrapped", fmt.Errorf("steady: %w", errCheckFailed), 99},
		{"a check beside one that could not be judged", errors.Join(errInconclusive, errCheckFailed), 99},
		{"usage", usagef("no such flag"), 104},
		{"a plan", fmt.Errorf("loading: %w", invalid), 104},
		{"a plan among others", errors.Join(errors.New("x"), invalid), 104},
		{"a figure", &planner.UnknownFigureError{ID: "x"}, 104},
		{"interrupted", errInterrupted, 105},
		{"a bug", &bugError{"nil map"}, 109},
		{"inconclusive", errInconclusive, 111},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := exitCode(tt.err); got != tt.want {
				t.Errorf("%d, want %d", got, tt.want)
			}
		})
	}
}

// testApp is an app whose streams are buffers, in an empty environment.
func testApp(stdout, stderr *bytes.Buffer) *app {
	return &app{
		stdin: strings.NewReader(""), stdout: stdout, stderr: stderr,
		getenv: func(string) (string, bool) { return "", false },
		now:    func() time.Time { return time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC) },
		log:    slog.New(slog.DiscardHandler),
	}
}

// runCommand runs a root whose one command does what is given.
func runCommand(ctx context.Context, t *testing.T, do func(*cobra.Command, []string) error, args ...string) (code int, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	a := testApp(&out, &errs)
	root := newRootCommand(a)
	root.AddCommand(&cobra.Command{Use: "do", RunE: do, Args: noArgs})
	root.SetArgs(append([]string{"do"}, args...))
	return finish(a, execute(ctx, a, root)), errs.String()
}

func TestExecute(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name   string
		ctx    context.Context
		do     func(*cobra.Command, []string) error
		args   []string
		code   int
		stderr string
	}{
		{
			name: "fine", do: func(*cobra.Command, []string) error { return nil },
		},
		{
			name: "a failure", do: func(*cobra.Command, []string) error { return errors.New("the disk is full") },
			code: 1, stderr: "notifyctl: the disk is full\n",
		},
		{
			name: "the same before the command began", args: []string{"x"},
			do:   func(*cobra.Command, []string) error { return errors.New("not reached") },
			code: 104, stderr: "notifyctl: notifyctl do takes no arguments, and was given \"x\"\n",
		},
		{
			name: "a panic", do: func(*cobra.Command, []string) error { panic("BUG: no such thing") },
			code: 109, stderr: "notifyctl: this is a bug: BUG: no such thing; please report it, with what --log-level debug shows\n",
		},
		{
			name: "a panic of the runtime", do: func(_ *cobra.Command, args []string) error { return errors.New(args[0]) },
			code: 109, stderr: "notifyctl: this is a bug: runtime error: index out of range [0] with length 0; please report it, with what --log-level debug shows\n",
		},
		{
			name: "interrupted", ctx: canceled, do: func(cmd *cobra.Command, _ []string) error { return cmd.Context().Err() },
			code: 105, stderr: "notifyctl: interrupted\n",
		},
		{
			name: "canceled by itself", do: func(*cobra.Command, []string) error { return context.Canceled },
			code: 1, stderr: "notifyctl: context canceled\n",
		},
		{
			name: "drained on a signal", ctx: canceled, do: func(*cobra.Command, []string) error { return nil },
		},
		{
			name: "several faults",
			do: func(*cobra.Command, []string) error {
				return errors.Join(&yamldoc.InvalidError{Faults: []yamldoc.Fault{
					{Source: yamldoc.Source{File: "a.yaml", Line: 3, Column: 5}, Key: "kafka", Message: "one"},
					{Source: yamldoc.Source{File: "a.yaml", Line: 4, Column: 5}, Key: "redis", Message: "two"},
				}}, usagef("b.yaml: three"))
			},
			code: 104, stderr: "a.yaml:3:5: kafka: one\na.yaml:4:5: redis: two\nnotifyctl: b.yaml: three\n",
		},
		{
			name: "a hostile message", do: func(*cobra.Command, []string) error { return errors.New("answered \x1b[2J\r") },
			code: 1, stderr: "notifyctl: answered [2J\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx := tt.ctx
			if ctx == nil {
				ctx = t.Context()
			}
			code, stderr := runCommand(ctx, t, tt.do, tt.args...)
			if code != tt.code || stderr != tt.stderr {
				t.Errorf("exit code %d and %q, want %d and %q", code, stderr, tt.code, tt.stderr)
			}
		})
	}
}

// The stack of a panic is there for who asks.
func TestDebugShowsWhereABugIs(t *testing.T) {
	code, stderr := runCommand(t.Context(), t, func(*cobra.Command, []string) error { panic("here") }, "--log-level", "debug")
	if code != exitBug || !strings.Contains(stderr, "root_test.go") {
		t.Errorf("exit code %d and\n%s", code, stderr)
	}
}

// Every command explains itself and shows an example.
func TestEveryCommandHasHelp(t *testing.T) {
	var out, errs bytes.Buffer
	var check func(*cobra.Command)
	check = func(cmd *cobra.Command) {
		if cmd.Short == "" || cmd.Long == "" || cmd.Example == "" {
			t.Errorf("%s lacks a short or long text or an example", cmd.CommandPath())
		}
		for line := range strings.Lines(cmd.Long) {
			const code = "  " // an indented line is to be copied, and may be long
			if len(strings.TrimSuffix(line, "\n")) > 80 && !strings.HasPrefix(line, code) {
				t.Errorf("%s: longer than 80 columns: %s", cmd.CommandPath(), line)
			}
		}
		for _, sub := range cmd.Commands() {
			check(sub)
		}
	}
	check(newRootCommand(testApp(&out, &errs)))
}

func TestTerminalOf(t *testing.T) {
	for _, tt := range []struct {
		env  map[string]string
		utf8 bool
	}{
		{nil, false},
		{map[string]string{"LANG": "C.UTF-8"}, true},
		{map[string]string{"LANG": "en_GB.utf8"}, true},
		{map[string]string{"LC_ALL": "C", "LANG": "en_GB.UTF-8"}, false},
		{map[string]string{"LC_ALL": "", "LC_CTYPE": "de_DE.UTF-8"}, true},
	} {
		terminal := terminalOf(&bytes.Buffer{}, func(key string) (string, bool) { v, ok := tt.env[key]; return v, ok })
		if terminal.UTF8 != tt.utf8 || terminal.Color || terminal.Width != defaultWidth {
			t.Errorf("%v: %+v, want UTF-8 %v, no colour and the default width", tt.env, terminal, tt.utf8)
		}
	}
}

// The help of flags is read on terminals of 80 columns.
func TestHelpOfFlagsIsAsWideAsATerminal(t *testing.T) {
	var out, errs bytes.Buffer
	root := newRootCommand(testApp(&out, &errs))
	for _, cmd := range append(root.Commands(), root) {
		out.Reset()
		if err := cmd.Help(); err != nil {
			t.Fatal(err)
		}
		_, flags, found := strings.Cut(out.String(), "Flags:\n")
		if !found {
			t.Errorf("%s has no flags:\n%s", cmd.Name(), &out)
		}
		for line := range strings.Lines(flags) {
			if n := len(strings.TrimRight(line, "\n")); n > helpWidth {
				t.Errorf("%s: a line of %d columns: %s", cmd.Name(), n, line)
			}
		}
	}
}
