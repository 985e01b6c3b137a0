package delivery_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/delivery"
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
		measured := func() delivery.Measurement {
			all, err := w.delivery.Measure(context.Background())
			if err != nil {
				w.Fatal(err)
			}
			m := all[pipeline.Email]
			if m.Workers != 2 || m.Busy > 2 {
				w.Errorf("measured %+v", m)
			}
			return m
		}
		w.start()
		before := measured()
		w.arrive(50, 10*time.Second) // 20 a second are sent
		after := measured()
		w.stop()
		if sent := after.Sent - before.Sent; sent < 150 || sent > 200 {
			w.Errorf("%d were sent", sent)
		}
		if busy := after.BusyTime - before.BusyTime; busy < 19*time.Second || busy > 20*time.Second {
			w.Errorf("2 workers were busy for %v of 10 s", busy)
		}
		if arrived := after.Arrived - before.Arrived; arrived != 500 {
			w.Errorf("%d arrived", arrived)
		}
		if after.Depth < 250 {
			w.Errorf("%d wait", after.Depth)
		}
	})
}
