package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/engine"
	"github.com/notifyctl/notifyctl/reports/tui"
)

// showServer shows a server of this process on the live screen, and comes back
// once the server is to end. What is logged is held while the screen is on; when
// the user has left it, it is written as it comes.
func showServer(ctx context.Context, a *app, system *engine.System, log *tui.Log) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	server := &watchedServer{url: system.URL()}
	var beside sync.WaitGroup
	beside.Go(func() {
		awaitEnd(ctx, system)
		stop()
	})
	beside.Go(func() { server.poll(ctx, system) })
	defer beside.Wait()
	defer stop() // before it waits

	log.Hold()
	left, failed := tui.Show(ctx, tui.Options{
		In: a.stdin, Out: a.stderr, Terminal: terminalOf(a.stderr, a.getenv), Subject: tui.Serving,
		Take: func() tui.Moment {
			return tui.Moment{At: time.Now(), Server: server.word(), Logged: log.Logged()}
		},
		End: stop,
	})
	if err := log.Release(); err != nil {
		return fmt.Errorf("write the log: %w", err)
	}
	if failed != nil {
		a.log.Warn("the live screen failed; the server goes on without it", "error", failed)
	}
	if left || failed != nil {
		<-ctx.Done()
	}
	return nil
}
