package delivery_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/delivery"
)

// outage answers as it is told from and until some time after the start of the
// bubble, and accepts otherwise.
func outage(from, until time.Duration, class pipeline.AnswerClass) func(*pipeline.Message, int) pipeline.Answer {
	start := time.Now()
	return func(*pipeline.Message, int) pipeline.Answer {
		if at := time.Since(start); at >= from && at < until {
			return pipeline.Answer{Class: class, Error: "503"}
		}
		return pipeline.Answer{Class: pipeline.Sent}
	}
}

// arrive pushes so many notifications a second, evenly, for a time.
func (w *world) arrive(perSecond int, d time.Duration, change ...func(*pipeline.Delivery)) []*pipeline.Delivery {
	const tick = 10 * time.Millisecond
	w.quiet = true
	var all []*pipeline.Delivery
	for begin, due := time.Now(), 0.0; time.Since(begin) < d; time.Sleep(tick) {
		for due += float64(perSecond) * tick.Seconds(); due >= 1; due-- {
			one := w.notification(fmt.Sprint("n", len(all)), change...)
			all = append(all, one)
			w.push(one)
		}
	}
	return all
}

// wantDelivered compares what became of notifications, and how often providers
// accepted each, by ref, with what their answers explain.
func (w *world) wantDelivered(all []*pipeline.Delivery, acceptances map[string]int) {
	w.Helper()
	lost, unexplained := 0, 0
	for _, d := range all {
		facts := w.facts[d.ID]
		ambiguous := 0
		for _, f := range facts {
			if f.Attempt.Class == pipeline.Ambiguous {
				ambiguous++
			}
		}
		if len(facts) == 0 || facts[len(facts)-1].State != pipeline.Delivered {
			lost++
		}
		if acceptances[d.Ref] > 1+ambiguous {
			unexplained++
		}
	}
	if lost > 0 || unexplained > 0 {
		w.Errorf("of %d notifications %d were not delivered, and %d accepted more often than their answers explain", len(all), lost, unexplained)
	}
}

// accepting counts what a sender accepts, and what it may have accepted though
// it did not answer, which is every second time.
func accepting(into map[string]int, s *sender) {
	answer := s.answer
	s.answer = func(m *pipeline.Message, nth int) pipeline.Answer {
		a := answer(m, nth)
		if a.Class == pipeline.Sent || a.Class == pipeline.Ambiguous && nth%2 == 1 {
			s.engine.mu.Lock()
			into[m.Ref]++
			s.engine.mu.Unlock()
		}
		return a
	}
}

// The e-mail provider is away for 30 s under 2000 a second. The backup takes
// over, the primary is back within 15 s of its recovery, and hardly anything is
// sent more than once.
func TestAnOutageIsBridgedByTheBackup(t *testing.T) {
	for class, perSecond := range map[pipeline.AnswerClass]int{pipeline.Transient: 2000, pipeline.Ambiguous: 200, pipeline.Throttled: 200} {
		t.Run(class.String(), func(t *testing.T) {
			inBubble(t, func(w *world) {
				const from, until, whole = time.Minute, 90 * time.Second, 3 * time.Minute
				start := time.Now()
				accepted := map[string]int{}
				w.quiet, w.workers, w.backup = true, 32, newSender(w.engine, "ses")
				w.sender.most, w.sender.takes = 1000, 200*time.Millisecond
				w.backup.most, w.backup.takes = 50, 200*time.Millisecond
				w.sender.answer = outage(from, until, class)
				accepting(accepted, w.sender)
				accepting(accepted, w.backup)
				w.start()
				all := w.arrive(perSecond, whole, func(d *pipeline.Delivery) { d.Priority = pipeline.Normal })
				time.Sleep(30 * time.Second)
				w.stop()
				if len(all) != perSecond*int(whole.Seconds()) {
					w.Fatalf("%d notifications came", len(all))
				}
				w.wantDelivered(all, accepted)
				if took := w.backup.at[0].Sub(start) - from; took > 6*time.Second {
					w.Errorf("the backup took over after %v", took)
				}
				back := time.Duration(0)
				for i, at := range w.sender.at {
					if after := at.Sub(start); after >= until && len(w.sender.batches[i]) > 10 {
						back = after - until
						break
					}
				}
				if back == 0 || back > 15*time.Second {
					w.Errorf("the primary was back %v after it had recovered", back)
				}
				sends := float64(w.sender.entries+w.backup.entries) / float64(len(all))
				if sends >= 1.1 {
					w.Errorf("%.3f sends a notification", sends)
				}
				twice := 0
				for _, n := range accepted {
					if n > 1 {
						twice++
					}
				}
				if class != pipeline.Ambiguous && twice > 0 {
					w.Errorf("%d were accepted twice", twice)
				}
				for _, p := range w.metrics.Snapshot().Providers {
					if p.Name == "ses" && (p.FailedOver < int64(perSecond)*20 || p.FailedOver != p.Entries) {
						w.Errorf("%d failed over of %d that the backup got", p.FailedOver, p.Entries)
					}
					if p.Name == "ses" && (p.Doubtful > 0) != (class == pipeline.Ambiguous) {
						w.Errorf("%d failed over in doubt", p.Doubtful)
					}
				}
				w.Logf("backup after %v, primary back after %v, %.4f sends a notification, %d accepted twice", w.backup.at[0].Sub(start)-from, back, sends, twice)
			})
		})
	}
}

// Without a backup nothing moves while the provider is away, nothing dies, and
// all is sent when it is back: an outage costs a notification time alone.
func TestAnOutageWithoutABackupPauses(t *testing.T) {
	for _, class := range []pipeline.AnswerClass{pipeline.Transient, pipeline.Ambiguous, pipeline.Throttled} {
		t.Run(class.String(), func(t *testing.T) {
			inBubble(t, func(w *world) {
				const until = 10 * time.Minute
				start := time.Now()
				w.sender.answer = outage(0, until, class)
				w.start()
				all := w.arrive(20, until)
				sent := w.sender.sentSoFar()
				time.Sleep(15 * time.Second)
				if back := w.sender.sentSoFar() - sent; back < 1000 {
					w.Errorf("15 s after the recovery %d were sent", back)
				}
				time.Sleep(10 * time.Minute)
				w.stop()
				w.wantDelivered(all, nil)
				// 20 failures open it; then 5 calls of 10, every 10 s.
				if most := 20*w.sender.most + w.workers*w.sender.most + 5*10*60*2; sent > most {
					w.Errorf("%d were sent while the provider was away for %v, want %d at most", sent, time.Since(start), most)
				}
			})
		})
	}
}

func TestWhatPausesIsNotFetched(t *testing.T) {
	inBubble(t, func(w *world) {
		w.sender.answer = outage(0, time.Hour, pipeline.Transient)
		w.backup = newSender(w.engine, "ses")
		w.backup.answer = w.sender.answer
		w.start()
		w.arrive(100, 20*time.Second)
		time.Sleep(5 * time.Second)
		w.mu.Lock()
		out, attempts := len(w.out), 0
		waiting := len(w.waiting[pipeline.High])
		for _, facts := range w.facts {
			for _, f := range facts {
				attempts += min(1, int(f.Attempt.Class))
			}
		}
		w.mu.Unlock()
		if out > 50 || waiting < 1900 {
			w.Errorf("with both providers away %d are handed out, and %d wait", out, waiting)
		}
		if attempts > 1500 {
			w.Errorf("%d attempts were made", attempts)
		}
		w.stop()
	})
}

// The end of a lease does not wait for a provider.
func TestTheEndDoesNotWaitForAProvider(t *testing.T) {
	inBubble(t, func(w *world) {
		w.sender.answer = outage(0, time.Hour, pipeline.Transient)
		w.start()
		w.arrive(100, 20*time.Second)
		ending := w.lastLease()
		close(ending.ending)
		time.Sleep(time.Second)
		if !ending.isClosed() {
			w.Error("the lease is kept though it has ended")
		}
		w.stop()
	})
}

// ofKind takes the first address of a kind.
func ofKind(kind string) func([]string) string {
	return func(addresses []string) string {
		for _, a := range addresses {
			if a[0] == kind[0] {
				return a
			}
		}
		return ""
	}
}

// Each provider gets the address that it takes; what only one has an address
// for goes there, or waits for it.
func TestEachProviderGetsItsAddress(t *testing.T) {
	inBubble(t, func(w *world) {
		w.backup = newSender(w.engine, "apns")
		w.route = func(r *delivery.Route) { r.Primary.Address, r.Backup.Address = ofKind("f"), ofKind("a") }
		var away atomic.Bool
		w.sender.answer = func(*pipeline.Message, int) pipeline.Answer {
			if away.Load() {
				return pipeline.Answer{Class: pipeline.Transient}
			}
			return pipeline.Answer{Class: pipeline.Sent}
		}
		users := func(names ...string) (all []*pipeline.Delivery) {
			w.preferences.mu.Lock()
			defer w.preferences.mu.Unlock()
			for _, name := range names {
				w.preferences.rows[name] = pipeline.Preference{Transactional: true, Promotional: true, Addresses: map[string][]string{
					"both": {"a-both", "f-both"}, "fcm": {"f-fcm"}, "apns": {"a-apns"}, "neither": {"x"},
				}[name[:len(name)-1]]}
				all = append(all, w.notification(name, func(d *pipeline.Delivery) { d.To = "" }))
			}
			w.push(all...)
			return all
		}
		w.start()
		before := users("both1", "fcm1", "apns1", "neither1")
		time.Sleep(time.Second)
		away.Store(true)
		for i := range 20 {
			w.push(w.notification(fmt.Sprint("f", i), func(d *pipeline.Delivery) { d.To = "f" }))
			time.Sleep(100 * time.Millisecond)
		}
		during := users("both2", "fcm2", "apns2", "neither2")
		time.Sleep(5 * time.Second)
		w.wantFacts(during[0], "delivered")
		w.wantFacts(during[1], "retrying")
		w.wantFacts(during[2], "delivered")
		if f := w.known(during[1])[0]; f.Attempt.Class != 0 {
			w.Errorf("what has no provider made the attempt %+v", f.Attempt)
		}
		away.Store(false)
		time.Sleep(time.Minute)
		w.stop()
		for _, d := range []*pipeline.Delivery{before[0], before[1], before[2], during[0], during[1], during[2]} {
			if facts := w.known(d); facts[len(facts)-1].State != pipeline.Delivered {
				w.Errorf("%s ended by %+v", d.Ref, facts[len(facts)-1])
			}
		}
		for _, d := range []*pipeline.Delivery{before[3], during[3]} {
			w.wantFacts(d, "dead no_address")
		}
		for _, c := range []struct {
			s       *sender
			ref, to string
		}{{w.sender, "both1", "f-both"}, {w.sender, "fcm1", "f-fcm"}, {w.backup, "apns1", "a-apns"}, {w.backup, "both2", "a-both"}, {w.sender, "fcm2", "f-fcm"}, {w.backup, "apns2", "a-apns"}} {
			if got := c.s.last[c.ref].To; got != c.to {
				w.Errorf("%s got %s at %q, want %q", c.s.name, c.ref, got, c.to)
			}
		}
		for _, p := range w.metrics.Snapshot().Providers {
			if p.Name == "apns" && p.FailedOver != 1 {
				w.Errorf("%d failed over, want the one that has both addresses", p.FailedOver)
			}
		}
	})
}
