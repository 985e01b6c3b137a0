package delivery_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// A pool takes on and lets go of workers as it is told to, whatever is in
// flight.
func TestWorkersAreResizedWhileTheyWork(t *testing.T) {
	inBubble(t, func(w *world) {
		w.sender.most, w.sender.takes = 1, time.Second
		for i := range 1000 {
			w.push(w.notification(fmt.Sprint("n", i)))
		}
		w.start()
		flying := func() int {
			w.sender.mu.Lock()
			defer w.sender.mu.Unlock()
			return w.sender.flying
		}
		for _, workers := range []int{4, 20, 3, 1, 8} {
			w.delivery.SetWorkers(pipeline.Email, workers)
			synctest.Wait()
			before := w.sender.sentSoFar()
			if running := w.metrics.Snapshot().Workers[1]; running.Desired != int64(workers) || running.Running < int64(max(workers, flying())) {
				w.Errorf("of %d workers the metrics say %+v", workers, running)
			}
			time.Sleep(2500 * time.Millisecond)
			synctest.Wait()
			if n := flying(); n != workers {
				w.Errorf("%d batches are in flight by %d workers", n, workers)
			}
			if workers > 4 && w.sender.sentSoFar()-before < workers {
				w.Errorf("by %d workers %d were sent in 2.5 s", workers, w.sender.sentSoFar()-before)
			}
		}
		w.stop()
		if w.left != 0 {
			w.Errorf("%d were left", w.left)
		}
	})
}

// What a scaler reads: rates follow from two measurements.
func TestMeasure(t *testing.T) {
	inBubble(t, func(w *world) {
		w.sender.most, w.sender.takes, w.workers = 10, time.Second, 2
		measured := func() (m struct {
			depth, arrived, sent int64
			busy                 time.Duration
		}) {
			all, err := w.delivery.Measure(context.Background())
			if err != nil {
				w.Fatal(err)
			}
			e := all[pipeline.Email]
			if e.Workers != 2 || e.Busy > 2 {
				w.Errorf("measured %+v", e)
			}
			m.depth, m.arrived, m.sent, m.busy = e.Depth, e.Arrived, e.Sent, e.BusyTime
			return m
		}
		w.start()
		before := measured()
		w.arrive(50, 10*time.Second) // 20 a second are sent
		after := measured()
		w.stop()
		if sent := after.sent - before.sent; sent < 150 || sent > 200 {
			w.Errorf("%d were sent", sent)
		}
		if busy := after.busy - before.busy; busy < 19*time.Second || busy > 20*time.Second {
			w.Errorf("2 workers were busy for %v of 10 s", busy)
		}
		if arrived := after.arrived - before.arrived; arrived != 500 {
			w.Errorf("%d arrived", arrived)
		}
		if after.depth < 250 {
			w.Errorf("%d wait", after.depth)
		}
	})
}
