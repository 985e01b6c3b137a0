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
	pending  gathered
	spare    gathered      // memory of what was settled, for what comes next
	over     bool          // facts are settled by whoever adds them
	failure  error         // the first
	more     chan struct{} // facts are pending
	done     chan struct{} // no more will come
	stop     func()        // ends the fetching
}

// gathered is what is settled together.
type gathered struct {
	facts    []pipeline.Fact
	passages []telemetry.Passage
	passed   []passed // whose passages these are, in order
}

// passed is how many notifications of a queue have ended.
type passed struct {
	queue pipeline.Queue
	count int
}

// maxSpare bounds the facts whose memory is kept, 2 MB of it.
const maxSpare = 8 << 10

// emptied is the same memory, with nothing in it that it would keep alive.
func (g gathered) emptied() gathered {
	if cap(g.facts) > maxSpare {
		return gathered{}
	}
	clear(g.facts)
	return gathered{facts: g.facts[:0], passages: g.passages[:0], passed: g.passed[:0]}
}

func newSettler(d *Delivery, c *channel, l pipeline.Lease, stop func()) *settler {
	return &settler{delivery: d, channel: c, lease: l, more: make(chan struct{}, 1), done: make(chan struct{}), stop: stop}
}

// add gives facts to be settled soon, and the passages of those that ended. Both
// are copied. What comes of a send after the lease's end is settled at once, by
// whoever adds it: it is a fact, though the mark is not ours any more.
func (s *settler) add(facts []pipeline.Fact, passages []telemetry.Passage) {
	if len(facts) == 0 {
		return
	}
	s.mu.Lock()
	s.pending.facts = append(s.pending.facts, facts...)
	if len(passages) > 0 {
		s.pending.passages = append(s.pending.passages, passages...)
		s.pending.passed = append(s.pending.passed, passed{facts[0].Delivery.Queue(), len(passages)})
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
	if len(s.pending.facts) == 0 {
		s.mu.Unlock()
		return
	}
	g := s.pending
	s.pending, s.spare = s.spare, gathered{}
	s.mu.Unlock()
	if err := s.now(ctx, g.facts); err != nil && !errors.Is(err, pipeline.ErrFenced) {
		s.delivery.cfg.Log.Warn("what was sent could not be recorded, and stays in doubt",
			slog.String("channel", s.channel.name.String()), slog.Int("deliveries", len(g.facts)), slog.Any("error", err))
		return
	}
	s.observe(ctx, &g)
	s.mu.Lock()
	s.spare = g.emptied()
	s.mu.Unlock()
}

// observe counts what has ended.
func (s *settler) observe(ctx context.Context, g *gathered) {
	metrics := s.delivery.cfg.Metrics
	var ended telemetry.Endings
	for i := range g.facts {
		if f := &g.facts[i]; f.State.Terminal() {
			ended.Add(&f.Delivery.Notification, f.State)
		}
	}
	metrics.Ended(&ended)
	s.channel.pool.end(ended.Total())
	now := s.delivery.cfg.Now()
	s.delivery.cfg.Tracer.Settled(ctx, g.facts, now)
	for i := range g.passages {
		g.passages[i].Settled = now
	}
	rest := g.passages
	for _, p := range g.passed {
		metrics.EndToEnd(p.queue).RecordBatch(rest[:p.count])
		rest = rest[p.count:]
	}
}
