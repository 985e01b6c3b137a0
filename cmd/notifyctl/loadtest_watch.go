package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
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
	return withScreen(ctx, abort, a, run, do)
}

// isTerminal says whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func withStatusLines(ctx context.Context, a *app, run *scenarios.Run, do func(context.Context, *app) (*scenarios.Result, error)) (*scenarios.Result, error) {
	over := make(chan struct{})
	var lines sync.WaitGroup
	lines.Go(func() {
		ticker := time.NewTicker(statusEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				if _, err := fmt.Fprintln(a.stderr, reports.StatusLine(run.Snapshot())); err != nil {
					return // nobody reads them
				}
			case <-over:
				return
			}
		}
	})
	result, err := do(ctx, a)
	close(over)
	lines.Wait()
	return result, err
}

func withScreen(ctx context.Context, abort context.CancelFunc, a *app, run *scenarios.Run, do func(context.Context, *app) (*scenarios.Result, error)) (*scenarios.Result, error) {
	// What is logged meanwhile would break the screen; it is shown after it.
	held := &heldLog{}
	quiet := *a
	quiet.log = slog.New(slog.NewTextHandler(held, nil))
	showing, done := context.WithCancel(context.WithoutCancel(ctx))
	defer done()
	var result *scenarios.Result
	var err error
	var running sync.WaitGroup
	running.Go(func() {
		defer done()
		result, err = do(ctx, &quiet)
	})
	shown := tui.Show(showing, tui.Options{
		In: a.stdin, Out: a.stderr, Terminal: terminalOf(a.stderr, a.getenv),
		Snapshot: run.Snapshot, Abort: abort,
	})
	running.Wait()
	if _, failed := held.WriteTo(a.stderr); failed != nil && err == nil {
		err = fmt.Errorf("write the log: %w", failed)
	}
	if shown != nil {
		a.log.Warn("the live screen failed; --plain does without", "error", shown)
	}
	return result, err
}

// heldLog keeps the last of what is logged, until it can be written.
type heldLog struct {
	mu    sync.Mutex
	lines [][]byte
}

// heldLines is how many lines are kept.
const heldLines = 200

// Write keeps a line; a handler of slog writes one at a time.
func (h *heldLog) Write(line []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.lines) == heldLines {
		h.lines = append(h.lines[:0], h.lines[1:]...)
	}
	h.lines = append(h.lines, append([]byte(nil), line...))
	return len(line), nil
}

// WriteTo writes what was kept.
func (h *heldLog) WriteTo(w io.Writer) (written int64, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, line := range h.lines {
		n, err := w.Write(line)
		written += int64(n)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}
