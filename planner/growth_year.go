package planner

import "slices"

// A GrowthYear is one year of the growth that a plan expects.
type GrowthYear struct {
	Year          int     // 0 is today
	Peak          float64 // at its end, notifications a second
	CapacityAfter float64 // of the last step that is done by its end, notifications a second
	Breaks        []Break // in it, in order; today's are what is broken already
	Cost          GrowthCost
}

// A Break is the day on which growth passes a ceiling.
type Break struct {
	Component string
	Title     string // what is short, in a few words
	Figure    string
	Date      Date
	OrderBy   Date // Date less the lead time
	Action    string
}

// growthYears gives today and each year that a plan looks ahead.
func (v *valuation) growthYears(p *Plan, growth forecast, steps []GrowthStep, ceilings []Ceiling) ([]GrowthYear, error) {
	items := v.itemGrowths(p.choices())
	var all []GrowthYear
	for n := range growth.years + 1 {
		cost, err := v.growthCost(items, growth.after(n))
		if err != nil {
			return nil, err
		}
		all = append(all, GrowthYear{
			Year: n, Peak: growth.peakAfter(n), CapacityAfter: p.capacityBy(growth.from.year(n), steps),
			Breaks: growth.breaksIn(n, ceilings), Cost: cost,
		})
	}
	return all, nil
}

// capacityBy gives the rate that is built for on a day, by the steps that are
// done by then.
func (p *Plan) capacityBy(day Date, steps []GrowthStep) float64 {
	capacity := p.Workload.DesignRate.Low
	for _, s := range steps {
		if !day.before(s.Date) {
			capacity = max(capacity, s.Capacity.Low)
		}
	}
	return capacity
}

// breaksIn lists what breaks in the year that ends n years on; in the year 0,
// what is broken on the plan's date.
func (f forecast) breaksIn(n int, ceilings []Ceiling) []Break {
	var all []Break
	for _, c := range ceilings {
		if c.Date.IsZero() || f.from.year(n).before(c.Date) || n > 0 && !f.from.year(n-1).before(c.Date) {
			continue
		}
		all = append(all, Break{
			Component: c.Component, Title: c.Title, Figure: c.Figure, Date: c.Date, OrderBy: c.OrderBy, Action: c.Action,
		})
	}
	slices.SortStableFunc(all, func(a, b Break) int { return a.Date.t.Compare(b.Date.t) })
	return all
}
