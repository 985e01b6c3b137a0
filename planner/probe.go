package planner

// A probe tries a plan under other demands. It computes what it is asked about
// and nothing else, so that hundreds of tries cost little; and it bears values
// that are no numbers, which no comparison finds to fit.
type probe struct {
	plan               *valuation
	demand             []int // slots
	low, high, scratch []float64
}

// newProbe makes a probe of the plan that a valuation is of.
func newProbe(v *valuation) *probe {
	p := &probe{
		plan: v, scratch: make([]float64, 2*v.model.widest),
		low: append([]float64(nil), v.low...), high: append([]float64(nil), v.high...),
	}
	for _, in := range demand() {
		p.demand = append(p.demand, v.slot(in))
	}
	return p
}

// A trial gives the safe ends of what it was made for, under a multiple of the
// plan's demand. The values serve until the next trial of the same probe.
type trial func(factor float64) []float64

// of prepares the trial of some inputs.
func (p *probe) of(asked ...safeInput) trial {
	slots, values := make([]int, len(asked)), make([]float64, len(asked))
	for i, in := range asked {
		slots[i] = p.plan.slot(in.Input)
	}
	figures := p.plan.model.between(p.demand, slots)
	return func(factor float64) []float64 {
		for _, slot := range p.demand {
			p.low[slot], p.high[slot] = p.plan.low[slot]*factor, p.plan.high[slot]*factor
		}
		for _, i := range figures {
			p.plan.model.compute(i, p.low, p.high, p.scratch)
		}
		for i, slot := range slots {
			values[i] = p.high[slot]
			if asked[i].safe == Low {
				values[i] = p.low[slot]
			}
		}
		return values
	}
}

// A safeInput is an input together with the end of its range to plan by.
type safeInput struct {
	Input
	safe End
}
