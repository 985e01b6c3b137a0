package planner

import (
	"fmt"

	"github.com/notifyctl/notifyctl/planner/units"
)

// A GrowthStep is a step of a growth plan, set against the growth that it is
// to meet. Of ranges, the least capacity counts.
type GrowthStep struct {
	Step
	Date Date // the day by which it is done
	// Needed is the day on which growth passes the capacity before the step; zero
	// if not within the years of the plan.
	Needed Date
	// Lasts is the day on which growth passes the capacity that the step gives;
	// zero if not within the years of the plan.
	Lasts Date
}

// Late reports whether the step is done after the day on which it is needed.
func (s GrowthStep) Late() bool { return !s.Needed.IsZero() && s.Needed.before(s.Date) }

// growthSteps sets the steps of a plan against its growth.
func (p *Plan) growthSteps(growth forecast) []GrowthStep {
	var all []GrowthStep
	capacity := p.Workload.DesignRate.Low
	for _, step := range p.Growth.Steps {
		s := GrowthStep{Step: step, Date: step.At.Date(p.AsOf)}
		s.Needed, _ = growth.passes(capacity / growth.peak)
		capacity = max(capacity, step.Capacity.Low)
		s.Lasts, _ = growth.passes(capacity / growth.peak)
		all = append(all, s)
	}
	return all
}

// growthFigures lists what follows from the growth of a plan.
func growthFigures() []Figure {
	return []Figure{
		{
			ID: "growth.demand", Title: "peak in a year", Unit: units.PerSecond,
			Formula: "growth.current_peak x (1 + growth.rate)",
			Inputs:  []Input{key("growth.current_peak"), key("growth.rate")},
			Compute: func(in []float64) float64 { return in[0] * (1 + in[1]) },
		},
		{
			ID: "growth.capacity", Title: "capacity after the first growth step", Unit: units.PerSecond, Safe: Low,
			Formula: "max(workload.design_rate, " + firstStep + ")",
			Inputs:  []Input{key("workload.design_rate"), key(firstStep)},
			Compute: func(in []float64) float64 { return max(in[0], in[1]) },
		},
		{
			// Less than is needed is no headroom, rather than one below zero: the
			// audit says what is short and when.
			ID: "growth.headroom", Title: "spare capacity after the first growth step", Unit: units.Ratio, Safe: Low,
			Formula: "growth.capacity / growth.demand - 1, at least 0",
			Inputs:  []Input{figure("growth.capacity"), figure("growth.demand").falling()},
			Compute: func(in []float64) float64 { return max(in[0]/in[1]-1, 0) },
		},
	}
}

// firstStep is the path of the first growth step's capacity, the one entry of
// a list that figures are computed from.
const firstStep = "growth.steps[0].capacity"

// risingSteps is the rule that each growth step follows on the one before, and
// gives more.
func risingSteps() rule {
	return rule{keys: []string{"growth.steps"}, broken: func(p *Plan) string {
		if p.AsOf.IsZero() {
			return "" // which is a fault of its own
		}
		for i, step := range p.Growth.Steps[min(1, len(p.Growth.Steps)):] {
			last := p.Growth.Steps[i]
			switch {
			case step.At.Date(p.AsOf).before(last.At.Date(p.AsOf)):
				return fmt.Sprintf("the step at %s stands after the one at %s; accepted are steps in the order of time", step.At, last.At)
			case step.Capacity.High < last.Capacity.Low:
				return fmt.Sprintf("the step at %s gives %s, less than the %s before it; accepted are steps that raise the capacity", step.At,
					units.Format(units.PerSecond, step.Capacity.Range), units.Format(units.PerSecond, last.Capacity.Range))
			}
		}
		return ""
	}}
}
