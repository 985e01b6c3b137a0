package planner

import "github.com/notifyctl/notifyctl/planner/units"

// An Estimate is everything that follows from a plan.
type Estimate struct {
	Plan     *Plan
	Figures  []Derived // in the order reports show them
	Findings []Finding // the worst first
	Costs    []CostLine
	Stated   []CostStep // what the plan states that its infrastructure costs
	Growth   []GrowthYear
	Steps    []GrowthStep // of the growth plan, in its order
	Ceilings []Ceiling    // the tightest first
	Outages  []Outage
	Limits   []LimitResult

	values *valuation
}

// Derived is a figure with its value for a plan.
type Derived struct {
	Figure
	Range  units.Range
	Stated *units.Range // what the plan claims of it, or gives as its own number; nil if nothing
}

// Value is the one number to plan by: of a range, the safe end.
func (d Derived) Value() float64 { return d.Safe.Of(d.Range) }

// A LimitResult is a limit of the plan set against its figure.
type LimitResult struct {
	Limit
	Value units.Range
	Holds bool
}

// NewEstimate derives every figure from a plan, and reads them.
func NewEstimate(p *Plan) (*Estimate, error) {
	v, err := evaluate(p, figures(p.choices()))
	if err != nil {
		return nil, err
	}
	e := &Estimate{Plan: p, Figures: v.derived(p), values: v}
	growth := p.forecast()
	e.Ceilings = v.bind(ceilings(), growth)
	e.Steps = p.growthSteps(growth)
	if e.Growth, err = v.growthYears(p, growth, e.Steps, e.Ceilings); err != nil {
		return nil, err
	}
	e.Outages = v.outages()
	e.Costs = v.bill(p.choices())
	if e.Stated, err = v.costSteps(p); err != nil {
		return nil, err
	}
	e.Findings = audit(&facts{valuation: v, plan: p, ceilings: e.Ceilings, stated: e.Stated})
	for _, l := range p.Limits {
		e.Limits = append(e.Limits, e.judge(l))
	}
	return e, nil
}

// evaluate derives a list of figures from a plan.
func evaluate(p *Plan, figures []Figure) (*valuation, error) {
	leaves, prices := p.leaves(), pricesOf(figures)
	keys := make([]string, len(leaves))
	count := len(leaves) + len(prices) + len(figures)
	v := &valuation{slots: make(map[Input]int, count), low: make([]float64, count), high: make([]float64, count)}
	for i, l := range leaves {
		keys[i], v.low[i], v.high[i] = l.path, l.value.Low, l.value.High
		v.slots[key(l.path)] = i
	}
	for i, id := range prices {
		slot := len(leaves) + i
		_, r, err := p.book.price(id)
		if err != nil {
			panic("BUG: planner: a price that was not looked for: " + err.Error())
		}
		v.low[slot], v.high[slot] = r.Low, r.High
		v.slots[price(id)] = slot
	}
	m, err := newModel(keys, figures, prices...)
	if err != nil {
		panic("BUG: planner: " + err.Error())
	}
	for i, f := range figures {
		v.slots[figure(f.ID)] = m.keys + i
	}
	v.model = m
	return v, m.evaluate(v.low, v.high)
}

// derived gives the figures with their values, beside what the plan says.
func (v *valuation) derived(p *Plan) []Derived {
	all := make([]Derived, len(v.model.figures))
	for i, f := range v.model.figures {
		all[i] = Derived{Figure: f, Range: v.rangeOf(figure(f.ID))}
		if claim, ok := p.Claims.Find(f.ID); ok {
			all[i].Stated = &claim.Value
		} else if f.Stated != "" {
			own := v.rangeOf(key(f.Stated))
			all[i].Stated = &own
		}
	}
	return all
}

// judge sets a limit against its figure.
func (e *Estimate) judge(l Limit) LimitResult {
	d, ok := e.Figure(l.Figure)
	if !ok {
		panic("BUG: planner: a limit on " + l.Figure + ", which is not derived")
	}
	return LimitResult{Limit: l, Value: d.Range, Holds: l.Holds(d.Range)}
}

// Figure finds a figure by its id.
func (e *Estimate) Figure(id string) (Derived, bool) {
	for _, d := range e.Figures {
		if d.ID == id {
			return d, true
		}
	}
	return Derived{}, false
}
