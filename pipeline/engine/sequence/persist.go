package sequence

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/notifyctl/notifyctl/pipeline"
)

// The waits between tries at a part that is away.
const (
	firstWait = 50 * time.Millisecond
	mostWait  = 2 * time.Second
)

// persist does something until the part that it asks of answers, or ctx ends;
// what is the part's name. Only [pipeline.ErrUnavailable] is worth another try.
// Its error is the last of the part's, or ctx's.
func (s *Store) persist(ctx context.Context, what string, do func(context.Context) error) error {
	waits := backoff.NewExponentialBackOff()
	waits.InitialInterval, waits.MaxInterval = firstWait, mostWait
	var last error
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		last = do(ctx)
		if last != nil && !errors.Is(last, pipeline.ErrUnavailable) {
			return struct{}{}, backoff.Permanent(last)
		}
		return struct{}{}, last
	}, backoff.WithBackOff(waits), backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, wait time.Duration) {
		s.slog.Warn("deliveries wait for a part that does not answer",
			slog.String("part", what), slog.Duration("next_try", wait), slog.Any("error", err))
	}))
	if last != nil {
		return last
	}
	return err
}

// lasting is a context that also ends a while after either of two events.
func lasting(ctx context.Context, drain time.Duration, one, other <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		select {
		case <-one:
		case <-other:
		case <-ctx.Done():
			return
		}
		timer := time.NewTimer(drain)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
