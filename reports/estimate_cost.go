package reports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/units"
)

// A costRow is one row of the bill, in US dollars. What a column does not have
// is nil.
type costRow struct {
	label                            string
	infrastructure, providers, total *float64
	write                            func(v float64) string
}

// costRows gives the bill of a month: the sum and what it comes to for a million
// notifications, then the components and the providers' charges, which add up to
// the sum. Of ranges, they are the high ends.
func costRows(e *planner.Estimate) []costRow {
	bill := planner.NewBill(e.Costs)
	rows := []costRow{
		{"all of it", &bill.Infrastructure, &bill.Providers, &bill.Total, dollars},
		{"a million", high(e, "cost.per_million.infrastructure"), high(e, "cost.per_million.providers"), high(e, "cost.per_million"), cents},
	}
	for _, c := range bill.Components {
		if !c.Provider {
			rows = append(rows, costRow{label: c.Component, infrastructure: &c.Dollars, total: &c.Dollars, write: dollars})
		}
	}
	for i, line := range e.Costs {
		if line.Provider {
			rows = append(rows, costRow{label: line.Item, providers: &bill.Lines[i], total: &bill.Lines[i], write: dollars})
		}
	}
	return rows
}

// high gives the high end of a figure.
func high(e *planner.Estimate, id string) *float64 {
	v := figureNamed(e, id).Range.High
	return &v
}

// atMost says that a bill shows the high ends of what may be more or less.
func atMost(e *planner.Estimate) string {
	if figureNamed(e, "cost.total").Range.Exact() {
		return ""
	}
	return ", at most"
}

// narrowBill is the width below which the bill's titles are cut short.
const narrowBill = 60

// writeCost writes the bill of a month, what one notification costs of it, and
// what is stated and what is needed beside what is planned.
func writeCost(b *strings.Builder, e *planner.Estimate, t Terminal) {
	g := grid{name: "COST a month" + atMost(e), columns: []column{
		{}, {title: "infrastructure", right: true}, {title: "providers", right: true}, {title: "total", right: true},
	}}
	if t.Width > 0 && t.Width < narrowBill {
		g.name, g.columns[1].title = "COST", "infra"
	}
	for i, r := range costRows(e) {
		total := r.money(r.total)
		if i == 0 {
			total = t.Strong(total)
		}
		g.row(r.label, r.money(r.infrastructure), r.money(r.providers), total)
	}
	b.WriteString("\n")
	g.write(b, t)
	for _, r := range costNotes() {
		writeRow(b, e, r, t)
	}
	writeSegments(b, label("stated"), statedCosts(e), t)
	writeSegments(b, label("prices"), []string{t.Dim(oldestPrices(e))}, t)
}

// costNotes lists what stands below the bill, and in which words.
func costNotes() []row {
	return []row{
		pieceCosts(),
		{"as needed", []segment{{"", "cost.infrastructure.needed", "of infrastructure, at the size that the design rate needs"}}},
		{"savings", []segment{
			{"batching", "savings.batching.of_infrastructure", ""},
			{"cold storage", "savings.cold_storage.of_infrastructure", ""},
			{"reserved", "savings.reserved.of_infrastructure", ""},
			{"together", "savings.combined.of_infrastructure", "of the infrastructure"},
			{"", "savings.combined.of_total", "of all"},
		}},
	}
}

// money writes an amount of the row, nil as nothing.
func (r costRow) money(v *float64) string {
	if v == nil {
		return ""
	}
	return r.write(*v)
}

// dollars writes whole US dollars.
func dollars(v float64) string { return "$" + one(units.Whole, v) }

// cents writes US dollars to the cent.
func cents(v float64) string { return one(units.Dollars, v) }

// pieceCosts is the row of what one notification costs.
func pieceCosts() row {
	return row{"a notification", []segment{
		{"push", "cost.per_notification.push", ""},
		{"email", "cost.per_notification.email", ""},
		{"sms", "cost.per_notification.sms", ""},
		{"", "cost.per_delivered", "delivered"},
	}}
}

// statedCosts sets what the plan states that its infrastructure costs against
// what its parts cost at that rate.
func statedCosts(e *planner.Estimate) []string {
	if len(e.Stated) == 0 {
		return []string{"nothing"}
	}
	var texts []string
	for _, s := range e.Stated {
		texts = append(texts, fmt.Sprintf("%s at %s, needs %s",
			one(units.DollarsPerMonth, s.Stated), one(units.PerSecond, s.Rate), one(units.DollarsPerMonth, s.Derived)))
	}
	return texts
}

// oldestPrices says from which days the bill's prices are, and how many of its
// lines rest on one of low confidence.
func oldestPrices(e *planner.Estimate) string {
	byDay := func(a, b planner.CostLine) int { return a.AsOf.Time().Compare(b.AsOf.Time()) }
	low := 0
	for _, line := range e.Costs {
		if line.Confidence == "low" {
			low++
		}
	}
	return fmt.Sprintf("%s, of %s to %s, %d of low confidence", counted(len(e.Costs), "line"),
		slices.MinFunc(e.Costs, byDay).AsOf, slices.MaxFunc(e.Costs, byDay).AsOf, low)
}
