package delivery

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
)

// settleEvery is how long facts gather before they are settled together. The
// end-to-end latency counts it, the API never does.
const settleEvery = 10 * time.Millisecond

// settler gathers a channel's facts and settles them, one Settle at a time.
// What it holds is bounded by the workers: each adds at most a batch, and the
// records of its facts stay in the feed's window until they are settled.
type settler struct {
	delivery *Delivery
	lease    pipeline.Lease
	mu       sync.Mutex
	pending  []pipeline.Fact
	passages []passed
	more     chan struct{} // facts are pending
	done     chan struct{} // no more will come
}

// passed is the passages of one queue's notifications.
type passed struct {
	queue    pipeline.Queue
	passages []telemetry.Passage
}

func newSettler(d *Delivery, l pipeline.Lease) *settler {
	return &settler{delivery: d, lease: l, more: make(chan struct{}, 1), done: make(chan struct{})}
}

// add gives facts to be settled soon, and the passages of those that ended.
func (s *settler) add(facts []pipeline.Fact, passages []telemetry.Passage) {
	if len(facts) == 0 {
		return
	}
	s.mu.Lock()
	s.pending = append(s.pending, facts...)
	if len(passages) > 0 {
		s.passages = append(s.passages, passed{facts[0].Delivery.Queue(), passages})
	}
	s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// now settles facts at once and returns when they are durable.
func (s *settler) now(ctx context.Context, facts []pipeline.Fact) error {
	return s.delivery.cfg.Settlement.Settle(ctx, s.lease, facts)
}

// finish says that no more facts will come.
func (s *settler) finish() { close(s.done) }

// run settles until finish, and then what is left.
func (s *settler) run(ctx context.Context) error {
	for {
		select {
		case <-s.more:
		case <-s.done:
			return s.settle(ctx)
		}
		select {
		case <-time.After(settleEvery):
		case <-s.done:
		}
		if err := s.settle(ctx); err != nil {
			return err
		}
	}
}

// settle settles what is pending.
func (s *settler) settle(ctx context.Context) error {
	s.mu.Lock()
	facts, passages := s.pending, s.passages
	s.pending, s.passages = nil, nil
	s.mu.Unlock()
	if len(facts) == 0 {
		return nil
	}
	if err := s.now(ctx, facts); err != nil {
		return fmt.Errorf("settle %d deliveries: %w", len(facts), err)
	}
	s.observe(facts, passages)
	return nil
}

// observe counts what has ended.
func (s *settler) observe(facts []pipeline.Fact, all []passed) {
	metrics := s.delivery.cfg.Metrics
	var ended [int(pipeline.Low) + 1][int(pipeline.Dead) + 1]int
	for i := range facts {
		if facts[i].State.Terminal() {
			ended[facts[i].Delivery.Priority][facts[i].State]++
		}
	}
	for priority := range ended {
		for state, n := range ended[priority] {
			if n > 0 {
				q := pipeline.Queue{Channel: s.lease.Channel(), Priority: pipeline.Priority(priority)}
				metrics.Ended(q, pipeline.State(state), n)
			}
		}
	}
	now := s.delivery.cfg.Now()
	for _, p := range all {
		for i := range p.passages {
			p.passages[i].Settled = now
		}
		metrics.EndToEnd(p.queue).RecordBatch(p.passages)
	}
}
