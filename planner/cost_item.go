package planner

import (
	"slices"
	"strings"

	"github.com/notifyctl/notifyctl/planner/pricing"
	"github.com/notifyctl/notifyctl/planner/units"
)

// A costItem is what one line of the bill is for. The quantity is a product of
// figures and keys: of what the plan has, since that is what is paid for, and
// beside it of what is needed.
type costItem struct {
	component, item string
	title           string
	planned         []Input
	needed          []Input // nil where need and plan are the same
	measure         measure
	price           priceUse
	included        string // in what, where it costs nothing of its own
	provider        bool   // of a provider's bill, not of the infrastructure's
	channel         string // whose sends the provider charges
	machines        bool   // which a commitment makes cheaper
}

// A measure turns a quantity into the unit that it is charged by.
type measure struct {
	factor float64
	text   string // behind the quantity in a formula
}

// The measures. A gigabyte of a bill is 2^30 bytes, as cloud vendors count.
func each() measure      { return measure{1, ""} }
func hours() measure     { return measure{pricing.HoursPerMonth, " x 730 h"} }
func gigabytes() measure { return measure{1.0 / (1 << 30), " / 1 GiB"} }

// id gives the id of the item's figure.
func (it costItem) id() string { return "cost." + it.component + "." + it.item }

// figures lists what the item costs: as planned and, where that is another size,
// as needed.
func (it costItem) figures(c choices) []Figure {
	all := []Figure{it.figure(c, it.id(), it.title, it.planned)}
	if it.needed != nil {
		all = append(all, it.figure(c, it.id()+".needed", it.title+", at the size that is needed", it.needed))
	}
	return all
}

// neededID gives the id of the figure of what the item costs at the size that is
// needed.
func (it costItem) neededID() string {
	if it.needed != nil {
		return it.id() + ".needed"
	}
	return it.id()
}

// figure is what a quantity of the item costs a month, by the tiers of its
// price. Each tier's price holds for the units within it alone.
func (it costItem) figure(c choices, id, title string, quantity []Input) Figure {
	f := Figure{ID: id, Title: title + " a month", Unit: units.DollarsPerMonth}
	if it.included != "" {
		f.Formula, f.Compute = "0, since it is in the price of "+it.included, func([]float64) float64 { return 0 }
		return f
	}
	tiers := c.prices.tariff(it.price)
	n := len(quantity)
	f.Formula = quantityText(quantity) + it.measure.text + " x " + tariffText(tiers)
	f.Inputs = slices.Clone(quantity)
	for _, tier := range tiers {
		f.Inputs = append(f.Inputs, price(tier.ID))
	}
	f.Compute = func(in []float64) float64 {
		cost := 0.0
		for i, part := range pricing.Split(it.measure.factor*product(in[:n]), tiers) {
			cost += part * in[n+i]
		}
		return cost
	}
	return f
}

// quantityText writes a product of inputs.
func quantityText(quantity []Input) string {
	ids := make([]string, len(quantity))
	for i, in := range quantity {
		ids[i] = in.ID
	}
	return strings.Join(ids, " x ")
}

// tariffText writes the tiers of a price, and where each ends.
func tariffText(tiers []pricing.Price) string {
	if len(tiers) == 1 {
		return tiers[0].ID
	}
	var parts []string
	for i, tier := range tiers {
		bound := "above"
		if i+1 < len(tiers) {
			bound = "to " + units.Humanize(units.Whole, units.Exactly(tiers[i+1].From))
		}
		parts = append(parts, tier.ID+" "+bound)
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// line is the item's line of the bill. Of ranges, it takes the high ends.
func (it costItem) line(c choices, v *valuation) CostLine {
	quantity, tiers := v.quantity(it), c.prices.tariff(it.price)
	line := CostLine{
		Component: it.component, Item: it.title, Figure: it.id(), Provider: it.provider,
		Quantity: quantity, Unit: string(it.price.unit), UnitPrice: v.averagePrice(it, c.prices),
		Monthly: v.rangeOf(figure(it.id())).High,
	}
	for i, part := range pricing.Split(quantity, tiers) {
		if part > 0 || i == 0 {
			line.source(tiers[i])
		}
	}
	return line
}

// quantity is how much of an item is planned, in the unit that it is charged by.
// Of ranges, it takes the high ends.
func (v *valuation) quantity(it costItem) float64 {
	quantity := it.measure.factor
	for _, in := range it.planned {
		quantity *= v.rangeOf(in).High
	}
	return quantity
}

// averagePrice is what one unit of an item costs at that quantity.
func (v *valuation) averagePrice(it costItem, b *priceBook) float64 {
	tiers, quantity := b.tariff(it.price), v.quantity(it)
	if len(tiers) == 1 || quantity <= 0 {
		return tiers[0].Value
	}
	return pricing.Tiered(quantity, tiers) / quantity
}

// source notes a price that a line is charged by: of several, the least
// confidence and the earliest day.
func (l *CostLine) source(p pricing.Price) {
	day := DateOf(p.AsOf)
	switch {
	case l.Source == "":
		l.Source, l.Confidence, l.AsOf = p.Source, string(p.Confidence), day
		return
	case !strings.Contains(l.Source, p.Source):
		l.Source += "; " + p.Source
	}
	degrees := pricing.Confidences()
	if slices.Index(degrees, p.Confidence) > slices.Index(degrees, pricing.Confidence(l.Confidence)) {
		l.Confidence = string(p.Confidence)
	}
	if day.before(l.AsOf) {
		l.AsOf = day
	}
}
