package planner

// Reason says in one line why a figure is as large as it is: its formula with
// its numbers. Of a need that is the greatest of several, the one that decides is
// asked. The error is an [*UnknownFigureError].
func (e *Estimate) Reason(id string) (string, error) {
	d, _ := e.Figure(id)
	for {
		deciding, ok := e.deciding(d)
		if !ok {
			break
		}
		d, id = deciding, deciding.ID
	}
	x, err := e.Explain(id)
	return x.Numbers, err
}

// deciding finds the figure that a figure takes its value from.
func (e *Estimate) deciding(d Derived) (Derived, bool) {
	for _, in := range d.Inputs {
		if in.From != FromFigure {
			continue
		}
		if below, ok := e.Figure(in.ID); ok && below.Unit == d.Unit && below.Range == d.Range {
			return below, true
		}
	}
	return Derived{}, false
}
