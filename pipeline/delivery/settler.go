package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
)

// DefaultSettleEvery is for a store that settles by itself: the next settlement
// gathers what comes while the last is on its way.
const DefaultSettleEvery = 20 * time.Millisecond

// untilTick is how long it is until the clock is at a multiple of a period. The
// settlers of all channels wait for the same ticks, so that a store that commits
// together what comes together syncs once for all of them.
func untilTick(now time.Time, every time.Duration) time.Duration {
	return every - time.Duration(now.UnixNano())%every
}

// settler gathers a channel's facts and settles them, one Settle at a time.
// What it holds is bounded by the workers: each adds at most a batch, and the
// records of its facts stay in the feed's window until they are settled.
type settler struct {
	delivery *Delivery
	channel  *channel
	lease    pipeline.Lease
	mu       sync.Mutex
	pending  []pipeline.Fact
	passages []passed
	over     bool          // facts are settled by whoever adds them
	failure  error         // the first
	more     chan struct{} // facts are pending
	done     chan struct{} // no more will come
	stop     func()        // ends the fetching
}

// passed is the passages of one queue's notifications.
type passed struct {
	queue    pipeline.Queue
	passages []telemetry.Passage
}

func newSettler(d *Delivery, c *channel, l pipeline.Lease, stop func()) *settler {
	return &settler{delivery: d, channel: c, lease: l, more: make(chan struct{}, 1), done: make(chan struct{}), stop: stop}
}

// add gives facts to be settled soon, and the passages of those that ended. The
// facts are copied, the passages are kept. What
// comes of a send after the lease's end is settled at once, by whoever adds it:
// it is a fact, though the mark is not ours any more.
func (s *settler) add(facts []pipeline.Fact, passages []telemetry.Passage) {
	if len(facts) == 0 {
		return
	}
	s.mu.Lock()
	s.pending = append(s.pending, facts...)
	if len(passages) > 0 {
		s.passages = append(s.passages, passed{facts[0].Delivery.Queue(), passages})
	}
	over := s.over
	s.mu.Unlock()
	if over {
		ctx, cancel := context.WithTimeout(context.Background(), drain)
		defer cancel()
		s.settle(ctx)
		return
	}
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// now settles facts at once and returns when they are durable. An error ends
// the fetching: what would be sent could not be recorded. It is the delivery's
// too, except [pipeline.ErrFenced], which is how a lease ends.
func (s *settler) now(ctx context.Context, facts []pipeline.Fact) error {
	err := s.delivery.cfg.Settlement.Settle(ctx, s.lease, facts)
	if err == nil {
		return nil
	}
	s.stop()
	err = fmt.Errorf("settle %d deliveries: %w", len(facts), err)
	if !errors.Is(err, pipeline.ErrFenced) && ctx.Err() == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.failure == nil {
			s.failure = err
		}
	}
	return err
}

// finish says that no more facts will come.
func (s *settler) finish() { close(s.done) }

// run settles until finish, and then what is left. After a failure it goes on:
// what became of a batch in flight is worth another try. Its error is the first
// failure.
func (s *settler) run(ctx context.Context) error {
	for {
		select {
		case <-s.more:
		case <-s.done:
			s.mu.Lock()
			s.over = true
			s.mu.Unlock()
			s.settle(ctx)
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.failure
		}
		select {
		case <-time.After(untilTick(s.delivery.cfg.Now(), s.delivery.cfg.SettleEvery)):
		case <-s.done:
		}
		s.settle(ctx)
	}
}

// settle settles what is pending. What fails is left in doubt.
func (s *settler) settle(ctx context.Context) {
	s.mu.Lock()
	facts, passages := s.pending, s.passages
	s.pending, s.passages = nil, nil
	s.mu.Unlock()
	if len(facts) == 0 {
		return
	}
	if err := s.now(ctx, facts); err != nil && !errors.Is(err, pipeline.ErrFenced) {
		s.delivery.cfg.Log.Warn("what was sent could not be recorded, and stays in doubt",
			slog.String("channel", s.channel.name.String()), slog.Int("deliveries", len(facts)), slog.Any("error", err))
		return
	}
	s.observe(ctx, facts, passages)
}

// observe counts what has ended.
func (s *settler) observe(ctx context.Context, facts []pipeline.Fact, all []passed) {
	metrics := s.delivery.cfg.Metrics
	var ended telemetry.Endings
	for i := range facts {
		if facts[i].State.Terminal() {
			ended.Add(&facts[i].Delivery.Notification, facts[i].State)
		}
	}
	metrics.Ended(&ended)
	s.channel.pool.end(ended.Total())
	now := s.delivery.cfg.Now()
	s.delivery.cfg.Tracer.Settled(ctx, facts, now)
	for _, p := range all {
		for i := range p.passages {
			p.passages[i].Settled = now
		}
		metrics.EndToEnd(p.queue).RecordBatch(p.passages)
	}
}
