package planner

import "slices"

// A GrowthYear is one year of the growth that a plan expects.
type GrowthYear struct {
	Year          int     // 0 is today
	Peak          float64 // at its end, notifications a second
	CapacityAfter float64 // of the last step that is done by its end, notifications a second
	Breaks        []Break // in it, in order; today's are what is broken already
}

// A Break is the day on which growth passes a ceiling.
type Break struct {
	Component string
	Figure    string
	Date      Date
	OrderBy   Date // Date less the lead time
	Action    string
}

// growthYears gives today and each year that a plan looks ahead.
func growthYears(growth forecast, steps []GrowthStep, built float64, ceilings []Ceiling) []GrowthYear {
	var all []GrowthYear
	for n := range growth.years + 1 {
		end := growth.from.year(n)
		year := GrowthYear{Year: n, Peak: growth.peakAfter(n), CapacityAfter: built}
		for _, s := range steps {
			if !end.before(s.Date) {
				year.CapacityAfter = max(year.CapacityAfter, s.Capacity.Low)
			}
		}
		for _, c := range ceilings {
			if !c.Date.IsZero() && !end.before(c.Date) && (n == 0 || growth.from.year(n-1).before(c.Date)) {
				year.Breaks = append(year.Breaks, Break{
					Component: c.Component, Figure: c.Figure, Date: c.Date, OrderBy: c.OrderBy, Action: c.Action,
				})
			}
		}
		slices.SortStableFunc(year.Breaks, func(a, b Break) int { return a.Date.t.Compare(b.Date.t) })
		all = append(all, year)
	}
	return all
}
