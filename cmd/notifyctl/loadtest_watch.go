package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/notifyctl/notifyctl/reports"
	"github.com/notifyctl/notifyctl/reports/tui"
	"github.com/notifyctl/notifyctl/scenarios"
)

// statusEvery is how often a status line is written.
const statusEvery = time.Second

// watch runs a load test and shows it meanwhile: on the live screen where
// there is a terminal, else by a line a second.
func (o *loadtestOptions) watch(ctx context.Context, a *app, run *scenarios.Run, do func(context.Context, *app) (*scenarios.Result, error)) (*scenarios.Result, error) {
	ctx, abort := context.WithCancel(ctx)
	defer abort()
	switch {
	case o.quiet:
		return do(ctx, a)
	case o.plain || !isTerminal(a.stdin) || !isTerminal(a.stderr):
		return withStatusLines(ctx, a, run, do)
	}
	left, result, err := withScreen(ctx, abort, a, run, do)
	o.plain = left // also for the runs after this one
	return result, err
}

// isTerminal says whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func withStatusLines(ctx context.Context, a *app, run *scenarios.Run, do func(context.Context, *app) (*scenarios.Result, error)) (*scenarios.Result, error) {
	over := make(chan struct{})
	var lines sync.WaitGroup
	lines.Go(func() { writeStatusLines(a.stderr, run, over) })
	result, err := do(ctx, a)
	close(over)
	lines.Wait()
	return result, err
}

// writeStatusLines says each second how a run is, until it is over.
func writeStatusLines(w io.Writer, run *scenarios.Run, over <-chan struct{}) {
	ticker := time.NewTicker(statusEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if _, err := fmt.Fprintln(w, reports.StatusLine(run.Snapshot())); err != nil {
				return // nobody reads them
			}
		case <-over:
			return
		}
	}
}

// withScreen shows the run on the live screen. When the user leaves that, or it
// fails, the run goes on with status lines.
func withScreen(ctx context.Context, abort context.CancelFunc, a *app, run *scenarios.Run, do func(context.Context, *app) (*scenarios.Result, error)) (left bool, _ *scenarios.Result, _ error) {
	log := tui.NewLog(a.stderr)
	log.Hold()
	showing, done := context.WithCancel(context.WithoutCancel(ctx))
	defer done()
	var result *scenarios.Result
	var err error
	var running sync.WaitGroup
	running.Go(func() {
		defer done()
		result, err = do(ctx, a.logging(log))
	})
	left, failed := tui.Show(showing, tui.Options{
		In: a.stdin, Out: a.stderr, Terminal: terminalOf(a.stderr, a.getenv), Subject: tui.LoadTest,
		Take: func() tui.Moment { return tui.OfRun(time.Now(), run.Snapshot(), log.Logged()) },
		End:  abort,
	})
	if failed != nil {
		a.log.Warn("the live screen failed; --plain does without", "error", failed)
	}
	released := log.Release()
	writeStatusLines(a.stderr, run, showing.Done()) // none, if the run ended the screen
	running.Wait()
	if released != nil {
		err = errors.Join(err, fmt.Errorf("write the log: %w", released))
	}
	return left || failed != nil, result, err
}
