package planner

import (
	"math"

	"github.com/notifyctl/notifyctl/planner/units"
)

// z95 is the standard normal deviate that 5 % of all exceed: a range is the
// interval between the quantiles of 5 % and 95 %.
const z95 = 1.6448536269514722

// A distribution is how an input is spread over its range and beyond it.
type distribution struct {
	interval units.Range // nine of ten draws lie in it
	uniform  bool        // else lognormal
	whole    bool        // draws are rounded
	limits   bounds      // that a value must keep to, whatever is drawn
}

// distributionOf chooses how a range is drawn: lognormal, since quantities are
// above zero and err by factors; uniform where the range is one of shares, or
// begins at zero.
func distributionOf(unit units.Unit, r units.Range, limits bounds) distribution {
	return distribution{
		interval: r, uniform: unit == units.Ratio || r.Low <= 0,
		whole: unit == units.Whole, limits: limits,
	}
}

// quantile gives the value at a standard normal deviate: 0 is the median.
func (d distribution) quantile(z float64) float64 {
	var v float64
	if d.uniform {
		below := math.Erfc(-z/math.Sqrt2) / 2 // the share of all that lies below z
		v = d.interval.Low + (d.interval.High-d.interval.Low)*(below-0.05)/0.9
	} else {
		low, high := math.Log(d.interval.Low), math.Log(d.interval.High)
		v = math.Exp((low+high)/2 + z*(high-low)/(2*z95))
	}
	if d.whole {
		v = math.Round(v)
	}
	return d.limits.clamp(v, d.interval.Low)
}

// clamp keeps a value within the bounds; what may not be reached itself is
// replaced by a value that may.
func (b bounds) clamp(v, instead float64) float64 {
	if b.above && v <= b.min {
		return instead
	}
	return min(max(v, b.min), b.max)
}

// drawable is an input that the plan gives as a range.
type drawable struct {
	input Input
	distribution
}

// drawable lists the inputs that the plan gives as ranges, in its order, and
// then its own prices that are.
func (v *valuation) drawable(p *Plan) []drawable {
	var all []drawable
	for _, l := range p.leaves() {
		if !l.value.Exact() {
			all = append(all, drawable{key(l.path), distributionOf(l.unit, l.value, l.limits)})
		}
	}
	for _, id := range pricesOf(v.model.figures) {
		if r := v.rangeOf(price(id)); !r.Exact() {
			unit, limits := p.book.quantity(id)
			all = append(all, drawable{price(id), distributionOf(unit, r, limits)})
		}
	}
	return all
}
