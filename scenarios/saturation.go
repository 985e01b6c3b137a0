package scenarios

import (
	"fmt"
	"math"
)

// saturation says how the load that the system met differs from the one that was
// planned.
type saturation struct {
	short bool   // less than 99 % of it was sent
	own   bool   // it was short or late, and not because the system kept every connection waiting
	spent bool   // nearly all of the machine's CPU was in use, and nothing says who was too slow
	why   string // what was seen of it
}

// The limits of what may be off before a run cannot tell the system's part.
const (
	leastAchieved = 0.99
	mostLate      = 0.01 // of the requests, more than 10 ms late by the generator's own fault
	mostCPU       = 0.95 // of the machine, beyond which nothing says who was too slow
	mostMock      = 0.7  // of the processors in use by the mock providers
)

func saturationOf(v *view) saturation {
	c := &v.clients
	achieved := c.achieved()
	s := saturation{short: achieved < leastAchieved}
	sent, late := float64(max(c.sent, 1)), float64(c.late-min(c.late, c.lateHeld))
	ownDrops := c.dropped - min(c.dropped, c.droppedHeld)
	s.spent = v.machine != nil && *v.machine > mostCPU
	s.own = late/sent > mostLate || s.short && (float64(ownDrops) > (1-leastAchieved)*float64(c.offered) || s.spent)
	switch {
	case s.short:
		s.why = fmt.Sprintf("only %g %% of the load was sent", math.Floor(achieved*10_000)/100) // 98.999 is not 99
	case s.own:
		s.why = fmt.Sprintf("%.1f %% of the requests were sent late by the generator", late/sent*100)
	}
	if s.spent {
		s.why += fmt.Sprintf(", with %.0f %% of the machine's CPU in use", *v.machine*100)
	}
	return s
}

// doubt turns a verdict on a rate or a latency into an inconclusive one where
// the load that was planned is not the load that the system met, or where the mock
// providers were too busy to be what they stand for.
//
// A load that was not sent proves no pass. Requests that were sent late by the
// generator's own fault prove no failure, since latencies count from the
// schedule; unless they took too long from when they were sent, too, with CPU to
// spare. And a system that has not answered on any of the connections while
// there was CPU to spare has failed by its own fault: then the latencies are
// lower bounds, and a failure stands. Mock providers that took most of the
// processors prove no failure either.
func (x *expected) doubt(check *Check, v *view) {
	if !x.metric.generated && !x.metric.provided {
		return
	}
	s := saturationOf(v)
	if check.Verdict == Fail && s.own && !s.short && !s.spent && x.failsFromSend(v) {
		return
	}
	busy := v.mock > mostMock
	if x.metric.fromSend != nil {
		switch {
		case s.own:
			check.Bound = AtMost
		case s.short:
			check.Bound = AtLeast
		}
	}
	// What the system measures does not count from the schedule, so that it takes
	// more than lateness to be wrong about it.
	own := s.own && (x.metric.by == byClients || s.short || s.spent)
	switch {
	case x.metric.generated && check.Verdict == Pass && s.short, x.metric.generated && check.Verdict == Fail && own:
		check.Verdict, check.Why = Inconclusive, s.why
		if s.short {
			// The limit is missed by what was sent, whatever was not.
			check.Why += fmt.Sprintf("; the system takes at least %.6g/s", v.clients.rate()*float64(v.batch))
		}
		if x.Metric == "achieved" {
			check.Bound = AtLeast
		}
	case check.Verdict == Fail && busy:
		check.Verdict = Inconclusive
		check.Why = fmt.Sprintf("the mock providers had %.0f %% of the processors in use, and may be what was slow", v.mock*100)
	}
}

// failsFromSend says whether a check of a latency fails however late requests were
// sent.
func (x *expected) failsFromSend(v *view) bool {
	if x.metric.fromSend == nil {
		return false
	}
	r := x.metric.fromSend(v)
	return r.missing == "" && !x.holds(r.value)
}
