package main_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/api"
)

const (
	// loadClients ask at the same time.
	loadClients = 8
	// loadTimeout bounds a load with all that happens to it.
	loadTimeout = 5 * time.Minute
	// callTimeout bounds one call: above the 10 s that a gateway takes for an
	// append.
	callTimeout = 20 * time.Second
	// callAgain is how long a client waits after a call that accepted nothing.
	callAgain = 200 * time.Millisecond
)

// load is requests that clients send to a fleet's gateways, each again and again
// until it is answered 202.
type load struct {
	run      string
	requests []*keyedRequest // those that were begun; once done
	// keysKept says that a repetition of a key may be relied on to accept nothing
	// twice. It is true until a test takes the keys away.
	keysKept atomic.Bool

	answered atomic.Int64 // notifications answered 202
	failed   atomic.Int64 // calls that were not
	again    atomic.Int64 // notifications that were sent again and may be accepted twice
	calls    atomic.Int64
	last     atomic.Value // of the errors of calls, a string
	refused  refusals
	finish   func() // has no more requests than those that were begun
	done     chan struct{}
}

// load starts to send requests at so many notifications a second over all
// clients, until there are no more or the test says that it is enough.
func (f *fleet) load(t *testing.T, run string, requests []*keyedRequest, rate int) *load {
	t.Helper()
	l := &load{run: run, done: make(chan struct{})}
	l.keysKept.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), loadTimeout)
	enough := make(chan struct{})
	l.finish = sync.OnceFunc(func() { close(enough) })
	queue := make(chan *keyedRequest)
	var running sync.WaitGroup
	running.Go(func() {
		defer close(queue)
		l.requests = requests[:pace(ctx, enough, requests, queue, time.Duration(keyedBatch)*time.Second/time.Duration(rate))]
	})
	for range loadClients {
		running.Go(func() {
			for r := range queue {
				l.insist(ctx, t, f, r)
			}
		})
	}
	go func() { running.Wait(); cancel(); close(l.done) }()
	t.Cleanup(func() { <-l.done })
	return l
}

// pace hands out a request every so often, and none before a client takes it. It
// gives how many there were.
func pace(ctx context.Context, enough <-chan struct{}, requests []*keyedRequest, queue chan<- *keyedRequest, every time.Duration) int {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for n, r := range requests {
		select {
		case <-tick.C:
		case <-enough:
			return n
		case <-ctx.Done():
			return n
		}
		select {
		case queue <- r:
		case <-enough:
			return n
		case <-ctx.Done():
			return n
		}
	}
	return len(requests)
}

// insist sends a request until it is answered 202, each time to another gateway.
func (l *load) insist(ctx context.Context, t *testing.T, f *fleet, r *keyedRequest) {
	for {
		if url := f.gateway(l.calls.Add(1)); url != "" {
			err := l.call(ctx, r, url)
			if err == nil {
				l.answered.Add(keyedBatch)
				return
			}
			if refused, ok := errors.AsType[*refusal](err); ok && !passes(refused.status) {
				t.Errorf("request %s: %v", r.key, err)
				return
			}
			l.failed.Add(1)
			l.last.Store(err.Error())
			l.refused.note(err)
			if mayBeAccepted(err) && (r.key == "" || !l.keysKept.Load()) {
				l.again.Add(keyedBatch)
			}
		}
		select {
		case <-time.After(callAgain):
		case <-ctx.Done():
			return
		}
	}
}

func (l *load) call(ctx context.Context, r *keyedRequest, url string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := r.post(ctx, url)
	return err
}

// passes says whether a refusal is one that a client gets by waiting: the key is
// in use by the call before, or the server is away, full or unsure.
func passes(status int) bool {
	return status == http.StatusConflict || status == http.StatusTooManyRequests || status >= 500
}

// mayBeAccepted says whether a call that was not answered 202 may have been
// accepted all the same: no answer came, or one that leaves it open.
func mayBeAccepted(err error) bool {
	refused, ok := errors.AsType[*refusal](err)
	if !ok {
		return true
	}
	switch refused.code {
	case api.CodeUnavailable, api.CodeAdmission, api.CodeDraining, api.CodeRunning, api.CodeRate:
		return false
	}
	return true
}

// refusals are the calls of a load that were not answered 202, by how they were
// answered.
type refusals struct {
	mu          sync.Mutex
	answers     map[string]int // by status and code
	first, last time.Time
}

// noAnswer is what refusals count calls as that got no answer.
const noAnswer = "no answer"

func (r *refusals) note(err error) {
	answer := noAnswer
	if refused, ok := errors.AsType[*refusal](err); ok {
		answer = fmt.Sprintf("%d %s", refused.status, refused.code)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.answers == nil {
		r.answers, r.first = map[string]int{}, time.Now()
	}
	r.answers[answer]++
	r.last = time.Now()
}

func (r *refusals) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.answers) == 0 {
		return "none"
	}
	return fmt.Sprintf("%v, within %v", r.answers, r.last.Sub(r.first).Round(time.Millisecond))
}

// awaitAnswered waits until so many notifications were answered 202.
func (l *load) awaitAnswered(t *testing.T, n int64) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for l.answered.Load() < n {
		select {
		case <-tick.C:
		case <-l.done:
			if l.answered.Load() < n {
				t.Fatalf("%d of %d notifications were answered; the last error is %v", l.answered.Load(), n, l.last.Load())
			}
		}
	}
}

// wait waits until every request was answered.
func (l *load) wait(t *testing.T) {
	t.Helper()
	<-l.done
	l.awaitAnswered(t, int64(len(l.requests)*keyedBatch))
}
