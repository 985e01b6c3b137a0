package main

import (
	"context"
	"errors"
	"net/url"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/engine"
	"github.com/notifyctl/notifyctl/reports/tui"
)

const (
	// askEvery is how often a server of this process is asked for its status; one
	// elsewhere speaks as often by itself.
	askEvery = time.Second
	// Between two tries to reach a server that is away.
	firstRetry = 250 * time.Millisecond
	lastRetry  = 3 * time.Second
)

// A watchedServer is what a server said of itself last, and whether it still
// speaks.
type watchedServer struct {
	url string

	mu     sync.Mutex
	status *api.Status
	seen   time.Time
	silent error
}

// say takes a word of the server.
func (w *watchedServer) say(s api.Status) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status, w.seen, w.silent = &s, time.Now(), nil
}

// fail notes why there is none.
func (w *watchedServer) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var call *url.Error // whose address is shown anyway
	if errors.As(err, &call) {
		err = call.Err
	}
	w.silent = err
}

// word is what the server said last.
func (w *watchedServer) word() tui.Server {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := tui.Server{URL: w.url, Status: w.status, Seen: w.seen}
	if w.silent != nil {
		s.Silent = w.silent.Error()
	}
	return s
}

// answered says whether the server ever said anything, and why not otherwise.
func (w *watchedServer) answered() (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status != nil, w.silent
}

// poll asks a server of this process, until the context ends.
func (w *watchedServer) poll(ctx context.Context, system *engine.System) {
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	for {
		status, err := system.Status(ctx)
		if err != nil {
			w.fail(err)
		} else {
			status.Ready = system.Readiness(ctx).Status == "ready" // which its interface adds
			w.say(status)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// follow listens to a server elsewhere, and tries again whenever it goes away,
// until the context ends. It gives up only a server that refuses: no later try
// would be answered otherwise.
func (w *watchedServer) follow(ctx context.Context, client *api.Client) error {
	retries := backoff.NewExponentialBackOff()
	retries.InitialInterval, retries.MaxInterval = firstRetry, lastRetry
	for {
		err := client.WatchStatus(ctx, func(s api.Status) error {
			retries.Reset()
			w.say(s)
			return nil
		})
		if ctx.Err() != nil {
			return nil
		}
		var problem *api.Problem
		if known, _ := w.answered(); !known && errors.As(err, &problem) && problem.Status >= 400 && problem.Status < 500 {
			return err
		}
		w.fail(err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(retries.NextBackOff()):
		}
	}
}
