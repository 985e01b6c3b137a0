package delivery

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/policy"
)

// taking is a take that may still wait.
type taking struct {
	cancel context.CancelFunc
	result chan error
}

// poolModel drives a pool by one step at a time and says after each what must
// hold of it.
type poolModel struct {
	pool    *pool
	workers int
	held    int
	waiting map[pipeline.Priority]*taking
}

func (m *poolModel) take(p pipeline.Priority) {
	ctx, cancel := context.WithCancel(context.Background())
	waits := &taking{cancel: cancel, result: make(chan error, 1)}
	m.waiting[p] = waits
	go func() { waits.result <- m.pool.take(ctx, p) }()
}

// settleDown lets everybody go as far as they can, and notes who got a worker.
func (m *poolModel) settleDown(t *rapid.T) {
	synctest.Wait()
	for p, waits := range m.waiting {
		select {
		case err := <-waits.result:
			waits.cancel()
			delete(m.waiting, p)
			if err == nil {
				m.held++
			} else if !errors.Is(err, context.Canceled) {
				t.Fatalf("%s: take gave %v", p, err)
			}
		default:
		}
	}
	free, reserved := m.workers-m.held, policy.Reserved(m.workers)
	_, high := m.waiting[pipeline.High]
	switch {
	case free < 0:
		t.Fatalf("%d of %d workers are out", m.held, m.workers)
	case m.pool.free != free:
		t.Fatalf("the pool has %d free workers, and %d of %d are out", m.pool.free, m.held, m.workers)
	case high && free > 0:
		t.Fatalf("high waits while %d workers are free", free)
	case len(m.waiting) > 0 && !high && free > reserved:
		t.Fatalf("%d wait while %d workers are free, %d of them for high alone", len(m.waiting), free, reserved)
	}
}

// Any order of taking, giving up and giving back: never more workers are out
// than there are, nobody waits for one that it may have, and what is reserved
// is left for high.
func TestThePoolKeepsItsPromisesInAnyOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		// The bubble needs a test; its failures are the property's.
		synctest.Test(t, func(*testing.T) {
			workers := rapid.IntRange(1, 8).Draw(rt, "workers")
			m := &poolModel{pool: newPool(workers), workers: workers, waiting: map[pipeline.Priority]*taking{}}
			defer func() {
				for _, waits := range m.waiting {
					waits.cancel()
				}
			}()
			for range rapid.IntRange(1, 60).Draw(rt, "steps") {
				p := rapid.SampledFrom(pipeline.Priorities()).Draw(rt, "priority")
				switch rapid.IntRange(0, 2).Draw(rt, "step") {
				case 0:
					before := m.workers - m.held
					if m.waiting[p] != nil {
						continue
					}
					m.take(p)
					m.settleDown(rt)
					if _, waits := m.waiting[p]; p == pipeline.High && before > 0 && waits {
						rt.Fatalf("high waits though %d workers were free", before)
					}
				case 1:
					if m.waiting[p] != nil {
						m.waiting[p].cancel()
						m.settleDown(rt)
					}
				case 2:
					if m.held > 0 {
						m.held--
						m.pool.give()
						m.settleDown(rt)
					}
				}
			}
			for p := range m.waiting {
				m.waiting[p].cancel()
			}
			m.settleDown(rt)
			for ; m.held > 0; m.held-- {
				m.pool.give()
			}
			m.pool.wait() // else the bubble is at a dead end
		})
	})
}

// Bulk may take all but the reserved workers, and high finds those at once.
func TestHighFindsItsReservedWorker(t *testing.T) {
	for _, workers := range []int{2, 3, 10, 100} {
		p, ctx := newPool(workers), t.Context()
		for range workers - policy.Reserved(workers) {
			if err := p.take(ctx, pipeline.Low); err != nil {
				t.Fatal(err)
			}
		}
		ended, cancel := context.WithCancel(ctx)
		cancel()
		if err := p.take(ended, pipeline.Normal); err == nil {
			t.Errorf("of %d workers normal got one that is reserved", workers)
		}
		for range policy.Reserved(workers) {
			if err := p.take(ctx, pipeline.High); err != nil {
				t.Errorf("of %d workers high did not get one: %v", workers, err)
			}
		}
	}
}

// Low is served also while normal always waits: one turn in twenty.
func TestLowKeepsItsShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const turns = 2000
		p := newPool(1)
		ctx, cancel := context.WithCancel(t.Context())
		var counts [pipeline.Low + 1]int
		var wg sync.WaitGroup
		for _, priority := range []pipeline.Priority{pipeline.Normal, pipeline.Low} {
			wg.Go(func() {
				for p.take(ctx, priority) == nil {
					counts[priority]++
					wg.Go(func() {
						time.Sleep(time.Second)
						p.give()
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
	p := newPool(workers)
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
				if p.take(ctx, priority) == nil {
					if out.Add(1) > workers {
						t.Error("more workers are out than there are")
					}
					wg.Go(func() {
						out.Add(-1)
						p.give()
					})
				}
				cancel()
			}
		})
	}
	wg.Wait()
	p.wait()
	if p.free != workers {
		t.Errorf("%d of %d workers are left", p.free, workers)
	}
}
