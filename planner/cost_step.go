package planner

// A CostStep is what a design states that its infrastructure costs at a rate, as
// a whole, beside what its parts come to.
type CostStep struct {
	Rate   float64 // that it is built for, notifications a second
	Stated float64 // US dollars a month
	// Derived is the figure cost.infrastructure.needed of the plan under a demand
	// that is as many times its own as the rate is that of the plan: every part
	// at the size that it then needs.
	Derived float64
}

// PerThousand gives what is stated for one thousand notifications a second.
func (s CostStep) PerThousand() float64 { return s.Stated / s.Rate * 1e3 }

// DerivedPerThousand gives what the parts cost for one thousand notifications a
// second.
func (s CostStep) DerivedPerThousand() float64 { return s.Derived / s.Rate * 1e3 }

// costSteps lists the rates at which a plan states what the infrastructure
// costs: today's by its claim, and those of its growth steps. Of ranges, the
// high ends are taken.
func (v *valuation) costSteps(p *Plan) ([]CostStep, error) {
	var all []CostStep
	design := p.Workload.DesignRate.High
	if claim, ok := p.Claims.Find("cost.infrastructure"); ok {
		all = append(all, CostStep{Rate: design, Stated: claim.Value.High})
	}
	for _, step := range p.Growth.Steps {
		if step.Cost.High > 0 {
			all = append(all, CostStep{Rate: step.Capacity.High, Stated: step.Cost.High})
		}
	}
	for i := range all {
		scaled, err := v.scaled(all[i].Rate / design)
		if err != nil {
			return nil, err
		}
		all[i].Derived = scaled.value(figure("cost.infrastructure.needed"))
	}
	return all, nil
}
