package units

// A Range is a quantity in the base of its unit: exact when both ends are
// equal, else known only to lie between them nine times in ten.
type Range struct{ Low, High float64 }

// Exactly is the range of one known value.
func Exactly(v float64) Range { return Range{Low: v, High: v} }

// Exact reports whether the range is a single value.
func (r Range) Exact() bool { return r.Low == r.High }
