package postgres

import (
	"context"
	"sync"
)

// rounds lets callers share the runs of something, one run at a time: each gets
// the result of a run that began after it came.
type rounds[T any] struct {
	run func() T

	mu      sync.Mutex
	running bool
	next    *round[T] // that has not begun, or nil
	wg      sync.WaitGroup
}

// round is one run. Its result is there once it is done.
type round[T any] struct {
	done   chan struct{}
	result T
}

// join waits for a run's result. Its error is the context's.
func (r *rounds[T]) join(ctx context.Context) (T, error) {
	mine := r.begin()
	select {
	case <-mine.done:
		return mine.result, nil
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// begin makes sure that a run begins, and gives the one that will be next.
func (r *rounds[T]) begin() *round[T] {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == nil {
		r.next = &round[T]{done: make(chan struct{})}
	}
	if !r.running {
		r.running = true
		r.wg.Go(r.serve)
	}
	return r.next
}

// serve runs until nobody waits.
func (r *rounds[T]) serve() {
	for {
		r.mu.Lock()
		current := r.next
		r.next = nil
		r.running = current != nil
		r.mu.Unlock()
		if current == nil {
			return
		}
		current.result = r.run()
		close(current.done)
	}
}
