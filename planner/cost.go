package planner

import (
	"slices"

	"github.com/notifyctl/notifyctl/planner/units"
)

// A CostLine is one line of the bill for a month. Of ranges, its numbers are the
// high ends.
type CostLine struct {
	Component  string
	Item       string
	Figure     string // the id of what it costs
	Quantity   float64
	Unit       string  // of the quantity and of the price: "instance-hour", "GB-month", "segment"
	UnitPrice  float64 // US dollars; of a tariff with tiers, on average over the quantity
	Monthly    float64 // US dollars; a component's lines, added in their order, are its figure
	Confidence string  // of the price: high, medium, low
	Source     string  // of the price
	AsOf       Date    // of the price
	Provider   bool    // of a provider's bill, not of the infrastructure's
}

// costFigures lists what the system costs a month.
func costFigures(c choices) []Figure {
	items := costItems(c)
	all := quantityFigures(c)
	for _, it := range items {
		all = append(all, it.figures(c)...)
	}
	return slices.Concat(all, costTotals(items), unitCosts(c), savingFigures(c))
}

// costTotals lists the sums of the bill: of each component, of the
// infrastructure, of the providers, and of all. Of the infrastructure there is
// also what it costs at the size that is needed all day.
func costTotals(items []costItem) []Figure {
	var all []Figure
	var infrastructure, needed []string
	for _, name := range componentsOf(items) {
		var ids, neededIDs []string
		resized := false
		for _, it := range items {
			if it.component == name {
				ids, neededIDs = append(ids, it.id()), append(neededIDs, it.neededID())
				resized = resized || it.needed != nil
			}
		}
		id := "cost." + name
		all = append(all, costSum(id, name+" a month", ids))
		if name == "providers" {
			continue
		}
		infrastructure = append(infrastructure, id)
		if resized {
			id += ".needed"
			all = append(all, costSum(id, name+" a month, at the size that is needed", neededIDs))
		}
		needed = append(needed, id)
	}
	return append(all,
		costSum("cost.infrastructure", "infrastructure a month", infrastructure),
		costSum("cost.infrastructure.needed", "infrastructure a month, at the size that is needed", needed),
		costSum("cost.total", "all of it a month", []string{"cost.infrastructure", "cost.providers"}),
	)
}

// componentsOf lists the components of items in their order.
func componentsOf(items []costItem) []string {
	var names []string
	for _, it := range items {
		if !slices.Contains(names, it.component) {
			names = append(names, it.component)
		}
	}
	return names
}

// costSum is the figure that adds costs up.
func costSum(id, title string, ids []string) Figure {
	f := Figure{ID: id, Title: title, Unit: units.DollarsPerMonth, Compute: addition}
	for i, part := range ids {
		if i > 0 {
			f.Formula += " + "
		}
		f.Formula += part
		f.Inputs = append(f.Inputs, figure(part))
	}
	return f
}

// bill gives the lines of the bill of a plan.
func (v *valuation) bill(c choices) []CostLine {
	var lines []CostLine
	for _, it := range costItems(c) {
		if it.included == "" {
			lines = append(lines, it.line(c, v))
		}
	}
	return lines
}

// pricesUsed lists every price that figures are computed from.
func pricesUsed(c choices) []priceUse {
	var uses []priceUse
	for _, it := range slices.Concat(costItems(c), undeliveredItems(c), savingItems(c)) {
		if it.included == "" {
			uses = append(uses, it.price)
		}
	}
	return append(uses, commitment(c))
}

// pricesOf lists the prices that figures are computed from, each once.
func pricesOf(figures []Figure) []string {
	var ids []string
	seen := make(map[string]bool)
	for _, f := range figures {
		for _, in := range f.Inputs {
			if in.From == FromPrice && !seen[in.ID] {
				seen[in.ID] = true
				ids = append(ids, in.ID)
			}
		}
	}
	return ids
}
