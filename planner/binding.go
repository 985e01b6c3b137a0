package planner

import (
	"math"
	"slices"
)

// The demands that ceilings are tried at, as multiples of the plan's. A ceiling
// that holds at the greatest never breaks; one that is broken at the least is
// broken at any.
const (
	leastDemand    = 1e-18
	greatestDemand = 1e6
)

// demandPrecision is how closely the demand is found at which a ceiling breaks.
const demandPrecision = 1e-15

// bind finds how far each ceiling of a plan carries, the tightest first.
func (v *valuation) bind(ceilings []ceiling, growth forecast) []Ceiling {
	type bound struct {
		Ceiling
		needs func(factor float64) float64 // the capacity that a demand takes
	}
	p := newProbe(v)
	bounds := make([]bound, len(ceilings))
	for i, c := range ceilings {
		bounds[i].Ceiling, bounds[i].needs = v.measure(p, c, growth)
	}
	slices.SortStableFunc(bounds, func(a, b bound) int { return compareFactors(a.Ceiling, b.Ceiling) })
	all := make([]Ceiling, len(bounds))
	for i, b := range bounds {
		all[i] = b.Ceiling
		rival := min(1, len(bounds)-1) // of the tightest, the next
		if i > 0 {
			rival = 0
		}
		all[i].FlipsAt = b.needs(max(bounds[rival].Factor, leastDemand))
	}
	return all
}

// compareFactors orders ceilings by how far they carry.
func compareFactors(a, b Ceiling) int {
	switch {
	case a.Factor < b.Factor:
		return -1
	case a.Factor > b.Factor:
		return 1
	}
	return 0
}

// measure finds how far one ceiling carries. With it comes the capacity that a
// multiple of the plan's demand would take.
func (v *valuation) measure(p *probe, c ceiling, growth forecast) (Ceiling, func(factor float64) float64) {
	asked := []safeInput{{figure(c.need), High}, {c.capacity, Low}}
	if c.share.ID != "" {
		asked = append(asked, safeInput{c.share, Low})
	}
	values := p.of(asked...)
	at := func(factor float64) (need, capacity, share float64) {
		got := values(factor)
		if c.share.ID == "" {
			return got[0], got[1], 1
		}
		return got[0], got[1], got[2]
	}
	needs := func(factor float64) float64 {
		need, _, share := at(factor)
		return capacityFor(need, share)
	}
	found := Ceiling{
		Component: component(c.capacity.ID), Title: c.title, Figure: c.need, Given: c.capacity.ID,
		Action: c.action, Needed: needs(1),
	}
	found.Need, found.Capacity, found.Share = at(1)
	found.Factor, found.Never = largest(func(factor float64) bool {
		need, capacity, share := at(factor)
		return need <= capacity*share
	})
	if !found.Never {
		found.Date, found.OrderBy = v.breaks(c, found.Factor, growth)
	}
	return found, needs
}

// capacityFor gives the capacity of which a share meets a need; 0 if none does,
// since no share of it may be used.
func capacityFor(need, share float64) float64 {
	if capacity := need / share; finite(capacity) {
		return capacity
	}
	return 0
}

// largest finds the greatest demand at which something fits that ceases to fit
// as demand rises.
func largest(fits func(factor float64) bool) (factor float64, never bool) {
	if fits(greatestDemand) {
		return greatestDemand, true
	}
	if !fits(leastDemand) {
		return 0, false
	}
	low, high := leastDemand, greatestDemand
	for high > low*(1+demandPrecision) {
		middle := math.Sqrt(low * high) // halves the ratio: the span is one of magnitudes
		if fits(middle) {
			low = middle
		} else {
			high = middle
		}
	}
	return low, false
}

// breaks gives the day on which growth reaches a factor of a ceiling, and the
// day by which more has to be ordered; zero if not within the plan's years.
func (v *valuation) breaks(c ceiling, factor float64, growth forecast) (day, order Date) {
	if c.driver == byRate {
		factor *= v.rangeOf(key("workload.design_rate")).High / growth.peak
	}
	day, ok := growth.passes(factor)
	if !ok {
		return Date{}, Date{}
	}
	return day, day.less(v.rangeOf(key(c.lead)).High)
}
