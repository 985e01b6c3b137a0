package planner

import "github.com/notifyctl/notifyctl/planner/units"

// An Estimate is everything that follows from a plan.
type Estimate struct {
	Plan    *Plan
	Figures []Derived // in the order reports show them
	Limits  []LimitResult
}

// Derived is a figure with its value for a plan.
type Derived struct {
	Figure
	Range  units.Range
	Stated *units.Range // what the plan claims of it, nil if nothing
}

// Value is the one number to plan by: of a range, the safe end.
func (d Derived) Value() float64 { return d.Safe.Of(d.Range) }

// A LimitResult is a limit of the plan set against its figure.
type LimitResult struct {
	Limit
	Value *units.Range // nil for a figure that is not derived
	Holds *bool        // nil if the figure is not derived
}

// NewEstimate derives every figure from a plan.
func NewEstimate(p *Plan) (*Estimate, error) {
	return estimate(p, figures())
}

// estimate derives a list of figures.
func estimate(p *Plan, figures []Figure) (*Estimate, error) {
	leaves := p.leaves()
	keys := make([]string, len(leaves))
	low, high := make([]float64, len(leaves)+len(figures)), make([]float64, len(leaves)+len(figures))
	for i, l := range leaves {
		keys[i], low[i], high[i] = l.path, l.value.Low, l.value.High
	}
	m, err := newModel(keys, figures)
	if err != nil {
		panic("BUG: planner: " + err.Error())
	}
	if err := m.evaluate(low, high); err != nil {
		return nil, err
	}
	e := &Estimate{Plan: p, Figures: make([]Derived, len(figures))}
	for i, f := range figures {
		e.Figures[i] = Derived{Figure: f, Range: units.Range{Low: low[m.keys+i], High: high[m.keys+i]}}
		if claim, ok := p.Claims.Find(f.ID); ok {
			e.Figures[i].Stated = &claim.Value
		}
	}
	for _, l := range p.Limits {
		e.Limits = append(e.Limits, e.judge(l))
	}
	return e, nil
}

// judge sets a limit against its figure.
func (e *Estimate) judge(l Limit) LimitResult {
	result := LimitResult{Limit: l}
	if d, ok := e.Figure(l.Figure); ok {
		holds := l.Holds(d.Range)
		result.Value, result.Holds = &d.Range, &holds
	}
	return result
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
