package planner

import "math"

// A forecast is how the demand of a plan grows from its date. Of ranges, it
// takes the ends that need the most.
type forecast struct {
	from  Date
	rate  float64 // a year, compounded
	years int     // that are looked ahead
	peak  float64 // today's, notifications a second
}

// forecast gives the growth that a plan expects.
func (p *Plan) forecast() forecast {
	g := p.Growth
	return forecast{from: p.AsOf, rate: g.Rate.High, years: int(g.Years.High), peak: g.CurrentPeak.High}
}

// after gives the multiple of today's demand after some years.
func (f forecast) after(years int) float64 { return math.Pow(1+f.rate, float64(years)) }

// peakAfter gives the peak after some years, in notifications a second.
func (f forecast) peakAfter(years int) float64 { return f.peak * f.after(years) }

// passes gives the day on which demand grows past a multiple of today's: the
// plan's date for less than today's, and none if it stays below for all of the
// years.
func (f forecast) passes(factor float64) (Date, bool) {
	if factor < 1 {
		return f.from, true
	}
	if f.rate <= 0 {
		return Date{}, false
	}
	years := math.Log(factor) / math.Log1p(f.rate)
	if years >= float64(f.years) {
		return Date{}, false
	}
	whole := int(years)
	start, end := f.from.year(whole), f.from.year(whole+1)
	days := end.t.Sub(start.t).Hours() / hoursPerDay
	return Date{start.t.AddDate(0, 0, int((years-float64(whole))*days))}, true
}

// hoursPerDay is the hours of a day in UTC, of which none is longer.
const hoursPerDay = 24
