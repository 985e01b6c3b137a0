package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

const (
	// openEvery is how often an engine that is away is looked for.
	openEvery = time.Second
	// openAtLeast is what an attempt may take, however little of the wait is
	// left: engines make topics and tables at the first. Three nodes of Cassandra
	// take 4 s for that, and twice as long on a busy machine.
	openAtLeast = 10 * time.Second
)

// patience is how long the opening waits for engines, all of them together, so
// that they may be started in any order and after us.
type patience struct {
	wait  time.Duration
	until time.Time
	log   *slog.Logger
}

func newPatience(wait time.Duration, log *slog.Logger) *patience {
	return &patience{wait: wait, until: time.Now().Add(wait), log: log}
}

// await opens an engine, again and again while it is away, and says once a
// second why it waits. What waiting does not mend ends it at once.
func await[T any](ctx context.Context, p *patience, open func(context.Context) (T, error)) (T, error) {
	for {
		began := time.Now()
		opened, err := attempt(ctx, p, open)
		if err == nil {
			return opened, nil // also when ctx has ended meanwhile: it is the caller's to close
		}
		if ctx.Err() != nil || permanent(err) {
			return opened, errors.Join(err, ctx.Err())
		}
		pause := max(0, time.Until(began.Add(openEvery)))
		if !time.Now().Add(pause).Before(p.until) {
			return opened, fmt.Errorf("%w (waited %v for it; see --wait)", err, p.wait)
		}
		p.log.Warn("waiting for " + err.Error()) //nolint:sloglint // for who starts engines by hand: which, where and why at a glance
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return opened, ctx.Err()
		}
	}
}

func attempt[T any](ctx context.Context, p *patience, open func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, max(openAtLeast, time.Until(p.until)))
	defer cancel()
	return open(ctx)
}

// permanent says whether waiting does not mend an error of an opening. What no
// engine says of itself is a fault of ours, or of what we were given.
func permanent(err error) bool {
	fault, ok := errors.AsType[*pipeline.EngineError](err)
	return !ok || fault.Permanent
}
