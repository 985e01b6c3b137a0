package scenarios

import (
	"fmt"
	"slices"
	"time"
)

// expected is an expectation of a run, ready to be judged.
type expected struct {
	Expectation
	metric   metric
	required bool // whether it fails when nobody could see it
}

// expectedOf finds the metrics of expectations. The names are of those checks that
// fail when nobody could see what they are about; times that a scale shortens are
// scaled.
func expectedOf(expectations []Expectation, required []string, timeScale float64) ([]expected, error) {
	list := make([]expected, len(expectations))
	for i, x := range expectations {
		m, err := findMetric(x.Metric)
		if err != nil {
			panic("BUG: a check about an unknown metric was accepted: " + err.Error())
		}
		if m.scaled {
			x.Limit = scaledLimit(x.Limit, timeScale)
		}
		list[i] = expected{Expectation: x, metric: m, required: slices.Contains(required, x.Name)}
	}
	for _, name := range required {
		if !slices.ContainsFunc(expectations, func(x Expectation) bool { return x.Name == name }) {
			return nil, fmt.Errorf("no check is called %q, which is required; accepted are %s", name, quoted(expectations))
		}
	}
	return list, nil
}

func quoted(expectations []Expectation) string {
	text := ""
	for i, x := range expectations {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%q", x.Name)
	}
	return text
}

// leastScaled is the least that the limit of a time is scaled to: the control
// loops of a system do not get faster than that.
const leastScaled = 10 * time.Second

// scaledLimit scales a limit in milliseconds.
func scaledLimit(limit, timeScale float64) float64 {
	return max(limit*timeScale, min(limit, milliseconds(leastScaled)))
}

// judge judges one check. The windows have been judged as they went by.
func (e *evidence) judge(x *expected) Check {
	if e.course != nil {
		e.course.mu.Lock()
		defer e.course.mu.Unlock()
	}
	if x.Over == 0 {
		return x.judge(e.view(x.During))
	}
	for _, w := range e.windows() {
		if w.check.Name != x.Name {
			continue
		}
		if verdict := w.verdict(); verdict != nil {
			return *verdict
		}
	}
	// Nothing was seen in any; of the span as a whole there is nothing either, and
	// it says why.
	check := x.judge(e.view(x.During))
	if check.Measured != nil {
		check.Measured, check.Bound, check.Verdict, check.Why = nil, "", Inconclusive, "no window of it is over yet"
	}
	return check
}

// judge says whether a check holds in a view.
func (x *expected) judge(v *view) Check {
	check := Check{Name: x.Name, Subject: x.metric.name, Op: x.Op, Limit: x.Limit, Unit: x.metric.unit, During: x.During}
	r := x.metric.measure(v)
	switch {
	case r.open != "":
		check.Verdict, check.Why = Inconclusive, r.open
		return check
	case r.missing != "":
		return x.unseen(r.missing)
	}
	check.Measured = &r.value
	if r.interval != nil {
		check.Low, check.High = &r.interval.low, &r.interval.high
		check.Verdict, check.Why = x.compareInterval(*r.interval)
	} else {
		check.Verdict = x.compare(r.value)
	}
	if r.atLeast {
		x.bound(&check)
	}
	x.doubt(&check, v)
	return check
}

// unseen is a check that nobody could see what it is about, and why.
func (x *expected) unseen(why string) Check {
	check := Check{Name: x.Name, Subject: x.metric.name, Op: x.Op, Limit: x.Limit, Unit: x.metric.unit, During: x.During, Verdict: NotObserved, Why: why}
	if x.required {
		check.Verdict, check.Why = Fail, "it is required, and was not observed: "+why
	}
	return check
}

func (x *expected) compare(v float64) Verdict {
	if x.holds(v) {
		return Pass
	}
	return Fail
}

// compareInterval fails what is beyond the limit with all of its interval, and
// passes what is so with none of it.
func (x *expected) compareInterval(i confidence) (Verdict, string) {
	low, high := x.compare(i.low), x.compare(i.high)
	if low == high {
		return low, ""
	}
	return Inconclusive, "the limit lies within the 95 % interval"
}

// bound says that the value is a lower bound, which cannot prove that it lies
// below a limit.
func (x *expected) bound(check *Check) {
	check.Bound = AtLeast
	provesPass := x.direction() < 0
	if (check.Verdict == Pass) != provesPass {
		check.Verdict, check.Why = Inconclusive, "it is a lower bound"
	}
}

// worse says whether of two verdicts on a check the first is the worse: a failure,
// then what is inconclusive, then what is further on the wrong side.
func (x *expected) worse(a, b *Check) bool {
	rank := func(c *Check) int {
		switch c.Verdict {
		case Fail:
			return 2
		case Inconclusive:
			return 1
		case Pass, NotObserved, Interrupted:
		}
		return 0
	}
	if rank(a) != rank(b) {
		return rank(a) > rank(b)
	}
	off := func(c *Check) float64 {
		if x.direction() == 0 {
			return max(*c.Measured-x.Limit, x.Limit-*c.Measured)
		}
		return float64(x.direction()) * *c.Measured
	}
	return off(a) > off(b)
}
