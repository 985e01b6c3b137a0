package delivery_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/delivery"
)

func priority(p pipeline.Priority) func(*pipeline.Delivery) {
	return func(d *pipeline.Delivery) { d.Priority = p }
}

// Ten times the quota is offered, and the quota is sent, in batches that are
// worth a call. What waits for it is not fetched.
func TestTheQuotaIsSentAndNoMore(t *testing.T) {
	inBubble(t, func(w *world) {
		w.route = func(r *delivery.Route) { r.Primary.Quota = 100 }
		w.start()
		all := w.arrive(1000, 20*time.Second, priority(pipeline.Normal))
		w.stop()
		// A second's worth may be saved up before, of which a fifth is high's.
		if n := w.sender.entries; n < 1990 || n > 2100 {
			w.Errorf("%d were sent in 20 s at a quota of 100 a second", n)
		}
		if n := len(w.sender.batches); n > 220 {
			w.Errorf("%d batches were sent, of %.1f on average", n, float64(w.sender.entries)/float64(n))
		}
		if bounced := len(w.facts) - w.sender.entries; bounced != 0 {
			w.Errorf("%d of %d were fetched and put back", bounced, len(all))
		}
	})
}

// A flood of bulk leaves high its quota: it is sent after its wait.
func TestHighHasAQuotaOfItsOwn(t *testing.T) {
	inBubble(t, func(w *world) {
		w.route = func(r *delivery.Route) { r.Primary.Quota = 100 }
		for i := range 5000 {
			w.push(w.notification(fmt.Sprint("bulk", i), priority(pipeline.Low)))
		}
		w.start()
		time.Sleep(10 * time.Second)
		worst := time.Duration(0)
		for i := range 10 {
			urgent := w.notification(fmt.Sprint("urgent", i))
			w.push(urgent)
			time.Sleep(500 * time.Millisecond)
			facts := w.known(urgent)
			if len(facts) != 1 {
				w.Errorf("after half a second %s met %+v", urgent.Ref, facts)
				continue
			}
			worst = max(worst, facts[0].At.Sub(urgent.AcceptedAt()))
		}
		if most := delivery.BatchWait(pipeline.High) + w.sender.takes + 10*time.Millisecond; worst > most {
			w.Errorf("high waited for %v, want its wait and a call, %v", worst, most)
		}
		w.stop()
	})
}

// Low keeps one batch in twenty of a quota that normal would use up.
func TestLowKeepsItsShareOfTheQuota(t *testing.T) {
	inBubble(t, func(w *world) {
		w.route = func(r *delivery.Route) { r.Primary.Quota = 100 }
		for i := range 10_000 {
			w.push(w.notification(fmt.Sprint("normal", i), priority(pipeline.Normal)), w.notification(fmt.Sprint("low", i), priority(pipeline.Low)))
		}
		w.start()
		time.Sleep(90 * time.Second)
		w.stop()
		low := 0
		for ref := range w.sender.sends {
			if ref[0] == 'l' {
				low++
			}
		}
		if share := float64(low) / float64(w.sender.entries); share < 0.04 || share > 0.06 {
			w.Errorf("low got %.3f of the quota", share)
		}
	})
}

// A message that takes more of the quota is waited for.
func TestTheQuotaCountsByWeight(t *testing.T) {
	inBubble(t, func(w *world) {
		w.route = func(r *delivery.Route) {
			r.Primary.Quota = 100
			r.Primary.Weight = func(*pipeline.Message) int { return 4 }
		}
		w.start()
		w.arrive(100, 40*time.Second)
		w.stop()
		if n := w.sender.entries; n < 990 || n > 1100 {
			w.Errorf("%d of weight 4 were sent in 40 s at a quota of 100 a second", n)
		}
	})
}

// Half of all first attempts fail: retries stay at a tenth of what is sent, and
// what waits for the budget has made no attempt.
func TestRetriesKeepToTheirBudget(t *testing.T) {
	inBubble(t, func(w *world) {
		w.sender.most = 100
		w.sender.answer = func(m *pipeline.Message, nth int) pipeline.Answer {
			if nth == 1 && m.ID[len(m.ID)-1]%5 < 2 { // less than half of a batch, or the breaker opens
				return pipeline.Answer{Class: pipeline.Transient}
			}
			return pipeline.Answer{Class: pipeline.Sent}
		}
		w.workers = 16
		w.start()
		all := w.arrive(200, time.Minute)
		w.stop()
		retries := w.sender.entries - len(all)
		if most := len(all)/10 + 1000 + 10*61; retries > most || retries < most*9/10 {
			w.Errorf("%d retries beside %d first sends, want about %d", retries, len(all), most)
		}
		if n := w.metrics.Snapshot().Workers[1].OverBudget; n == 0 {
			w.Error("no retry was counted as over budget")
		}
		for _, facts := range w.facts {
			for _, f := range facts {
				if f.State == pipeline.Dead {
					w.Fatalf("%+v", f)
				}
			}
		}
	})
}
