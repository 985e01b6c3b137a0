package provider

import (
	"context"
	"iter"
	"sync"

	"github.com/notifyctl/notifyctl/pipeline"
)

// semaphore bounds the calls that a client has under way at a time, over all
// its sends.
type semaphore chan struct{}

// each makes a call for every part of a send, as many at a time as there is
// room for; a call answers the messages of its part. What had no room when ctx
// ended, or within maxSendTime, is not sent.
func (s semaphore) each(ctx context.Context, answers []pipeline.Answer, parts iter.Seq[[]int], call func(part []int)) {
	var calls sync.WaitGroup
	defer calls.Wait()
	// Ended, it lets no call begin; those that have begun go on under ctx.
	begin, cancel := context.WithTimeoutCause(ctx, maxSendTime, errTooSlow)
	defer cancel()
	for part := range parts {
		if !s.enter(begin) {
			answerAll(answers, part, notSent(context.Cause(begin)))
			continue
		}
		calls.Go(func() {
			defer func() { <-s }()
			call(part)
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

// notSent is the answer to a message that no call was made with.
func notSent(why error) pipeline.Answer {
	return pipeline.Answer{Class: pipeline.Unsent, Error: cleanString("not sent: " + why.Error())}
}
