package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/notifyctl/notifyctl/planner/yamldoc"
	"github.com/notifyctl/notifyctl/reports"
)

// run executes a command line and gives the exit code. The first SIGINT or
// SIGTERM cancels the command's context, the second ends the process at once.
func run(args []string, a *app) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	root := newRootCommand(a)
	root.SetArgs(args)
	return finish(a, execute(ctx, a, root))
}

// execute runs a command line. Whatever fails before a command's own code runs
// is a fault of the command line.
func execute(ctx context.Context, a *app, root *cobra.Command) (err error) {
	started := false
	markStart(root, &started)
	defer func() {
		if value := recover(); value != nil {
			a.log.Debug("a command panicked", "panic", fmt.Sprint(value), "stack", string(debug.Stack()))
			err = &bugError{value}
		}
	}()
	err = root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return nil
	case !started:
		return &usageError{err}
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return errInterrupted
	}
	return err
}

// markStart lets every command note that its own code has begun.
func markStart(cmd *cobra.Command, started *bool) {
	if own := cmd.RunE; own != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			*started = true
			return own(cmd, args)
		}
	}
	for _, sub := range cmd.Commands() {
		markStart(sub, started)
	}
}

// finish reports an error and gives the exit code.
func finish(a *app, err error) int {
	for _, e := range flatten(err) {
		prefix := "notifyctl: "
		var invalid *yamldoc.InvalidError
		if errors.As(e, &invalid) {
			prefix = "" // each fault starts with its position, where editors look for it
		}
		for line := range strings.Lines(e.Error()) {
			if _, failed := fmt.Fprintln(a.stderr, prefix+reports.Clean(line)); failed != nil {
				break // there is nowhere left to say it
			}
		}
	}
	return exitCode(err)
}

// flatten lists the errors that were joined into one. An error that says more
// than its parts, as fmt.Errorf makes of two, is one error.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || err.Error() != errors.Join(joined.Unwrap()...).Error() {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, flatten(e)...)
	}
	return all
}

// globalOptions are the flags of every command.
type globalOptions struct {
	logLevel  string
	logFormat string
}

// helpWidth is how many columns the help of flags takes, as all other texts do.
const helpWidth = 80

// newRootCommand builds the command line. A new command is one line here and a
// file of its own.
func newRootCommand(a *app) *cobra.Command {
	var opts globalOptions
	root := &cobra.Command{
		Use:   "notifyctl",
		Short: "Plan, run and load-test notification systems",
		Long: `notifyctl answers three questions about a notification system, with one plan
file behind all of them: what will it need and cost (estimate), how does such a
system behave (serve), and does it hold under load and failure (loadtest).

Every flag can also be set by an environment variable: --log-level by
NOTIFYCTL_LOG_LEVEL; values of a repeatable flag stand on lines of their own. A
flag wins over the environment, the environment over the plan file, the plan
over the default.

Exit codes: 0 fine; 1 something failed; 99 a check did not hold; 104 bad flags,
plan or scenario, and nothing was started; 105 interrupted; 109 a bug of
notifyctl; 111 inconclusive.`,
		Example: `  notifyctl estimate               # what the reference plan needs
  notifyctl init && notifyctl estimate -f plan.yaml
  notifyctl loadtest               # half a minute of load, with a verdict`,
		Args:          knownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       buildVersion().String(),
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := applyEnvironment(cmd, a.getenv); err != nil {
				return err
			}
			maker, err := loggers(opts.logLevel, opts.logFormat)
			if err != nil {
				return err
			}
			a.logTo, a.log = maker, maker(a.stderr, nil)
			return nil
		},
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), "Flags.FlagUsages ", fmt.Sprintf("Flags.FlagUsagesWrapped %d ", helpWidth)))
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
	})
	flags := root.PersistentFlags()
	choiceVar(root, flags, &opts.logLevel, "log-level", "", "info", "what is logged to stderr", "debug", "info", "warn", "error")
	choiceVar(root, flags, &opts.logFormat, "log-format", "", "text", "how it is logged", "text", "json")

	root.AddCommand(
		newInitCommand(a),
		newValidateCommand(a),
		newEstimateCommand(a),
		newServeCommand(a),
		newSendCommand(a),
		newMonitorCommand(a),
		newMockCommand(a),
		newReshardCommand(a),
		newLoadtestCommand(a),
		newReportCommand(a),
		newVersionCommand(a),
	)
	return root
}

// knownCommand refuses a word that is no command, with the nearest that is.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, sub := range cmd.Commands() {
		names = append(names, sub.Name())
	}
	if n := yamldoc.Nearest(args[0], names); n != "" {
		return fmt.Errorf("unknown command %q; did you mean %s?", args[0], n)
	}
	return fmt.Errorf("unknown command %q; see notifyctl --help", args[0])
}
