package scenarios

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/notifyctl/notifyctl/planner/units"
)

// Verdict is what came of a check, or of a run.
type Verdict string

// The verdicts. NotObserved is of checks alone, Interrupted of runs alone.
const (
	Pass         Verdict = "pass"
	Fail         Verdict = "fail"
	Inconclusive Verdict = "inconclusive"
	NotObserved  Verdict = "not_observed"
	Interrupted  Verdict = "interrupted"
)

// Expectation is what a check expects: a metric, compared with a limit.
type Expectation struct {
	Name   string
	Metric string
	Op     string
	Limit  float64 // in the metric's unit, as results show it
	// During names the stage that it is about, or is "drain"; empty is the whole
	// run.
	During string
	// Over asks for every window of that length to hold; 0 is all of it at once.
	Over time.Duration
	// Ratio makes it about two variants of an experiment; the limit is then a
	// plain number.
	Ratio Ratio
}

// ops lists the comparisons, longest first.
func ops() []string { return []string{"<=", ">=", "<", ">", "="} }

// parse reads an expectation, as in "latency.p99 < 500ms".
func (e *Expectation) parse(text string) error {
	parts := regexp.MustCompile(`^\s*([a-z0-9_.]+)\s*(<=|>=|<|>|=)\s*(\S.*)$`).FindStringSubmatch(text)
	if parts == nil {
		return fmt.Errorf("%q; accepted is a metric, a comparison (%s) and a limit, as in latency.p99 < 500ms", text, strings.Join(ops(), " "))
	}
	m, err := findMetric(parts[1])
	if err != nil {
		return err
	}
	unit, factor := m.limit, m.factor
	if e.Ratio != (Ratio{}) {
		unit, factor = units.Scalar, 1
	}
	limit, err := units.Parse(parts[3], unit)
	switch {
	case err != nil:
		return err
	case !limit.Exact():
		return fmt.Errorf("limit %q is a range; accepted is one value", parts[3])
	}
	e.Metric, e.Op, e.Limit = m.name, parts[2], limit.Low*factor
	return nil
}

// holds compares unrounded.
func (e *Expectation) holds(v float64) bool {
	switch e.Op {
	case "<":
		return v < e.Limit
	case "<=":
		return v <= e.Limit
	case ">":
		return v > e.Limit
	case ">=":
		return v >= e.Limit
	case "=":
		return v == e.Limit
	}
	panic("BUG: unknown comparison " + e.Op)
}

// Check is an expectation with what came of it.
type Check struct {
	Name     string   `json:"name"`
	Subject  string   `json:"subject"` // the metric
	Op       string   `json:"op"`
	Limit    float64  `json:"limit"`
	Measured *float64 `json:"measured"` // null when it was not seen
	Unit     string   `json:"unit"`
	During   string   `json:"during,omitempty"` // the stage; empty is the whole run
	Over     float64  `json:"over_s,omitempty"` // the length of the windows, each of which must hold
	At       *float64 `json:"at_s,omitempty"`   // the end of the worst of them, since the load began
	Low      *float64 `json:"low,omitempty"`    // of a slope: its 95 % interval
	High     *float64 `json:"high,omitempty"`
	Verdict  Verdict  `json:"verdict"`
	Why      string   `json:"why"` // of every verdict but a plain pass or fail
}

// judge says whether expectations hold by the evidence.
func judge(expectations []Expectation, e *evidence) []Check {
	checks := make([]Check, len(expectations))
	for i := range expectations {
		checks[i] = judgeOne(&expectations[i], e)
	}
	return checks
}

func judgeOne(x *Expectation, e *evidence) Check {
	m, err := findMetric(x.Metric)
	if err != nil {
		panic("BUG: a check about an unknown metric was accepted: " + err.Error())
	}
	check := Check{Name: x.Name, Subject: m.name, Op: x.Op, Limit: x.Limit, Unit: m.unit}
	r := m.measure(e)
	if r.open != "" {
		check.Verdict, check.Why = Inconclusive, r.open
		return check
	}
	if r.missing != "" {
		check.Verdict, check.Why = NotObserved, r.missing
		return check
	}
	check.Measured, check.Verdict = &r.value, Fail
	if x.holds(r.value) {
		check.Verdict = Pass
	}
	if r.atLeast {
		check.Why = "at least that"
	}
	if m.generated {
		doubt(&check, x, e)
	}
	return check
}

// doubt turns a verdict on a rate or a latency into an inconclusive one where
// the load that was planned is not the load that the system met.
//
// A load that was not sent proves no pass. Requests that were sent late by the
// generator's own fault prove no failure, since latencies count from the
// schedule. But a system that has not answered on any of the connections while
// there was CPU to spare has failed by its own fault: then the latencies are
// lower bounds, and a failure stands.
func doubt(check *Check, x *Expectation, e *evidence) {
	s := saturationOf(e)
	switch {
	case check.Verdict == Pass && s.short:
	case check.Verdict == Fail && s.own:
	default:
		return
	}
	// The limit is missed by what was sent, whatever was not.
	check.Verdict = Inconclusive
	check.Why = s.why
	if x.Metric == "achieved" {
		check.Why += "; the rate is a lower bound of what the system can take"
	}
}

// saturation says how the load that was sent differs from the schedule's.
type saturation struct {
	short bool   // less than 99 % of it was sent
	own   bool   // it was short or late, and not because the system kept every connection waiting
	why   string // what was seen of it
}

// The limits of what a generator may be off by.
const (
	leastAchieved = 0.99
	mostLate      = 0.01 // of the requests, more than 10 ms late by its own fault
	mostCPU       = 0.95 // of the machine, beyond which nothing says who was too slow
)

func saturationOf(e *evidence) saturation {
	l := e.load
	achieved := l.Achieved()
	s := saturation{short: achieved < leastAchieved}
	sent, late := float64(max(l.Total.Sent, 1)), float64(l.Late-l.LateHeld)
	ownDrops := l.Total.Dropped - l.DroppedHeld
	busy, known := e.cpu.Machine()
	exhausted := known && busy > mostCPU
	s.own = late/sent > mostLate || s.short && (float64(ownDrops) > (1-leastAchieved)*float64(l.Total.Offered) || exhausted)
	switch {
	case s.short:
		s.why = fmt.Sprintf("only %g %% of the load was sent", math.Floor(achieved*10_000)/100) // 98.999 is not 99
	case s.own:
		s.why = fmt.Sprintf("%.1f %% of the requests were sent late by the generator", late/sent*100)
	}
	if exhausted {
		s.why += fmt.Sprintf(", with %.0f %% of the machine's CPU in use", busy*100)
	}
	return s
}

// overall is the verdict over checks: a failure wins, then what is
// inconclusive; what was not observed does not count, and nothing observed is
// inconclusive.
func overall(checks []Check) Verdict {
	has := func(v Verdict) bool { return slices.ContainsFunc(checks, func(c Check) bool { return c.Verdict == v }) }
	switch {
	case has(Fail):
		return Fail
	case has(Inconclusive), !has(Pass):
		return Inconclusive
	}
	return Pass
}
