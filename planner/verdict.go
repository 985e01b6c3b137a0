package planner

// A Verdict says whether a plan stands.
type Verdict string

// The verdicts.
const (
	Pass Verdict = "pass" // every limit holds, and nothing found is an error
	Fail Verdict = "fail"
)

// Verdict judges the plan by its limits and by what the audit found. Warnings do
// not fail it.
func (e *Estimate) Verdict() Verdict {
	if len(e.BrokenLimits()) > 0 || len(e.Found(Error)) > 0 {
		return Fail
	}
	return Pass
}

// BrokenLimits lists the limits that do not hold.
func (e *Estimate) BrokenLimits() []LimitResult {
	var broken []LimitResult
	for _, l := range e.Limits {
		if !l.Holds {
			broken = append(broken, l)
		}
	}
	return broken
}

// Found lists the findings of one severity.
func (e *Estimate) Found(s Severity) []Finding {
	var found []Finding
	for _, f := range e.Findings {
		if f.Severity == s {
			found = append(found, f)
		}
	}
	return found
}
