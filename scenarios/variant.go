package scenarios

// Variant is one of the ways in which an experiment runs its stages, on a system
// of its own.
type Variant struct {
	Name string
	Plan []PlanValue // beside the scenario's
	Rate float64     // share of the stages' rates, above 0 to 1
}

// Ratio says which variants a check compares: the metric's value of one over
// that of the other. The zero value compares none.
type Ratio struct{ Of, To string }
