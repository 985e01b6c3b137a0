package delivery

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/policy"
)

// drain is for how long a lease that ends waits for what is in flight, and then
// for that to be settled. It is under the session timeout of logs, after which
// the partitions are another's in any case.
const drain = 10 * time.Second

// reacquire says how long to wait for an engine that is away.
var reacquire = policy.Backoff{Base: 200 * time.Millisecond, Max: 5 * time.Second} //nolint:gochecknoglobals // it is constant

// deliver works one channel by one lease after another, until ctx ends.
func (d *Delivery) deliver(ctx context.Context, c *channel) error {
	// What outlives its lease is waited for before the end.
	defer c.pool.wait(nil)
	random := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	for failures := 0; ctx.Err() == nil; {
		err := d.lease(ctx, c)
		switch {
		case err == nil:
			failures = 0
			continue
		case ctx.Err() != nil:
			return ended(ctx, err)
		case !isAway(err):
			return err
		}
		failures++
		wait := reacquire.Wait(failures, 0, random)
		d.cfg.Log.Warn("a channel is not delivered while an engine is away",
			slog.String("channel", c.name.String()), slog.Duration("next_try", wait), slog.Any("error", err))
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
	return nil
}

// isAway says whether an error comes of an engine that does not answer: it says
// so, or the time that it was given has passed.
func isAway(err error) bool {
	return errors.Is(err, pipeline.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// lease works a lease from its acquisition to its end.
func (d *Delivery) lease(ctx context.Context, c *channel) error {
	lease, err := d.cfg.Feed.Acquire(ctx, c.name)
	if err != nil {
		return err
	}
	c.pool.open(lease.Share())
	defer c.pool.close()
	// What was fetched is sent and settled even when ctx has ended.
	work, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	// The lanes end with the lease. So they do when settling fails: what they
	// would send could not be recorded.
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer after(lease.Ending(), stop)()
	s := newSettler(d, c, lease, stop)
	settled := make(chan error, 1)
	go func() { settled <- s.run(work) }()

	lanes, laneCtx := errgroup.WithContext(ctx)
	for _, p := range pipeline.Priorities() {
		l := &lane{delivery: d, channel: c, priority: p, lease: lease, settler: s}
		lanes.Go(func() error { return l.run(laneCtx) })
	}
	err = ended(ctx, lanes.Wait())
	c.pool.wait(lease.Ending())
	s.finish()
	defer time.AfterFunc(drain, giveUp).Stop()
	err = errors.Join(err, <-settled)
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	return errors.Join(err, lease.Close(closing))
}

// after calls a function once a channel is closed, unless it is stopped before.
func after(closed <-chan struct{}, do func()) (stop func()) {
	stopped := make(chan struct{})
	go func() {
		select {
		case <-closed:
			do()
		case <-stopped:
		}
	}()
	return func() { close(stopped) }
}

// ended drops the errors by which an orderly end shows.
func ended(ctx context.Context, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, pipeline.ErrLeaseEnded) || ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}
