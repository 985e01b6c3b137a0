package delivery_test

import (
	"slices"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

func doubtful(d *pipeline.Delivery) { d.Doubt = true }

// The takeover is durable before the provider hears of it, so that a second
// crash does not make the account forget it.
func TestATakeoverIsSettledBeforeItIsSent(t *testing.T) {
	inBubble(t, func(w *world) {
		d, sure := w.notification("ada", doubtful), w.notification("sure")
		w.history[d.ID] = pipeline.Sending
		w.push(d, sure)
		w.run(time.Second)
		w.wantFacts(d, "sending", "delivered")
		w.wantFacts(sure, "delivered")
		if a := w.known(d)[0].Attempt; a.Class != pipeline.Uncertain || a.Provider != "sendgrid" {
			w.Errorf("the takeover is the attempt %+v", a)
		}
		if want := []string{"settle ada 2", "send ada", "send sure", "settle ada 4", "settle sure 4"}; !slices.Equal(w.log, want) {
			w.Errorf("it went %q, want %q", w.log, want)
		}
		if n := w.metrics.Snapshot().TakenOver; n != 1 {
			w.Errorf("%d takeovers were counted, want 1", n)
		}
	})
}

func TestWhatHadEndedOnlyLeavesTheWindow(t *testing.T) {
	for _, state := range pipeline.Outcomes() {
		inBubble(t, func(w *world) {
			d, sure := w.notification("ada", doubtful), w.notification("sure")
			w.history[d.ID] = state
			w.push(d, sure)
			w.run(time.Second)
			facts := w.known(d)
			if len(facts) != 1 || facts[0].State != 0 || facts[0].Attempt.Class != 0 {
				w.Errorf("%v: the facts are %+v, want one without a state", state, facts)
			}
			w.wantFacts(sure, "delivered")
			if w.sender.sends["ada"] != 0 {
				w.Errorf("%v: it was sent again", state)
			}
		})
	}
}

// A takeover is no attempt of ours: six are still made.
func TestATakeoverIsNotCountedAsAnAttempt(t *testing.T) {
	inBubble(t, func(w *world) {
		w.sender.answer = func(*pipeline.Message, int) pipeline.Answer { return pipeline.Answer{Class: pipeline.Transient} }
		d := w.notification("ada", doubtful)
		w.push(d)
		w.run(time.Hour)
		if n := w.sender.sends["ada"]; n != 6 {
			w.Errorf("%d attempts were made, want 6", n)
		}
		if facts := w.known(d); facts[len(facts)-1].State != pipeline.Dead {
			w.Errorf("it ended %v", facts[len(facts)-1].State)
		}
	})
}

// While the history is away nothing in doubt is sent, nor put back: a retry is
// not in doubt any more, and would be sent without being counted.
func TestWhatIsInDoubtWaitsForTheHistory(t *testing.T) {
	inBubble(t, func(w *world) {
		w.historyErr = errAway
		ended, open := w.notification("ended", doubtful), w.notification("open", doubtful)
		w.history[ended.ID] = pipeline.Delivered
		w.push(ended, open)
		w.start()
		time.Sleep(30 * time.Second)
		w.wantFacts(ended)
		w.wantFacts(open)
		w.mu.Lock()
		if len(w.log) != 0 {
			w.Errorf("in doubt it went %q", w.log)
		}
		w.historyErr = nil
		w.mu.Unlock()
		time.Sleep(5 * time.Second)
		w.stop()
		w.wantFacts(open, "sending", "delivered")
		if len(w.known(ended)) != 1 || w.sender.sends["ended"] != 0 {
			w.Errorf("what had ended met %+v and was sent %d times", w.known(ended), w.sender.sends["ended"])
		}
	})
}

// The end does not wait for a history that stays away; what is in doubt stays
// so, for the next owner.
func TestTheEndLeavesWhatIsInDoubt(t *testing.T) {
	inBubble(t, func(w *world) {
		w.historyErr = errAway
		w.push(w.notification("ada", doubtful))
		w.run(10 * time.Second)
		if w.left != 1 || len(w.sender.batches) != 0 {
			w.Errorf("%d deliveries were left, and sent were %v", w.left, w.sender.batches)
		}
	})
}

// A takeover that cannot be noted must not be sent.
func TestATakeoverThatCannotBeSettledIsNotSent(t *testing.T) {
	inBubble(t, func(w *world) {
		w.settle = func([]pipeline.Fact) error { return errAway }
		w.push(w.notification("ada", doubtful))
		w.start()
		wantFailure(w, errAway)
		if len(w.sender.batches) != 0 || w.left != 1 {
			w.Errorf("sent %v, left %d", w.sender.batches, w.left)
		}
	})
}
