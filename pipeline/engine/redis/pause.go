package redis

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// pauseFor is how long calls that are passed over when they fail are not even
// tried after one that waited in vain.
const pauseFor = time.Second

// pause keeps a Redis that hangs from costing every slice the time that a call
// waits for it: after a call that waited in vain the next ones fail at once, and
// one in pauseFor finds out whether it answers again. A Redis that is down
// refuses at once by itself.
type pause struct {
	until atomic.Int64 // in nanoseconds since 1970; 0: calls are tried
}

var errPaused = errors.New("it did not answer just now")

// run does what may be passed over, within a time.
func (p *pause) run(ctx context.Context, within time.Duration, do func(context.Context) error) error {
	until := p.until.Load()
	now := time.Now()
	if until != 0 && (now.UnixNano() < until || !p.until.CompareAndSwap(until, now.Add(within+pauseFor).UnixNano())) {
		return errPaused
	}
	limited, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	err := do(limited)
	switch {
	case err != nil && isTimeout(err) && ctx.Err() == nil:
		p.until.Store(time.Now().Add(pauseFor).UnixNano())
	case until != 0: // it answered, or its caller gave up and the next one finds out
		p.until.Store(0)
	}
	return err
}

// passOver does what callers go on without when it fails. Errors:
// [pipeline.ErrFull], [pipeline.ErrUnavailable].
func (c *Client) passOver(ctx context.Context, do func(context.Context) error) error {
	if err := c.pause.run(ctx, c.cacheTimeout, do); err != nil {
		return c.fault(err)
	}
	return nil
}
