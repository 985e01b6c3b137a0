package delivery_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
)

// fault is what a provider does for a while: of what it is sent, a share meets
// an answer, after some time.
type fault struct {
	until time.Duration // from the start of the bubble
	class pipeline.AnswerClass
	share float64
	takes time.Duration
}

// scripted answers by a script of faults, which ends well. What it leaves open
// it may have accepted.
type scripted struct {
	*sender
	faults   []fault
	start    time.Time
	random   *rand.Rand
	accepted map[string]int
	first    map[string]time.Time // send
}

func (s *scripted) Send(messages []pipeline.Message) []pipeline.Answer {
	now := fault{class: pipeline.Sent, takes: 50 * time.Millisecond}
	for _, f := range s.faults {
		if time.Since(s.start) < f.until {
			now = f
			break
		}
	}
	answers := make([]pipeline.Answer, len(messages))
	s.engine.mu.Lock()
	for i := range messages {
		ref := messages[i].Ref
		if _, again := s.first[ref]; !again {
			s.first[ref] = time.Now()
		}
		answers[i].Class = pipeline.Sent
		if s.random.Float64() < now.share {
			answers[i] = pipeline.Answer{Class: now.class, Reason: "rejected", Error: now.class.String()}
		}
		if answers[i].Class == pipeline.Sent || answers[i].Class == pipeline.Ambiguous && s.random.IntN(2) == 0 {
			s.accepted[ref]++
		}
		if now.class == pipeline.Throttled {
			answers[i].RetryAfter = time.Second
		}
	}
	s.engine.mu.Unlock()
	time.Sleep(now.takes)
	return answers
}

// ordeal is a run under random faults.
type ordeal struct {
	seed     uint64
	faults   [2][]fault
	backup   bool
	workers  int
	perTick  int
	doubtful bool
}

func drawOrdeal(t *rapid.T) ordeal {
	script := rapid.Custom(func(t *rapid.T) []fault {
		var faults []fault
		for until := time.Duration(0); until < time.Minute; {
			until += time.Duration(rapid.IntRange(1, 30).Draw(t, "for")) * time.Second
			faults = append(faults, fault{
				until: until,
				class: rapid.SampledFrom([]pipeline.AnswerClass{
					pipeline.Sent, pipeline.Transient, pipeline.Ambiguous, pipeline.Throttled, pipeline.Permanent, pipeline.Unsent,
				}).Draw(t, "class"),
				share: rapid.SampledFrom([]float64{0.05, 0.3, 1}).Draw(t, "share"),
				takes: rapid.SampledFrom([]time.Duration{0, 50 * time.Millisecond, 5 * time.Second}).Draw(t, "takes"),
			})
		}
		return faults
	})
	return ordeal{
		seed:   rapid.Uint64().Draw(t, "seed"),
		faults: [2][]fault{script.Draw(t, "primary"), script.Draw(t, "backup")},
		backup: rapid.Bool().Draw(t, "has backup"), workers: rapid.IntRange(1, 8).Draw(t, "workers"),
		perTick: rapid.IntRange(1, 6).Draw(t, "rate"), doubtful: rapid.Bool().Draw(t, "doubtful"),
	}
}

// run sends some hundred notifications through the ordeal, and says what does
// not hold then.
func (o *ordeal) run(w *world) error {
	accepted, first := map[string]int{}, map[string]time.Time{}
	random, lives := rand.New(rand.NewPCG(o.seed, 1)), rand.New(rand.NewPCG(o.seed, 2))
	script := func(name string, faults []fault) *sender {
		s := &scripted{sender: newSender(w.engine, name), faults: faults, start: time.Now(), random: random, accepted: accepted, first: first}
		s.whole = s.Send
		return s.sender
	}
	w.quiet, w.workers = true, o.workers
	w.sender = script("sendgrid", o.faults[0])
	if o.backup {
		w.backup = script("ses", o.faults[1])
	}
	w.start()
	var all []*pipeline.Delivery
	for range 120 {
		for range o.perTick {
			d := w.notification(fmt.Sprint("n", len(all)), priority(pipeline.Priorities()[lives.IntN(3)]))
			if o.doubtful && lives.IntN(5) == 0 {
				d.Doubt = true
				w.mu.Lock()
				accepted[d.Ref] = lives.IntN(2) // in the one before
				w.mu.Unlock()
			}
			all = append(all, d)
			w.push(d)
		}
		time.Sleep(500 * time.Millisecond)
	}
	time.Sleep(3 * time.Hour)
	w.stop()
	var errs []error
	for _, d := range all {
		errs = append(errs, checkFacts(d, w.facts[d.ID], accepted[d.Ref]))
	}
	return errors.Join(append(errs, checkOrder(all, w.facts, first))...)
}

// checkFacts compares what became of a notification with the promise.
func checkFacts(d *pipeline.Delivery, facts []pipeline.Fact, acceptances int) error {
	ambiguous, takeovers, attempts, ended := 0, 0, 0, 0
	for _, f := range facts {
		switch {
		case f.Attempt.Class == pipeline.Ambiguous:
			ambiguous++
		case f.State == pipeline.Sending:
			takeovers++
		}
		if f.Attempt.Class != 0 && f.Attempt.Class != pipeline.Uncertain {
			attempts++
		}
		if f.State.Terminal() {
			ended++
		}
	}
	if ended != 1 {
		return fmt.Errorf("%s ended %d times: %+v", d.Ref, ended, facts)
	}
	last := facts[len(facts)-1]
	switch {
	case acceptances > 1+ambiguous+takeovers:
		return fmt.Errorf("%s was accepted %d times, with %d ambiguous answers and %d takeovers", d.Ref, acceptances, ambiguous, takeovers)
	case last.State == pipeline.Delivered && acceptances == 0:
		return fmt.Errorf("%s is delivered, and nobody accepted it", d.Ref)
	case last.State == pipeline.Dead && last.Reason == "attempts_exhausted" && attempts < 6:
		return fmt.Errorf("%s is dead after %d attempts", d.Ref, attempts)
	}
	return nil
}

// checkOrder says whether first attempts were made in the order of the queue,
// but for what was put back before.
func checkOrder(all []*pipeline.Delivery, facts map[pipeline.ID][]pipeline.Fact, first map[string]time.Time) error {
	latest := map[pipeline.Priority]time.Time{}
	for _, d := range all {
		at, sent := first[d.Ref]
		if !sent || putBack(facts[d.ID]) {
			continue
		}
		if at.Before(latest[d.Priority]) {
			return fmt.Errorf("%s was first sent before one that came earlier", d.Ref)
		}
		latest[d.Priority] = at
	}
	return nil
}

// putBack says whether a notification was put back before its first attempt.
func putBack(facts []pipeline.Fact) bool {
	first := slices.IndexFunc(facts, func(f pipeline.Fact) bool { return f.State != pipeline.Sending })
	return first >= 0 && facts[first].State == pipeline.Retrying && facts[first].Attempt.Class == 0
}

// Random faults at one or both providers: nothing is lost, nothing is sent more
// often than ambiguous answers and takeovers explain, first attempts keep their
// order.
func TestThePromiseHoldsUnderRandomFaults(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := drawOrdeal(rt)
		var failure error
		// The bubble has a goroutine of its own, where the property cannot fail.
		synctest.Test(t, func(t *testing.T) { failure = o.run(newWorld(t)) })
		if failure != nil {
			rt.Fatal(failure)
		}
	})
}
