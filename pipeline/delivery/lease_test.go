package delivery_test

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/delivery"
)

// many pushes so many notifications.
func (w *world) many(n int) []*pipeline.Delivery {
	all := make([]*pipeline.Delivery, n)
	for i := range all {
		all[i] = w.notification(fmt.Sprint("n", i))
	}
	w.push(all...)
	return all
}

// wantEach checks that notifications were delivered, and sent so often.
func (w *world) wantEach(all []*pipeline.Delivery, sends int) {
	w.Helper()
	w.sender.mu.Lock()
	defer w.sender.mu.Unlock()
	for _, d := range all {
		facts := w.known(d)
		if len(facts) == 0 || facts[len(facts)-1].State != pipeline.Delivered || w.sender.sends[d.Ref] != sends {
			w.Errorf("%s met %+v and was sent %d times", d.Ref, facts, w.sender.sends[d.Ref])
		}
	}
}

func (w *world) lease(n int) *lease {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n >= len(w.leases) {
		w.Fatalf("%d leases were acquired, want one more than %d", len(w.leases), n)
	}
	return w.leases[n]
}

// A lease that ends in the middle of batches is given back when those are
// settled, and the next goes on.
func TestALeaseThatEndsIsGivenBackAndAcquiredAgain(t *testing.T) {
	inBubble(t, func(w *world) {
		w.sender.takes = time.Second
		all := w.many(1000)
		w.start()
		for n := range 3 {
			time.Sleep(4500 * time.Millisecond) // in the middle of a send
			l := w.lease(n)
			close(l.ending)
			sent := w.sender.sentSoFar()
			time.Sleep(1100 * time.Millisecond)
			if !l.isClosed() || w.left != 0 {
				w.Errorf("lease %d was given back: %v, with %d left", n, l.isClosed(), w.left)
			}
			if more := w.sender.sentSoFar() - sent; more > 40 {
				w.Errorf("%d were sent in the second in which lease %d ended", more, n)
			}
		}
		time.Sleep(time.Minute)
		w.stop()
		w.wantEach(all, 1)
		if w.metrics.Snapshot().TakenOver != 0 {
			w.Error("something was taken over, though all leases ended in order")
		}
	})
}

// What is in flight is waited for no longer than a lease is ours. Its outcome is
// recorded all the same, and whoever comes next may have sent it again.
func TestALeaseThatEndsDoesNotWaitForever(t *testing.T) {
	inBubble(t, func(w *world) {
		release := make(chan struct{})
		var held atomic.Bool
		w.sender.hold = func([]string) {
			if held.CompareAndSwap(false, true) {
				<-release
			}
		}
		all := w.many(1)
		w.start()
		time.Sleep(time.Second)
		close(w.lease(0).ending)
		time.Sleep(9 * time.Second)
		if w.lease(0).isClosed() {
			w.Error("the lease was given back with a batch in flight")
		}
		time.Sleep(2 * time.Second)
		if !w.lease(0).isClosed() || w.left != 1 {
			w.Error("the lease was not given back")
		}
		time.Sleep(5 * time.Second)
		w.wantFacts(all[0], "sending", "delivered") // by the next lease
		close(release)
		time.Sleep(time.Second)
		w.wantFacts(all[0], "sending", "delivered", "delivered")
		w.stop()
	})
}

// The end waits for what outlived its lease.
func TestTheEndWaitsForWhatOutlivedItsLease(t *testing.T) {
	inBubble(t, func(w *world) {
		release := make(chan struct{})
		w.sender.hold = func([]string) { <-release }
		all := w.many(1)
		w.start()
		time.Sleep(time.Second)
		w.mu.Lock()
		w.acquire = func(int) error { return fmt.Errorf("%w: for now", pipeline.ErrUnavailable) }
		w.mu.Unlock()
		close(w.lease(0).ending)
		time.Sleep(time.Minute)
		w.cancel()
		time.Sleep(time.Minute)
		select {
		case err := <-w.ended:
			w.Fatalf("the delivery ended with %v while a batch was in flight", err)
		default:
		}
		close(release)
		w.stop()
		w.wantFacts(all[0], "delivered")
	})
}

// A fenced settlement ends the lease: the facts stand, and count once.
func TestAFencedLeaseIsAcquiredAgain(t *testing.T) {
	inBubble(t, func(w *world) {
		fenced := false
		w.settle = func([]pipeline.Fact) error {
			if fenced {
				return nil
			}
			fenced = true
			return pipeline.ErrFenced
		}
		all := w.many(1000)
		w.start()
		time.Sleep(time.Minute)
		w.stop()
		w.wantEach(all, 1)
		counted := int64(0)
		for _, q := range w.metrics.Snapshot().Queues {
			counted += q.Ended[pipeline.Transactional][pipeline.Delivered]
		}
		if counted != int64(len(all)) || len(w.leases) != 2 {
			w.Errorf("%d were counted as delivered by %d leases", counted, len(w.leases))
		}
	})
}

// An engine that is away is waited for, whether it shows when a lease is
// acquired or when facts are settled.
func TestAnEngineThatIsAwayIsWaitedFor(t *testing.T) {
	for _, away := range []error{pipeline.ErrUnavailable, context.DeadlineExceeded, context.Canceled} {
		inBubble(t, func(w *world) {
			back := time.Now().Add(time.Minute)
			w.acquire = func(int) error {
				if time.Now().Before(back) {
					return fmt.Errorf("%w: no leader", away)
				}
				return nil
			}
			failed := false
			w.settle = func([]pipeline.Fact) error {
				if failed {
					return nil
				}
				failed = true
				return fmt.Errorf("%w: no quorum", away)
			}
			all := w.many(10)
			w.start()
			time.Sleep(2 * time.Minute)
			w.stop()
			w.wantEach(all, 2) // the first time it could not be recorded
			if n := w.metrics.Snapshot().TakenOver; n != 10 {
				w.Errorf("%v: %d were taken over, want 10", away, n)
			}
		})
	}
	inBubble(t, func(w *world) {
		w.acquire = func(int) error { return fmt.Errorf("%w: no leader", pipeline.ErrUnavailable) }
		w.start()
		time.Sleep(time.Hour)
		w.stop()
	})
}

// A batch that waits to learn what became of it does not hold up a lease that
// ends.
func TestALeaseThatEndsLeavesWhatIsInDoubt(t *testing.T) {
	inBubble(t, func(w *world) {
		w.historyErr = errAway
		d := w.notification("ada", doubtful)
		w.push(d)
		w.start()
		time.Sleep(10 * time.Second)
		close(w.lease(0).ending)
		time.Sleep(time.Second)
		if !w.lease(0).isClosed() || w.left != 1 {
			w.Errorf("it was given back: %v, with %d left", w.lease(0).isClosed(), w.left)
		}
		w.mu.Lock()
		w.historyErr = nil
		w.mu.Unlock()
		time.Sleep(10 * time.Second)
		w.stop()
		w.wantFacts(d, "sending", "delivered")
	})
}

// While settling takes long the window bounds what is sent.
func TestSettlingThatTakesLongStopsTheSending(t *testing.T) {
	inBubble(t, func(w *world) {
		w.window = 100
		release := make(chan struct{})
		w.settle = func([]pipeline.Fact) error {
			w.mu.Unlock()
			<-release
			w.mu.Lock()
			return nil
		}
		all := w.many(1000)
		w.start()
		time.Sleep(time.Hour)
		if sent := w.sender.sentSoFar(); sent != 100 {
			w.Errorf("%d were sent while nothing was settled, want a window of 100", sent)
		}
		close(release)
		time.Sleep(time.Minute)
		w.stop()
		w.wantEach(all, 1)
	})
}

// A lease brings so much of the workers and quotas as its share is.
func TestALeaseBringsItsShare(t *testing.T) {
	inBubble(t, func(w *world) {
		w.sender.most, w.sender.takes, w.workers = 1, time.Second, 30
		w.share = 1.0 / 3
		w.many(1_000)
		w.start()
		flying := func(want int) {
			w.Helper()
			time.Sleep(1500 * time.Millisecond)
			synctest.Wait()
			w.sender.mu.Lock()
			defer w.sender.mu.Unlock()
			if w.sender.flying != want {
				w.Errorf("%d batches are in flight, want %d", w.sender.flying, want)
			}
		}
		next := func(share float64) {
			w.mu.Lock()
			w.share = share
			l := w.leases[len(w.leases)-1]
			w.mu.Unlock()
			close(l.ending)
			time.Sleep(2 * time.Second)
		}
		flying(10)
		w.delivery.SetWorkers(pipeline.Email, 31)
		flying(11)
		next(1)
		flying(31)
		next(0.01)
		flying(1)
		w.stop()
	})
}

// Of a provider's quota a process uses its share, whatever shares came before.
func TestALeaseBringsItsShareOfTheQuota(t *testing.T) {
	inBubble(t, func(w *world) {
		w.sender.most, w.sender.takes, w.workers = 10, 10*time.Millisecond, 100
		w.route = func(r *delivery.Route) { r.Primary.Quota = 100 }
		w.share = 0.25
		w.many(5_000)
		w.start()
		synctest.Wait()
		for _, share := range []float64{0.25, 1, 0.5} {
			w.mu.Lock()
			w.share = share
			w.mu.Unlock()
			close(w.lastLease().ending)
			time.Sleep(2 * time.Second) // what was saved up is used
			before := w.sender.sentSoFar()
			time.Sleep(20 * time.Second)
			if rate := float64(w.sender.sentSoFar()-before) / 20; math.Abs(rate-100*share) > 10*share {
				w.Errorf("with a share of %v %v were sent a second, want %v", share, rate, 100*share)
			}
		}
		w.stop()
	})
}

// Three processes have a third of a channel each, and measure all of it.
func TestThreeProcessesMeasureTheWholeChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		worlds := make([]*world, 3)
		for i := range worlds {
			w := newWorld(t)
			w.sender.most, w.sender.takes, w.workers = 10, time.Second, 6
			w.share = 1.0 / 3
			worlds[i] = w
		}
		for _, w := range worlds {
			w.others = worlds
			w.start()
		}
		measured := func() (all []delivery.Measurement) {
			for _, w := range worlds {
				m, err := w.delivery.Measure(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, m[pipeline.Email])
			}
			return all
		}
		before := measured()
		for n := range 300 { // 90 a second, where 60 can be sent
			for _, w := range worlds {
				w.push(w.notification(fmt.Sprint("n", n, "a")), w.notification(fmt.Sprint("n", n, "b")), w.notification(fmt.Sprint("n", n, "c")))
			}
			time.Sleep(100 * time.Millisecond)
		}
		near := func(what string, got, want float64) {
			t.Helper()
			if math.Abs(got-want) > want/10 {
				t.Errorf("%s is %v, want about %v", what, got, want)
			}
		}
		workers := 0
		for i, m := range measured() {
			near("arrived", float64(m.Arrived-before[i].Arrived), 2700)
			near("sent", float64(m.Sent-before[i].Sent), 1800)
			near("busy time", float64(m.BusyTime-before[i].BusyTime), float64(6*30*time.Second))
			near("depth", float64(m.Depth), 900)
			workers += m.Workers
		}
		if workers != 6 {
			t.Errorf("together they have %d workers, want 6", workers)
		}
		for _, w := range worlds {
			w.stop()
		}
	})
}
