package scenarios

import "slices"

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

// Check is an expectation with what came of it.
type Check struct {
	Name     string   `json:"name"`
	Subject  string   `json:"subject"` // the metric
	Op       string   `json:"op"`
	Limit    float64  `json:"limit"`
	Measured *float64 `json:"measured"` // null when it was not seen
	Bound    Bound    `json:"bound,omitempty"`
	Unit     string   `json:"unit"`
	During   string   `json:"during,omitempty"` // the stage; empty is the whole run
	Over     float64  `json:"over_s,omitempty"` // the length of the windows, each of which must hold
	At       *float64 `json:"at_s,omitempty"`   // the end of the worst of them, since the load began
	Low      *float64 `json:"low,omitempty"`    // of a slope: its 95 % interval
	High     *float64 `json:"high,omitempty"`
	Verdict  Verdict  `json:"verdict"`
	Why      string   `json:"why"` // of every verdict but a plain pass or fail
}

// Bound says that what was measured is not the value, but a bound of it.
type Bound string

// The bounds; the empty one is of a value.
const (
	AtLeast Bound = "at_least"
	AtMost  Bound = "at_most"
)

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
