package reports

import (
	"fmt"
	"strings"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/units"
)

// fewestCeilings are shown even if none of them ever breaks.
const fewestCeilings = 3

// writeCeilings writes what binds, the tightest first: all that break within the
// years of the plan, and the next.
func writeCeilings(b *strings.Builder, e *planner.Estimate, t Terminal) {
	g := grid{name: "WHAT BINDS", columns: []column{
		{},
		{title: "holds to", right: true},
		{title: "breaks"},
		{title: "order by", spare: 1},
		{title: "then", spare: 2, wraps: true},
	}}
	left := 0
	for i, c := range e.Ceilings {
		if i >= fewestCeilings && c.Date.IsZero() && c.Factor >= 1 {
			left++
			continue
		}
		holds := factorOf(c)
		if c.Factor < 1 {
			holds = t.Bad(holds)
		}
		g.row(c.Title, holds, breakDay(e.Plan, c.Date), breakDay(e.Plan, c.OrderBy), c.Action)
	}
	b.WriteString("\n")
	g.write(b, t)
	if left > 0 {
		fmt.Fprintf(b, "  %s\n", t.Dim(fmt.Sprintf("%d more, which outlast the years of the plan", left)))
	}
}

// breakDay writes the day of a break or of an order; what is past is now.
func breakDay(p *planner.Plan, d planner.Date) string {
	switch {
	case d.IsZero():
		return "-"
	case !p.AsOf.Time().Before(d.Time()):
		return "now"
	}
	return d.String()
}

// writeGrowth writes what becomes of the plan from year to year.
func writeGrowth(b *strings.Builder, e *planner.Estimate, t Terminal) {
	g := grid{name: "GROWTH", columns: []column{
		{},
		{title: "peak", right: true},
		{title: "capacity", right: true},
		{title: "infrastructure", right: true, spare: 3},
		{title: "providers", right: true, spare: 2},
		{title: "a month", right: true, spare: 1},
		{title: "breaks", wraps: true},
	}}
	for _, y := range e.Growth {
		capacity := one(units.PerSecond, y.CapacityAfter)
		if y.CapacityAfter < y.Peak {
			capacity = t.Bad(capacity + " short")
		}
		g.row(yearLabel(y), one(units.PerSecond, y.Peak), capacity,
			one(units.DollarsPerMonth, y.Cost.Infrastructure()), one(units.DollarsPerMonth, y.Cost.Providers),
			one(units.DollarsPerMonth, y.Cost.Total()), broken(y))
	}
	b.WriteString("\n")
	g.write(b, t)
	writeNote(b, growthNote, t)
	writeSteps(b, e, t)
}

// growthNote says what a year's cost is of, which is more than the bill where
// the plan has too little.
const growthNote = "a month with every part as large as its demand needs it, or as planned if that is larger"

// yearLabel names a year of growth.
func yearLabel(y planner.GrowthYear) string {
	if y.Year == 0 {
		return "today"
	}
	return "in " + counted(y.Year, "year")
}

// broken names what breaks in a year.
func broken(y planner.GrowthYear) string {
	if len(y.Breaks) == 0 {
		return "nothing"
	}
	return strings.Join(mapped(y.Breaks, func(k planner.Break) string { return k.Title }), ", ")
}

// writeSteps writes the steps that the plan takes to meet its growth.
func writeSteps(b *strings.Builder, e *planner.Estimate, t Terminal) {
	g := grid{name: "STEPS", columns: []column{
		{},
		{title: "capacity", right: true},
		{title: "stated cost", right: true, spare: 1},
		{title: "enough until"},
		{title: "needed by"},
	}}
	for _, s := range e.Steps {
		lasts := "the end"
		if !s.Lasts.IsZero() {
			lasts = s.Lasts.String()
		}
		cost := "-"
		if s.Cost.High > 0 {
			cost = units.Humanize(units.DollarsPerMonth, s.Cost.Range)
		}
		needed := breakDay(e.Plan, s.Needed)
		if s.Late() {
			needed = t.Bad(needed + ", late")
		}
		g.row(t.Text(string(s.At)), units.Humanize(units.PerSecond, s.Capacity.Range), cost, lasts, needed)
	}
	if len(g.rows) > 0 {
		b.WriteString("\n")
		g.write(b, t)
	}
}

// writeOutages writes what waits after a provider was away for a time, and how
// long until it is sent.
func writeOutages(b *strings.Builder, e *planner.Estimate, t Terminal) {
	g := grid{name: "OUTAGES", columns: []column{{}}}
	lengths := outageLengths(e)
	for i, length := range lengths {
		g.columns = append(g.columns, column{title: duration(length), right: true, spare: max(3-i, 0)})
	}
	g.columns = append(g.columns, column{title: "by the backup", right: true, spare: len(lengths)})
	for from := 0; from+len(lengths) <= len(e.Outages); from += len(lengths) {
		of := e.Outages[from : from+len(lengths)]
		cells := []string{outageLabel(of[0])}
		for _, o := range of {
			cells = append(cells, outageCell(o, t))
		}
		g.row(append(cells, "+"+one(units.DollarsPerMonth, of[len(of)-1].Extra))...)
	}
	b.WriteString("\n")
	g.write(b, t)
	writeNote(b, "what waits after a provider was away for so long, and until it is sent", t)
}

// writeNote writes what a table is of, below it.
func writeNote(b *strings.Builder, note string, t Terminal) {
	b.WriteString(t.dimLines(gridIndent+hanging(note, t.Width-len(gridIndent), len(gridIndent))) + "\n")
}

// outageLengths lists how long the outages last, each once; every channel has
// them in the same order.
func outageLengths(e *planner.Estimate) []float64 {
	var lengths []float64
	for _, o := range e.Outages {
		if len(lengths) > 0 && o.Seconds <= lengths[len(lengths)-1] {
			break
		}
		lengths = append(lengths, o.Seconds)
	}
	return lengths
}

// outageLabel names the channel of an outage, and when it happens.
func outageLabel(o planner.Outage) string {
	if o.AtPeak {
		return o.Channel + ", peak"
	}
	return o.Channel + ", average"
}

// outageCell writes one outage: the backlog, and the time until it is sent.
func outageCell(o planner.Outage, t Terminal) string {
	if o.Backlog == 0 && o.Expired == 0 {
		return "nothing"
	}
	text := brief(o.Backlog) + ", " + duration(o.Drain)
	if !o.Drains {
		text = t.Bad(brief(o.Backlog) + ", never")
	}
	return text
}

// duration writes a time for reading.
func duration(seconds float64) string {
	return units.Humanize(units.Seconds, units.Exactly(seconds))
}

// brief writes a large number in three digits: 5.4M.
func brief(v float64) string {
	for _, s := range []struct {
		from float64
		sign string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e4, "K"}} {
		if v >= s.from {
			scale := s.from
			if s.sign == "K" {
				scale = 1e3
			}
			return units.Humanize(units.Scalar, units.Exactly(v/scale)) + s.sign
		}
	}
	return units.Humanize(units.Scalar, units.Exactly(v))
}
