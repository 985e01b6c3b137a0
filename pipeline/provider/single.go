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
// is room for. What had no room when ctx ended is not sent.
func (s semaphore) each(ctx context.Context, answers []pipeline.Answer, call func(i int) pipeline.Answer) {
	var calls sync.WaitGroup
	defer calls.Wait()
	for i := range answers {
		select {
		case s <- struct{}{}:
		case <-ctx.Done():
			answers[i] = pipeline.Answer{Class: pipeline.Transient, Error: "not sent: " + cleanString(context.Cause(ctx).Error())}
			continue
		}
		calls.Go(func() {
			defer func() { <-s }()
			answers[i] = call(i)
		})
	}
}
