package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// wantFailure waits for the delivery to end by itself, with an error.
func wantFailure(w *world, want error) {
	w.Helper()
	select {
	case err := <-w.ended:
		if !errors.Is(err, want) {
			w.Errorf("the delivery ended with %v, want %v", err, want)
		}
	case <-time.After(time.Hour):
		w.cancel()
		w.Fatalf("the delivery did not end by itself, but with %v when it was told to", <-w.ended)
	}
	w.cancel()
	w.checkEnd()
}

func TestTheEndWaitsForWhatIsInFlight(t *testing.T) {
	inBubble(t, func(w *world) {
		release := make(chan struct{})
		w.sender.hold = func([]string) { <-release }
		var all []*pipeline.Delivery
		for i := range 25 {
			all = append(all, w.notification(fmt.Sprint("n", i)))
		}
		w.push(all...)
		w.start()
		time.Sleep(time.Second)
		w.cancel()
		time.Sleep(time.Minute)
		w.push(w.notification("later"))
		time.Sleep(time.Minute)
		select {
		case err := <-w.ended:
			t.Fatalf("the delivery ended with %v while batches were in flight", err)
		default:
		}
		if busy := w.metrics.Snapshot().Workers[1].Busy; busy != 3 {
			w.Errorf("%d workers are busy, want 3", busy)
		}
		close(release)
		w.stop()
		for _, d := range all {
			w.wantFacts(d, "delivered")
		}
		if w.left != 0 || w.sender.sends["later"] != 0 {
			w.Errorf("%d deliveries were left unsettled, and what came later was sent %d times", w.left, w.sender.sends["later"])
		}
	})
}

func TestTheEndDoesNotWaitForWorkersThatAreWaitedFor(t *testing.T) {
	inBubble(t, func(w *world) {
		w.workers = 1
		w.sender.takes = time.Minute
		for _, p := range pipeline.Priorities() {
			for i := range 30 {
				w.push(w.notification(fmt.Sprint(p, i), func(d *pipeline.Delivery) { d.Priority = p }))
			}
		}
		w.run(10 * time.Second)
		if len(w.sender.batches) != 1 || w.left != 0 {
			w.Errorf("sent %v, left %d", w.sender.batches, w.left)
		}
	})
}

func TestADeadlineIsAnOrderlyEndToo(t *testing.T) {
	inBubble(t, func(w *world) {
		ctx, cancel := context.WithTimeout(w.Context(), time.Second)
		defer cancel()
		w.startUnder(ctx)
		if err := <-w.ended; err != nil {
			w.Errorf("after its deadline the delivery ended with %v", err)
		}
		w.cancel()
		w.checkEnd()
	})
}

func TestErrorsOfTheFeedEndTheDelivery(t *testing.T) {
	for name, fail := range map[string]func(w *world){
		"acquire": func(w *world) { w.acquire = func(int) error { return errAway } },
		"fetch":   func(w *world) { w.fetchErr = errAway },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				fail(w)
				w.push(w.notification("ada"))
				w.start()
				wantFailure(w, errAway)
			})
		})
	}
}

func TestAnErrorOfTheCloseIsTold(t *testing.T) {
	inBubble(t, func(w *world) {
		w.closeErr = errAway
		w.start()
		synctest.Wait()
		w.cancel()
		if err := <-w.ended; !errors.Is(err, errAway) {
			w.Errorf("the delivery ended with %v, want %v", err, errAway)
		}
	})
}

// What cannot be recorded must not be sent: the delivery ends while there is
// still much to send, after the batches that were in flight.
func TestAnErrorOfTheSettlementEndsTheDelivery(t *testing.T) {
	inBubble(t, func(w *world) {
		failing := false
		w.settle = func([]pipeline.Fact) error {
			if failing {
				return errAway
			}
			failing = true // the first succeeds
			return nil
		}
		for i := range 1000 {
			w.push(w.notification(fmt.Sprint("n", i)))
		}
		w.start()
		wantFailure(w, errAway)
		if n := len(w.sender.batches); n > 4*w.workers {
			w.Errorf("%d batches were sent after settling had failed", n)
		}
		if w.left == 0 {
			w.Error("nothing was left in doubt, though it was not settled")
		}
	})
}

// What a batch in flight brings after a failure is tried all the same.
func TestWhatIsInFlightIsSettledAfterAFailure(t *testing.T) {
	inBubble(t, func(w *world) {
		w.sender.most = 1
		w.settle = func(facts []pipeline.Fact) error {
			if facts[0].Delivery.Ref == "fast" {
				return errAway
			}
			return nil
		}
		release := make(chan struct{})
		w.sender.hold = func(refs []string) {
			if refs[0] == "slow" {
				<-release
			}
		}
		slow := w.notification("slow")
		w.push(slow, w.notification("fast"))
		w.start()
		time.Sleep(time.Second)
		close(release)
		wantFailure(w, errAway)
		w.wantFacts(slow, "delivered")
	})
}
