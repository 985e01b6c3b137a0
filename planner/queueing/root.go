package queueing

import "math"

// root finds where f, which falls from above zero at low to below it at high,
// is zero: by Newton's steps from start, and by halves wherever a step would
// leave the interval that is still possible. f gives its slope, too; it is a
// logarithm of odds, so a value of 1e-13 is one that rounding leaves.
func root(low, start, high float64, f func(x float64) (y, slope float64)) float64 {
	const (
		steps   = 200
		nothing = 1e-13 // of f
		short   = 1e-8  // of a step, whose end is then exact: each squares the error
	)
	x := start
	for range steps {
		y, slope := f(x)
		if math.Abs(y) <= nothing {
			return x
		}
		if y > 0 {
			low = x
		} else {
			high = x
		}
		next := x - y/slope
		if !(next > low && next < high) { // or NaN
			next = low + (high-low)/2
		}
		if math.Abs(next-x) <= short*math.Abs(x) {
			return next
		}
		x = next
	}
	return x
}
