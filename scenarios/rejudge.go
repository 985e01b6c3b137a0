package scenarios

import (
	"fmt"
	"math"

	"github.com/notifyctl/notifyctl/scenarios/load"
)

// rejudge judges the checks of a run that was divided, from the results of its
// shards, once they have been put together: the clients' side into one report, the
// accounts into one.
//
// What clients see and what the account says is judged anew. What the system says
// it said to every shard, so one of them tells it. What clients see in windows, or
// how it develops, was seen by each shard alone: together it is no worse than what
// the worst of them saw, and may be better.
func rejudge(shards []*Result, report *load.Report, account Account) ([]Check, error) {
	e := &evidence{load: report, batch: shards[0].Generator.Batch, account: account, over: true}
	for _, s := range shards {
		if busy := s.Resources.MachineBusy; busy != nil && (e.machine == nil || *busy > *e.machine) {
			e.machine = busy
		}
		if busy := s.Resources.MocksBusy; busy != nil {
			e.mock = max(e.mock, *busy)
		}
	}
	checks := make([]Check, len(shards[0].Checks))
	for i := range checks {
		each, err := sameCheck(shards, i)
		if err != nil {
			return nil, err
		}
		m, err := findMetric(each[0].Subject)
		if err != nil {
			return nil, fmt.Errorf("check %q: %w", each[0].Name, err)
		}
		x := &expected{metric: m, required: wasRequired(each), Expectation: Expectation{
			Name: each[0].Name, Metric: m.name, Op: each[0].Op, Limit: each[0].Limit, During: each[0].During,
		}}
		switch {
		case each[0].Unit != m.unit: // a comparison of variants, of which nothing can be put together
			checks[i] = each[0]
		case m.by == bySystem:
			checks[i] = firstObserved(each)
		case m.by == byClients && (m.apart || each[0].Over > 0):
			checks[i] = x.together(each)
		default:
			checks[i] = x.judge(e.view(x.During))
		}
	}
	return checks, nil
}

// sameCheck gives the i-th check of all shards, which is the same one.
func sameCheck(shards []*Result, i int) ([]Check, error) {
	first := shards[0].Checks[i]
	each := make([]Check, len(shards))
	for n, s := range shards {
		if i >= len(s.Checks) || s.Checks[i].Name != first.Name || s.Checks[i].Subject != first.Subject || s.Checks[i].Limit != first.Limit {
			return nil, fmt.Errorf("the %d. result has no check %q as the first has; accepted are results of one scenario", n+1, first.Name)
		}
		each[n] = s.Checks[i]
	}
	return each, nil
}

// wasRequired says whether a check failed for not having been observed.
func wasRequired(each []Check) bool {
	for i := range each {
		if each[i].Verdict == Fail && each[i].Measured == nil {
			return true
		}
	}
	return false
}

// firstObserved is the first shard's check that saw something.
func firstObserved(each []Check) Check {
	for _, c := range each {
		if c.Measured != nil {
			return c
		}
	}
	return each[0]
}

// together puts together what each shard saw alone. Counts add up to what there
// was at most, since their worst windows need not be the same.
func (x *expected) together(each []Check) Check {
	var worst *Check
	failed, sum := 0, 0.0
	for i := range each {
		c := &each[i]
		if c.Measured == nil {
			continue
		}
		sum += *c.Measured
		if c.Verdict == Fail {
			failed++
		}
		if worst == nil || x.worse(c, worst) {
			worst = c
		}
	}
	if worst == nil {
		return each[0]
	}
	check := *worst
	counts := x.metric.unit == ""
	if counts && failed == 0 {
		check.Measured, check.At = &sum, nil
	}
	check.Bound = AtMost
	if x.direction() < 0 || counts && failed > 0 {
		check.Bound = AtLeast
	}
	switch {
	case check.Verdict == Inconclusive:
	case counts && failed > 0, failed == len(each) && atOnce(each):
	case failed > 0 || !x.holds(*check.Measured):
		check.Verdict = Inconclusive
		check.Why = fmt.Sprintf("%d of %d shards did not hold it, each by what it saw alone; of all together it cannot be told", failed, len(each))
	}
	return check
}

// atOnce says whether the worst windows of all ended in the same second; of what
// was judged without windows they did.
func atOnce(each []Check) bool {
	for i := range each {
		a, b := each[0].At, each[i].At
		if a != nil && b != nil && math.Round(*a) != math.Round(*b) {
			return false
		}
	}
	return true
}
