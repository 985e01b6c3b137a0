package provider

import (
	"context"
	"sync"

	"github.com/notifyctl/notifyctl/pipeline"
)

// semaphore bounds the single calls that a client has under way, over all its
// sends.
type semaphore chan struct{}

// each answers every message by a call of its own, as many at a time as there
// is room for. What had no room when ctx ended, or within maxSendTime, is not
// sent.
func (s semaphore) each(ctx context.Context, answers []pipeline.Answer, call func(i int) pipeline.Answer) {
	var calls sync.WaitGroup
	defer calls.Wait()
	// Ended, it lets no call begin; those that have begun go on under ctx.
	begin, cancel := context.WithTimeoutCause(ctx, maxSendTime, errTooSlow)
	defer cancel()
	for i := range answers {
		if !s.enter(begin) {
			answers[i] = pipeline.Answer{Class: pipeline.Transient, Error: "not sent: " + cleanString(context.Cause(begin).Error())}
			continue
		}
		calls.Go(func() {
			defer func() { <-s }()
			answers[i] = call(i)
		})
	}
}

// enter waits for room, until ctx ends.
func (s semaphore) enter(ctx context.Context) bool {
	if ctx.Err() != nil { // with room and at an end, select would draw lots
		return false
	}
	select {
	case s <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}
