package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/policy"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
)

// idleSender is called by nobody.
type idleSender struct{ Sender }

func (idleSender) Name() string  { return "sendgrid" }
func (idleSender) MaxBatch() int { return 100 }

// poolOf makes a pool over a provider that always serves.
func poolOf(workers int) *pool {
	cfg := &Config{Metrics: telemetry.New(prometheus.NewRegistry()), Log: slog.New(slog.DiscardHandler), Now: time.Now, Breaker: policy.DefaultBreaker()}
	return newPool(cfg, pipeline.Email, Route{Primary: Provider{Sender: idleSender{}}, Workers: workers})
}

// grab takes a worker, and put gives one back.
func (p *pool) grab(ctx context.Context, priority pipeline.Priority) error {
	_, err := p.take(ctx, priority, nil)
	return err
}

func (p *pool) put() { p.give(&grant{upstream: p.upstreams[0]}) }

// taking is a take that may still wait.
type taking struct {
	cancel context.CancelFunc
	result chan error
}

// poolModel drives a pool by one step at a time and says after each what does
// not hold of it. It runs in a bubble, where it is known when all have gone as
// far as they can.
type poolModel struct {
	pool    *pool
	workers int
	held    int
	// shrunk says that more may be out than there are.
	shrunk  bool
	waiting map[pipeline.Priority]*taking
}

// poolStep is something that happens to a pool.
type poolStep struct {
	what     int // 0 takes a worker, 1 gives up waiting, 2 gives one back, 3 resizes
	priority pipeline.Priority
	workers  int // of a resize
}

func (m *poolModel) do(s poolStep) {
	waits := m.waiting[s.priority]
	switch {
	case s.what == 0 && waits == nil:
		ctx, cancel := context.WithCancel(context.Background())
		waits = &taking{cancel: cancel, result: make(chan error, 1)}
		m.waiting[s.priority] = waits
		go func() { waits.result <- m.pool.grab(ctx, s.priority) }()
	case s.what == 1 && waits != nil:
		waits.cancel()
	case s.what == 2 && m.held > 0:
		m.held--
		m.pool.put()
	case s.what == 3:
		m.shrunk = m.shrunk || s.workers < m.held
		m.workers = s.workers
		m.pool.resize(s.workers)
	}
}

// check notes who got a worker, and compares.
func (m *poolModel) check() error {
	synctest.Wait()
	for p, waits := range m.waiting {
		select {
		case err := <-waits.result:
			waits.cancel()
			delete(m.waiting, p)
			if err == nil {
				m.held++
			} else if !errors.Is(err, context.Canceled) {
				return fmt.Errorf("%s: take gave %w", p, err)
			}
		default:
		}
	}
	free, reserved := m.workers-m.held, policy.Reserved(m.workers)
	m.shrunk = m.shrunk && free < 0
	_, high := m.waiting[pipeline.High]
	switch {
	case free < 0 && !m.shrunk:
		return fmt.Errorf("%d of %d workers are out", m.held, m.workers)
	case m.pool.busy != m.held:
		return fmt.Errorf("to the pool %d workers are busy, and %d of %d are out", m.pool.busy, m.held, m.workers)
	case high && free > 0:
		return fmt.Errorf("high waits while %d workers are free", free)
	case len(m.waiting) > 0 && !high && free > reserved:
		return fmt.Errorf("%d wait while %d workers are free, %d of them for high alone", len(m.waiting), free, reserved)
	}
	return nil
}

func (m *poolModel) run(steps []poolStep) error {
	for i, s := range steps {
		m.do(s)
		if err := m.check(); err != nil {
			return fmt.Errorf("after step %d of %v: %w", i, steps[:i+1], err)
		}
	}
	return nil
}

// end gives up and gives back everything.
func (m *poolModel) end() error {
	for _, waits := range m.waiting {
		waits.cancel()
	}
	err := m.check()
	for ; m.held > 0; m.held-- {
		m.pool.put()
	}
	if err == nil {
		m.pool.wait(nil) // else the bubble is at a dead end
	}
	return err
}

// Any order of taking, giving up, giving back and resizing: never more workers are out
// than there are, nobody waits for one that it may have, and what is reserved
// is left for high.
func TestThePoolKeepsItsPromisesInAnyOrder(t *testing.T) {
	step := rapid.Custom(func(t *rapid.T) poolStep {
		return poolStep{rapid.IntRange(0, 3).Draw(t, "what"), rapid.SampledFrom(pipeline.Priorities()).Draw(t, "priority"), rapid.IntRange(1, 8).Draw(t, "workers")}
	})
	rapid.Check(t, func(rt *rapid.T) {
		workers := rapid.IntRange(1, 8).Draw(rt, "workers")
		steps := rapid.SliceOfN(step, 1, 60).Draw(rt, "steps")
		var failure error
		// The bubble has a goroutine of its own, where the property cannot fail.
		synctest.Test(t, func(*testing.T) {
			m := &poolModel{pool: poolOf(workers), workers: workers, waiting: map[pipeline.Priority]*taking{}}
			failure = m.run(steps)
			failure = errors.Join(failure, m.end())
		})
		if failure != nil {
			rt.Fatalf("of %d workers: %v", workers, failure)
		}
	})
}

// Bulk may take all but the reserved workers, and high finds those at once.
func TestHighFindsItsReservedWorker(t *testing.T) {
	for _, workers := range []int{2, 3, 10, 100} {
		p, ctx := poolOf(workers), t.Context()
		for range workers - policy.Reserved(workers) {
			if err := p.grab(ctx, pipeline.Low); err != nil {
				t.Fatal(err)
			}
		}
		ended, cancel := context.WithCancel(ctx)
		cancel()
		if err := p.grab(ended, pipeline.Normal); err == nil {
			t.Errorf("of %d workers normal got one that is reserved", workers)
		}
		for range policy.Reserved(workers) {
			if err := p.grab(ctx, pipeline.High); err != nil {
				t.Errorf("of %d workers high did not get one: %v", workers, err)
			}
		}
	}
}

// Low is served also while normal always waits: one turn in twenty.
func TestLowKeepsItsShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const turns = 2000
		p := poolOf(1)
		ctx, cancel := context.WithCancel(t.Context())
		var counts [pipeline.Low + 1]int
		var wg sync.WaitGroup
		for _, priority := range []pipeline.Priority{pipeline.Normal, pipeline.Low} {
			wg.Go(func() {
				for p.grab(ctx, priority) == nil {
					counts[priority]++
					wg.Go(func() {
						time.Sleep(time.Second)
						p.put()
					})
				}
			})
		}
		time.Sleep(turns * time.Second)
		cancel()
		wg.Wait()
		if low := counts[pipeline.Low]; low < turns/20-1 || low > turns/20+1 {
			t.Errorf("low got %d of %d turns, want one in twenty", low, low+counts[pipeline.Normal])
		}
	})
}

// Callers of all priorities, with takes given up at the moment of their grant:
// no worker is lost, and none is lent twice.
func TestThePoolUnderContention(t *testing.T) {
	const workers, rounds = 3, 2000
	p := poolOf(workers)
	var out atomic.Int64
	var wg sync.WaitGroup
	for _, priority := range pipeline.Priorities() {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(priority), 1))
			for range rounds {
				ctx, cancel := context.WithCancel(context.Background())
				if random.IntN(2) == 0 {
					go cancel()
				}
				if p.grab(ctx, priority) == nil {
					if out.Add(1) > workers {
						t.Error("more workers are out than there are")
					}
					wg.Go(func() {
						out.Add(-1)
						p.put()
					})
				}
				cancel()
			}
		})
	}
	wg.Wait()
	p.wait(nil)
	if p.busy != 0 {
		t.Errorf("%d of %d workers are lost", p.busy, workers)
	}
}

// Granted and given up at once: whichever is noticed, no worker is lost.
func TestGivingUpAGrantedWorkerGivesItBack(t *testing.T) {
	p := poolOf(3)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 { // one of two at random, each time
		if p.grab(ended, pipeline.High) == nil {
			p.put()
		}
	}
	if p.busy != 0 {
		t.Errorf("%d of 3 workers are lost", p.busy)
	}
}
