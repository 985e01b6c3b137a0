package delivery_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/delivery"
	"github.com/notifyctl/notifyctl/pipeline/policy"
	"github.com/notifyctl/notifyctl/pipeline/template"
)

// inBubble runs a test on a clock of its own.
func inBubble(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(newWorld(t)) })
}

func TestWhatTheProviderAcceptsIsDelivered(t *testing.T) {
	inBubble(t, func(w *world) {
		d := w.notification("ada", func(d *pipeline.Delivery) { d.ExpiresAt = time.Now().Add(time.Hour) })
		w.push(d)
		w.run(time.Second)
		w.wantFacts(d, "delivered")
		want := pipeline.Message{
			ID: d.ID, Ref: "ada", To: "ada@example.com", Priority: pipeline.High, Subject: "For ada", Body: "Hello ada", ExpiresAt: d.ExpiresAt,
		}
		if got := w.sender.last["ada"]; got != want {
			w.Errorf("sent %+v, want %+v", got, want)
		}
		f := w.known(d)[0]
		// It waits for others, and then the provider takes 50 ms.
		answered := d.AcceptedAt().Add(delivery.BatchWait(pipeline.High) + 50*time.Millisecond)
		if f.Attempt != (pipeline.Attempt{Provider: "sendgrid", At: answered, Class: pipeline.Sent}) || !f.At.Equal(answered) {
			w.Errorf("the fact is %+v, want an attempt at %v", f, answered)
		}
		s := w.metrics.Snapshot()
		if n := s.Providers[0].Attempts[pipeline.Sent]; n != 1 || s.Providers[0].CallsRunning != 0 {
			w.Errorf("%d attempts were counted as sent, %d calls run", n, s.Providers[0].CallsRunning)
		}
	})
}

// A route may bound batches further than its provider does, and never beyond it.
func TestARouteBoundsItsBatches(t *testing.T) {
	for batch, want := range map[int]int{0: 10, 1: 1, 4: 4, 1000: 10} {
		inBubble(t, func(w *world) {
			w.batch = batch
			all := w.many(40)
			w.run(10 * time.Second)
			w.wantEach(all, 1)
			for _, b := range w.sender.batches {
				if len(b) != want {
					w.Errorf("at most %d a batch: one of %d was sent, want %d", batch, len(b), want)
				}
			}
		})
	}
}

func TestAPermanentAnswerIsDeadWithItsReason(t *testing.T) {
	inBubble(t, func(w *world) {
		w.sender.answer = func(m *pipeline.Message, _ int) pipeline.Answer {
			if m.Ref == "gone" {
				return pipeline.Answer{Class: pipeline.Permanent, Reason: "unregistered", Error: "NotRegistered"}
			}
			return pipeline.Answer{Class: pipeline.Sent}
		}
		gone, ada := w.notification("gone"), w.notification("ada")
		w.push(gone, ada)
		w.run(time.Minute)
		w.wantFacts(gone, "dead unregistered")
		w.wantFacts(ada, "delivered")
		if a := w.known(gone)[0].Attempt; a.Error != "NotRegistered" || a.Class != pipeline.Permanent {
			w.Errorf("the attempt is %+v", a)
		}
		if len(w.sender.batches) != 1 {
			w.Errorf("sent the batches %v, want one", w.sender.batches)
		}
	})
}

// Six attempts, each after a wait within its bound, then it is dead.
func TestRetriesWaitWithinTheBackoffAndEnd(t *testing.T) {
	for _, class := range []pipeline.AnswerClass{pipeline.Transient, pipeline.Ambiguous, pipeline.Throttled} {
		t.Run(class.String(), func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.sender.answer = func(_ *pipeline.Message, nth int) pipeline.Answer {
					return pipeline.Answer{Class: class, Error: fmt.Sprint("failure ", nth)}
				}
				d := w.notification("ada")
				w.push(d)
				w.run(time.Hour)
				w.wantFacts(d, "retrying", "retrying", "retrying", "retrying", "retrying", "dead attempts_exhausted")
				for i, f := range w.known(d) {
					if f.Attempt.Class != class || f.Attempt.Error != fmt.Sprint("failure ", i+1) {
						w.Errorf("attempt %d is %+v", i+1, f.Attempt)
					}
					bound := policy.DefaultBackoff().Bound(i + 1)
					if wait := f.Due.Sub(f.At); f.State == pipeline.Retrying && (wait < 0 || wait > bound) {
						w.Errorf("after attempt %d it waits %v, and the bound is %v", i+1, wait, bound)
					}
				}
				if n := w.metrics.Snapshot().Providers[0].Attempts[class]; n != 6 {
					w.Errorf("%d attempts were counted, want 6", n)
				}
			})
		})
	}
}

// What no call was made with comes back until its time is up, and costs no
// attempt.
func TestWhatWasNotSentIsNoAttempt(t *testing.T) {
	inBubble(t, func(w *world) {
		w.ttl = time.Minute
		w.sender.answer = func(m *pipeline.Message, nth int) pipeline.Answer {
			if m.Ref == "ada" && nth == 10 { // more often than there are attempts
				return pipeline.Answer{Class: pipeline.Sent}
			}
			wait := time.Duration(0)
			if nth == 1 {
				wait = 3 * time.Second
			}
			return pipeline.Answer{Class: pipeline.Unsent, Error: "not sent: too slow", RetryAfter: wait}
		}
		ada, never := w.notification("ada"), w.notification("never")
		w.push(ada, never)
		w.run(time.Hour)
		facts := w.known(ada)
		for i, f := range facts[:len(facts)-1] {
			want := time.Second
			if i == 0 {
				want = 3 * time.Second
			}
			if f.State != pipeline.Retrying || f.Attempt != (pipeline.Attempt{}) || f.Due.Sub(f.At) != want {
				w.Errorf("fact %d is %+v, want a wait of %v", i, f, want)
			}
		}
		if last := facts[len(facts)-1]; len(facts) != 10 || last.State != pipeline.Delivered {
			w.Errorf("%d facts, the last %+v", len(facts), last)
		}
		facts = w.known(never)
		if last := facts[len(facts)-1]; last.State != pipeline.Dead || last.Reason != "out_of_time" || last.Attempt != (pipeline.Attempt{}) {
			w.Errorf("what was never sent ended by %+v", last)
		}
		attempts := w.metrics.Snapshot().Providers[0].Attempts
		if attempts[pipeline.Sent] != 1 || attempts[pipeline.Transient] != 0 {
			w.Errorf("the attempts are counted as %v", attempts)
		}
	})
}

func TestARetryThatIsAcceptedIsDelivered(t *testing.T) {
	inBubble(t, func(w *world) {
		w.sender.answer = func(_ *pipeline.Message, nth int) pipeline.Answer {
			return pipeline.Answer{Class: []pipeline.AnswerClass{pipeline.Transient, pipeline.Ambiguous, pipeline.Sent}[nth-1]}
		}
		d := w.notification("ada")
		w.push(d)
		w.run(time.Minute)
		w.wantFacts(d, "retrying", "retrying", "delivered")
	})
}

func TestAThrottledRetryWaitsAsLongAsItWasAskedTo(t *testing.T) {
	inBubble(t, func(w *world) {
		w.sender.answer = func(_ *pipeline.Message, nth int) pipeline.Answer {
			if nth == 1 {
				return pipeline.Answer{Class: pipeline.Throttled, RetryAfter: 30 * time.Second}
			}
			return pipeline.Answer{Class: pipeline.Sent}
		}
		d := w.notification("ada")
		w.push(d)
		w.run(time.Minute)
		w.wantFacts(d, "retrying", "delivered")
		f := w.known(d)[0]
		if wait := f.Due.Sub(f.At); wait != 30*time.Second {
			w.Errorf("it waits %v, asked for 30 s", wait)
		}
		if len(w.sender.at) != 2 || w.sender.at[1].Before(f.Due) {
			w.Errorf("sent at %v, due at %v", w.sender.at, f.Due)
		}
	})
}

func TestWhatHasNoTimeForARetryIsDead(t *testing.T) {
	asks := func(_ *pipeline.Message, _ int) pipeline.Answer {
		return pipeline.Answer{Class: pipeline.Throttled, RetryAfter: time.Hour}
	}
	inBubble(t, func(w *world) {
		w.sender.answer, w.ttl = asks, 2*time.Hour
		soon := w.notification("soon", func(d *pipeline.Delivery) { d.ExpiresAt = time.Now().Add(time.Hour) })
		late := w.notification("late", func(d *pipeline.Delivery) { d.ExpiresAt = time.Now().Add(90 * time.Minute) })
		// The answer comes after 70 ms: its retry would be due as it expires.
		just := w.notification("just", func(d *pipeline.Delivery) { d.ExpiresAt = time.Now().Add(time.Hour + 70*time.Millisecond) })
		none := w.notification("none") // until the TTL
		w.push(soon, late, just, none)
		w.run(5 * time.Hour)
		w.wantFacts(soon, "dead out_of_time")
		w.wantFacts(late, "retrying", "dead out_of_time")
		w.wantFacts(just, "dead out_of_time")
		w.wantFacts(none, "retrying", "dead out_of_time")
		for _, d := range []*pipeline.Delivery{soon, late, just, none} {
			facts := w.known(d)
			if last := facts[len(facts)-1]; !last.Due.IsZero() || last.Attempt.Class != pipeline.Throttled {
				w.Errorf("%s ended by %+v", d.Ref, last)
			}
		}
	})
}

// One batch with one of each: only what may still be sent is.
func TestTheLastChecksDropWhatMustNotBeSent(t *testing.T) {
	inBubble(t, func(w *world) {
		optedOut := pipeline.Preference{Transactional: true}
		w.preferences.rows["opted-out"] = optedOut
		w.preferences.rows["both"] = optedOut
		w.preferences.rows["stopped@example.com"] = pipeline.Preference{}
		w.preferences.rows["at-home"] = pipeline.Preference{Transactional: true, Promotional: true, Addresses: []string{"home@example.com", "work@example.com"}}
		promotional := func(d *pipeline.Delivery) { d.Category = pipeline.Promotional }
		expired := func(d *pipeline.Delivery) { d.ExpiresAt = time.Now().Add(time.Millisecond) }
		nowhere := func(d *pipeline.Delivery) { d.To = "" }
		for _, c := range []struct {
			d    *pipeline.Delivery
			want string
		}{
			{w.notification("first", promotional), "delivered"},
			{w.notification("opted-out", promotional), "suppressed opted_out"},
			{w.notification("expired", expired), "expired expired"},
			{w.notification("stopped"), "suppressed opted_out"},
			{w.notification("both", promotional, expired, nowhere), "suppressed opted_out"},
			{w.notification("nowhere", nowhere), "dead no_address"},
			{w.notification("too-late", nowhere, expired), "expired expired"},
			{w.notification("at-home", nowhere), "delivered"},
			{w.notification("last"), "delivered"},
		} {
			w.push(c.d)
			defer w.wantFacts(c.d, c.want)
		}
		w.run(time.Second)
		if len(w.sender.batches) != 1 || !slices.Equal(w.sender.batches[0], []string{"first", "at-home", "last"}) {
			w.Errorf("sent %v", w.sender.batches)
		}
		if to := w.sender.last["at-home"].To; to != "home@example.com" {
			w.Errorf("sent to %q, want the preferred address", to)
		}
	})
}

func TestWhatCannotBeRenderedIsDeadAlone(t *testing.T) {
	inBubble(t, func(w *world) {
		named := func(id string) func(d *pipeline.Delivery) {
			return func(d *pipeline.Delivery) { d.TemplateID = id }
		}
		w.templates.err["none"] = fmt.Errorf("template none: %w", pipeline.ErrNoTemplate)
		w.templates.err["syntax"] = &template.SyntaxError{Part: "body"}
		w.templates.err["file"] = &template.FileError{File: "file/v1.json", Line: 1, Err: errors.New("no JSON")}
		first, last := w.notification("first"), w.notification("last")
		dead := []*pipeline.Delivery{
			w.notification("none", named("none")), w.notification("syntax", named("syntax")), w.notification("file", named("file")),
			w.notification("nameless", func(d *pipeline.Delivery) { d.Variables = nil }),
			w.notification("long", func(d *pipeline.Delivery) { d.Variables[0].Value = strings.Repeat("x", template.MaxEmail+1) }),
		}
		w.push(first)
		w.push(dead...)
		w.push(last)
		w.run(time.Minute)
		for _, d := range dead {
			w.wantFacts(d, "dead template")
		}
		w.wantFacts(first, "delivered")
		w.wantFacts(last, "delivered")
		if len(w.sender.batches) != 1 {
			w.Errorf("sent the batches %v, want one", w.sender.batches)
		}
	})
}

// A part of ours that is away costs a notification nothing but time.
func TestAPartThatIsAwayPostpones(t *testing.T) {
	for name, fail := range map[string]func(w *world, err error){
		"preferences": func(w *world, err error) { w.preferences.fail(err) },
		"templates":   func(w *world, err error) { w.templates.fail("welcome", err) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				fail(w, errAway)
				a, b := w.notification("a"), w.notification("b")
				w.push(a, b)
				w.start()
				time.Sleep(20*time.Second + 500*time.Millisecond) // more often than there are attempts
				fail(w, nil)
				time.Sleep(10 * time.Second)
				w.stop()
				for _, d := range []*pipeline.Delivery{a, b} {
					facts := w.known(d)
					for _, f := range facts[:len(facts)-1] {
						if f.State != pipeline.Retrying || f.Attempt.Class != 0 || f.Due.Sub(f.At) != time.Second {
							w.Errorf("%s was put back by %+v", d.Ref, f)
						}
					}
					if last := facts[len(facts)-1]; last.State != pipeline.Delivered || len(facts) < 7 {
						w.Errorf("%s met %d facts and ended %v", d.Ref, len(facts), last.State)
					}
				}
				if w.sender.sends["a"] != 1 || w.sender.sends["b"] != 1 {
					w.Errorf("sends: %v", w.sender.sends)
				}
			})
		})
	}
}

// The template store hangs in the middle of a batch: what is in use is sent, and
// the batch waits for the store once.
func TestWhatCanBeRenderedIsSentThoughTheRestWaits(t *testing.T) {
	inBubble(t, func(w *world) {
		w.templates.hang = 5 * time.Second
		var all, away []*pipeline.Delivery
		for i := range 8 {
			d := w.notification(fmt.Sprint("n", i), func(d *pipeline.Delivery) {
				if i%2 == 1 {
					d.TemplateID = fmt.Sprint("away", i)
				}
			})
			if all = append(all, d); i%2 == 1 {
				away = append(away, d)
				w.templates.fail(d.TemplateID, errAway)
			}
		}
		w.push(all...)
		w.start()
		time.Sleep(5*time.Second + 500*time.Millisecond)
		for i, d := range all {
			w.wantFacts(d, []string{"delivered", "retrying"}[i%2])
		}
		for _, d := range away {
			w.templates.fail(d.TemplateID, nil)
		}
		time.Sleep(10 * time.Second)
		w.stop()
		for _, d := range away {
			w.wantFacts(d, "retrying", "delivered")
		}
	})
}

func TestBatchesAreFullButNeverTooLarge(t *testing.T) {
	inBubble(t, func(w *world) {
		for i := range 95 {
			w.push(w.notification(fmt.Sprint("n", i)))
		}
		w.run(time.Minute)
		var refs []string
		for _, b := range w.sender.batches {
			if len(b) > 10 {
				w.Errorf("a batch has %d messages, at most 10 are taken", len(b))
			}
			refs = append(refs, b...)
		}
		if n := len(w.sender.batches); n != 10 {
			w.Errorf("%d batches were sent, and 10 would do", n)
		}
		if len(refs) != 95 || len(w.sender.sends) != 95 {
			w.Errorf("%d messages were sent, of %d notifications; want 95", len(refs), len(w.sender.sends))
		}
		if w.sender.peak > w.workers {
			w.Errorf("%d batches were in flight, by %d workers", w.sender.peak, w.workers)
		}
	})
}

func TestALoneNotificationLeavesAfterItsWait(t *testing.T) {
	for _, p := range pipeline.Priorities() {
		inBubble(t, func(w *world) {
			d := w.notification("ada", func(d *pipeline.Delivery) { d.Priority = p })
			w.push(d)
			w.run(time.Minute)
			if len(w.sender.at) != 1 || w.sender.at[0].Sub(d.AcceptedAt()) != delivery.BatchWait(p) {
				w.Errorf("%s: sent at %v, accepted at %v", p, w.sender.at, d.AcceptedAt())
			}
		})
	}
}

// Bulk fills every worker that it may have; what is urgent finds the one that
// is its own.
func TestHighIsNotHeldUpByBulk(t *testing.T) {
	inBubble(t, func(w *world) {
		w.sender.takes = time.Minute
		for i := range 200 {
			w.push(w.notification(fmt.Sprint("bulk", i), func(d *pipeline.Delivery) { d.Priority = pipeline.Low }))
		}
		w.start()
		time.Sleep(10 * time.Second)
		urgent := w.notification("urgent")
		w.push(urgent)
		time.Sleep(5 * time.Second)
		w.stop()
		last := len(w.sender.batches) - 1
		if waited := w.sender.at[last].Sub(urgent.AcceptedAt()); !slices.Equal(w.sender.batches[last], []string{"urgent"}) || waited != delivery.BatchWait(pipeline.High) {
			w.Errorf("the last batch is %v, sent %v after the urgent one came", w.sender.batches[last], waited)
		}
	})
}
