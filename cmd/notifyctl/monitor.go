package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/notifyctl/notifyctl/reports/tui"
)

// monitorOptions are the flags and the argument of monitor.
type monitorOptions struct {
	serverOptions
	plain    bool
	interval time.Duration
	wait     time.Duration
}

// newMonitorCommand builds notifyctl monitor.
func newMonitorCommand(a *app) *cobra.Command {
	opts := monitorOptions{serverOptions: serverOptions{url: defaultServer}}
	cmd := &cobra.Command{
		Use:   "monitor [URL]",
		Short: "Show the live screen on a running server",
		Long: `Show how a running server is, ` + defaultServer + ` by default: rates,
latencies, queues, workers, providers, caches and its process, and whether it
holds what its plan promises. ? on the screen says what its keys do.

Nothing is asked of the server but its status, once a second. A server that goes
away is tried again until it is back, also when it was restarted; meanwhile what
it said last is shown dimmed, with its age. Where the server has API keys, it
takes one with the scope read.

Without a terminal, or with --plain, it writes a line an interval.

Exit codes: 0 left by q or Ctrl-C; 1 it did not answer within --wait, or refused
the key; 104 bad flags.`,
		Example: `  notifyctl monitor
  notifyctl monitor --plain --interval 10s >status.log
  notifyctl monitor --api-key-file key --allow-external staging.example https://staging.example`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("notifyctl monitor takes one URL, and was given %q", args)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				opts.url = args[0]
			}
			return runMonitor(cmd.Context(), a, opts)
		},
	}
	flags := cmd.Flags()
	opts.register(flags)
	flags.BoolVar(&opts.plain, "plain", false, "a status line an interval instead of the live screen")
	flags.DurationVar(&opts.interval, "interval", statusEvery, "from one status line to the next")
	flags.DurationVar(&opts.wait, "wait", 30*time.Second, "how long a first answer is waited for")
	flags.StringArrayVar(&opts.external, "allow-external", nil, "ask this `host` although it is not this machine; repeatable")
	return cmd
}

// runMonitor shows a server until the user leaves.
func runMonitor(ctx context.Context, a *app, opts monitorOptions) error {
	if opts.wait <= 0 || opts.interval <= 0 {
		return usagef("--wait %v, --interval %v: want times above 0", opts.wait, opts.interval)
	}
	client, err := opts.client(ctx, a)
	if err != nil {
		return err
	}
	defer client.Close()
	server := &watchedServer{url: opts.url}
	watching, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	followed := make(chan struct{})
	go func() {
		defer close(followed)
		if err := server.follow(watching, client); err != nil {
			stop(err)
		}
	}()
	late := time.AfterFunc(opts.wait, func() {
		if known, err := server.answered(); !known {
			stop(errors.Join(fmt.Errorf("%s did not answer within %v", opts.url, opts.wait), err))
		}
	})
	defer late.Stop()
	if opts.plain || !isTerminal(a.stdin) || !isTerminal(a.stdout) {
		err = opts.writeLines(watching, a, server)
	} else {
		_, err = tui.Show(watching, tui.Options{
			In: a.stdin, Out: a.stdout, Terminal: terminalOf(a.stdout, a.getenv), Subject: tui.Watching,
			Take: func() tui.Moment { return tui.Moment{At: time.Now(), Server: server.word()} },
		})
	}
	if cause := context.Cause(watching); err == nil && ctx.Err() == nil {
		err = cause // why it ended, if the user did not end it
	}
	stop(nil)
	<-followed
	return err
}

// writeLines says each interval how the server is, until the context ends.
func (o *monitorOptions) writeLines(ctx context.Context, a *app, server *watchedServer) error {
	lines := tui.NewLines(terminalOf(a.stdout, a.getenv))
	ticker := time.NewTicker(o.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if _, err := fmt.Fprintln(a.stdout, lines.Line(time.Now(), server.word())); err != nil {
				return err
			}
		}
	}
}
