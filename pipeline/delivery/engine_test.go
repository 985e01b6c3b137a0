package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// engine is a feed of one channel, the settlement beside it and the history
// behind it, in memory and on the bubble's clock. Its log tells what happened
// in which order.
type engine struct {
	channel pipeline.Channel
	mu      sync.Mutex
	waiting map[pipeline.Priority][]*pipeline.Delivery // in the order of Due
	out     map[pipeline.ID]*pipeline.Delivery         // handed out, not settled
	facts   map[pipeline.ID][]pipeline.Fact
	history map[pipeline.ID]pipeline.State // what a former owner left
	log     []string
	quiet   bool // keeps no log
	wake    map[pipeline.Priority]chan struct{}
	leases  []*lease // in the order in which they were acquired
	share   float64  // of the next lease
	others  []*world // whose depths are told, too
	window  int      // handed out and not settled at most; 0 is any number
	settled int      // calls of Settle
	left    int      // handed out and not settled when the last lease was closed

	fetchErr, historyErr, closeErr error
	// settle, when set, decides what a Settle gives; facts are recorded unless
	// it fails otherwise than by ErrFenced.
	settle func(facts []pipeline.Fact) error
	// acquire, when set, decides what an Acquire gives.
	acquire func(nth int) error
}

// lease is one of the engine's, on all of it. What was handed out and not
// settled when it is closed is handed out again, in doubt.
type lease struct {
	*engine
	ending chan struct{}
	share  float64
	closed bool
}

func (e *lease) Share() float64 { return e.share }

func (e *lease) Ending() <-chan struct{} { return e.ending }

func newEngine() *engine {
	e := &engine{
		channel: pipeline.Email,
		waiting: map[pipeline.Priority][]*pipeline.Delivery{}, out: map[pipeline.ID]*pipeline.Delivery{},
		facts: map[pipeline.ID][]pipeline.Fact{}, history: map[pipeline.ID]pipeline.State{},
		wake: map[pipeline.Priority]chan struct{}{}, share: 1,
	}
	for _, p := range pipeline.Priorities() {
		e.wake[p] = make(chan struct{}, 1)
	}
	return e
}

func (e *engine) note(format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.quiet {
		e.log = append(e.log, fmt.Sprintf(format, args...))
	}
}

// queue puts deliveries where they are due. e.mu is held.
func (e *engine) queue(deliveries ...*pipeline.Delivery) {
	for _, d := range deliveries {
		q := e.waiting[d.Priority]
		at := len(q) // behind all that are not due later
		for at > 0 && q[at-1].Due.After(d.Due) {
			at--
		}
		e.waiting[d.Priority] = slices.Insert(q, at, d)
		select {
		case e.wake[d.Priority] <- struct{}{}:
		default:
		}
	}
}

func (e *engine) Acquire(context.Context, pipeline.Channel) (pipeline.Lease, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if n := len(e.leases); n > 0 && !e.leases[n-1].closed {
		panic("a second lease was acquired beside the first")
	}
	if e.acquire != nil {
		if err := e.acquire(len(e.leases)); err != nil {
			return nil, err
		}
	}
	l := &lease{engine: e, ending: make(chan struct{}), share: e.share}
	e.leases = append(e.leases, l)
	return l, nil
}

// lastLease is the one that was acquired last.
func (e *engine) lastLease() *lease {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.leases[len(e.leases)-1]
}

func (e *engine) Depths(context.Context) ([]pipeline.Depth, error) {
	depths := e.depths()
	for _, w := range e.others {
		if w.engine != e {
			depths = append(depths, w.depths()...)
		}
	}
	return depths, nil
}

func (e *engine) depths() []pipeline.Depth {
	e.mu.Lock()
	defer e.mu.Unlock()
	depths := []pipeline.Depth{{Queue: pipeline.Queue{Channel: pipeline.Email, Priority: pipeline.High}, Windowed: int64(len(e.out))}}
	for p, waiting := range e.waiting {
		depths = append(depths, pipeline.Depth{Queue: pipeline.Queue{Channel: pipeline.Email, Priority: p}, Waiting: int64(len(waiting))})
	}
	return depths
}

func (e *engine) Channel() pipeline.Channel { return e.channel }

func (e *lease) Await(ctx context.Context, p pipeline.Priority, maximum int, wait time.Duration) error {
	for {
		e.mu.Lock()
		now, due := time.Now(), 0
		sleep := time.Hour
		for _, d := range e.waiting[p] {
			if e.window > 0 && len(e.out) >= e.window {
				break // until something is settled
			}
			if d.Due.After(now) {
				sleep = min(sleep, d.Due.Sub(now))
				break
			}
			due++
		}
		if due > 0 {
			sleep = min(sleep, wait-now.Sub(e.waiting[p][0].Due))
		}
		e.mu.Unlock()
		if due >= maximum || due > 0 && sleep <= 0 {
			return nil
		}
		select {
		case <-e.wake[p]:
		case <-time.After(sleep):
		case <-ctx.Done():
			return ctx.Err()
		case <-e.ending:
			return pipeline.ErrLeaseEnded
		}
	}
}

func (e *lease) Fetch(_ context.Context, p pipeline.Priority, maximum int) ([]*pipeline.Delivery, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fetchErr != nil {
		return nil, e.fetchErr
	}
	if e.window > 0 {
		maximum = min(maximum, e.window-len(e.out))
	}
	var fetched []*pipeline.Delivery
	for len(fetched) < maximum && len(e.waiting[p]) > 0 && !e.waiting[p][0].Due.After(time.Now()) {
		d := e.waiting[p][0]
		e.waiting[p] = e.waiting[p][1:]
		d.Fetched = time.Now()
		e.out[d.ID] = d
		fetched = append(fetched, d)
	}
	return fetched, nil
}

func (e *lease) Close(context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		panic("a lease was closed twice")
	}
	e.closed = true
	e.left = len(e.out)
	for _, d := range e.out {
		again := *d
		again.Doubt = true
		e.queue(&again)
	}
	clear(e.out)
	return e.closeErr
}

func (e *lease) isClosed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closed
}

func (e *engine) Settle(_ context.Context, l pipeline.Lease, facts []pipeline.Fact) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settled++
	var err error
	fenced := l.(*lease).closed
	if fenced {
		err = pipeline.ErrFenced
	}
	if e.settle != nil {
		err = e.settle(facts)
	}
	if err != nil && !errors.Is(err, pipeline.ErrFenced) {
		return err
	}
	for _, f := range facts {
		d := f.Delivery
		f.Delivery = nil // it changes with its next attempt
		e.facts[d.ID] = append(e.facts[d.ID], f)
		if !e.quiet {
			e.log = append(e.log, fmt.Sprintf("settle %s %d", d.Ref, f.State))
		}
		if f.State.Terminal() {
			e.history[d.ID] = f.State
		}
		if fenced || f.State == pipeline.Sending {
			continue
		}
		if _, ours := e.out[d.ID]; !ours {
			panic(d.Ref + " was settled twice")
		}
		delete(e.out, d.ID)
		select {
		case e.wake[d.Priority] <- struct{}{}:
		default:
		}
		if f.State == pipeline.Retrying {
			again := *d
			again.Due, again.Doubt = f.Due, false
			again.Attempts = slices.Clone(d.Attempts)
			if f.Attempt.Class != 0 {
				again.Attempts = append(again.Attempts, f.Attempt)
			}
			e.queue(&again)
		}
	}
	return err
}

func (e *engine) Account(context.Context) (pipeline.Account, error) { return pipeline.Account{}, nil }

func (e *engine) ByID(_ context.Context, ids []pipeline.ID) ([]pipeline.Entry, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.historyErr != nil {
		return nil, e.historyErr
	}
	entries := make([]pipeline.Entry, len(ids))
	for i, id := range ids {
		entries[i] = pipeline.Entry{ID: id, State: e.history[id]}
	}
	return entries, nil
}

func (e *engine) RunOutcomes(context.Context, string) (pipeline.RunOutcomes, error) {
	return nil, pipeline.ErrUnknownRun
}
