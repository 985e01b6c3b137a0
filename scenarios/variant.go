package scenarios

import (
	"fmt"
	"slices"
)

// Variant is one of the ways in which an experiment runs its stages, on a system
// of its own.
type Variant struct {
	Name string
	Plan []PlanValue // beside the scenario's
	Rate float64     // share of the stages' rates, above 0 to 1
}

// stages gives the stages at the variant's rate.
func (v *Variant) stages(whole []Stage) []Stage {
	stages := slices.Clone(whole)
	for i := range stages {
		stages[i].From *= v.Rate
		stages[i].To *= v.Rate
	}
	return stages
}

// Ratio says which variants a check compares: the metric's value of one over
// that of the other. The zero value compares none.
type Ratio struct{ Of, To string }

// judge says whether what must hold of the run did, by the evidence. Of an
// experiment, a comparison is judged with the later of the two that it is of.
func (r *Run) judge(e *evidence) []Check {
	var checks []Check
	for i := range r.checks {
		x := &r.checks[i]
		if why := r.tooShort(x); why != "" {
			checks = append(checks, x.unseen(why))
			continue
		}
		if x.Ratio == (Ratio{}) {
			checks = append(checks, e.judge(x))
			continue
		}
		sides := [2]*evidence{r.evidenceOf(x.Ratio.Of, e), r.evidenceOf(x.Ratio.To, e)}
		if own := slices.Contains(sides[:], e); own && !slices.Contains(sides[:], nil) {
			checks = append(checks, judgeRatio(x, sides, e))
		}
	}
	return checks
}

// tooShort says why a run of the profile cannot tell whether a check holds, or "".
// Who sets a scale by hand knows better.
func (r *Run) tooShort(x *expected) string {
	o := &r.options
	own := slices.Index(Profiles(), o.Profile)
	if x.From == "" || own >= slices.Index(Profiles(), x.From) || o.Scale != o.Scenario.Profiles[o.Profile] {
		return ""
	}
	return fmt.Sprintf("profile %s is too short to tell; it is judged from %s on", o.Profile, x.From)
}

// evidenceOf gives the evidence of a variant: of the run itself, or of an
// earlier one; nil of one that is still to come.
func (r *Run) evidenceOf(variant string, own *evidence) *evidence {
	if r.options.Variant.Name == variant {
		return own
	}
	for _, earlier := range r.options.Earlier {
		if earlier.options.Variant.Name == variant {
			earlier.mu.Lock()
			defer earlier.mu.Unlock()
			return earlier.final
		}
	}
	return nil
}

// judgeRatio compares what was measured of two variants.
func judgeRatio(x *expected, sides [2]*evidence, own *evidence) Check {
	one := *x
	one.Ratio = Ratio{}
	var values [2]float64
	for i, e := range sides {
		check := e.judge(&one)
		if check.Measured == nil {
			check.Unit = ratioUnit
			check.Why = fmt.Sprintf("of %s: %s", []string{x.Ratio.Of, x.Ratio.To}[i], check.Why)
			return check
		}
		values[i] = *check.Measured
	}
	check := Check{Name: x.Name, Subject: x.Metric, Op: x.Op, Limit: x.Limit, Unit: ratioUnit, During: x.During}
	check.Why = fmt.Sprintf("%.4g %s of %s over %.4g %s of %s", values[0], x.metric.unit, x.Ratio.Of, values[1], x.metric.unit, x.Ratio.To)
	if values[1] == 0 {
		check.Verdict = Inconclusive
		return check
	}
	ratio := values[0] / values[1]
	check.Measured, check.Verdict = &ratio, Fail
	if x.holds(ratio) {
		check.Verdict = Pass
	}
	x.doubt(&check, own.view(x.During))
	return check
}

// ratioUnit is what a ratio is counted in.
const ratioUnit = "x"
