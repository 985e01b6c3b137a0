package pricing

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

// An Override is a price that a plan gives itself, say one that was
// negotiated. It is exact, and trusted as its author's own.
type Override struct {
	Value float64 // US dollars for one unit; of a Fraction, the share taken off
	// Unit is needed for a price that the book lacks. Any other price keeps
	// its own, which it may repeat.
	Unit Unit
	// Source says where the price comes from; "" is the plan.
	Source string
	// Written is where the plan gives it, like "plan.yaml:14"; "" if unknown.
	Written string
	// AsOf is the day it was agreed or read; zero is the plan's own day.
	AsOf time.Time
}

// source is what the overriding price names as its source.
func (o Override) source() string {
	source := o.Source
	if source == "" {
		source = "the plan"
	}
	if o.Written != "" {
		source += " (" + o.Written + ")"
	}
	return source
}

// With gives a book with a plan's prices laid over this one's, by id. The
// sizes that are scaled from an overridden price follow it, a tier keeps its
// place, and the id of a whole tariff replaces its tiers by one price. day is
// the plan's own. The error is an [*yamldoc.InvalidError] whose keys start with
// "prices.overrides."; this book stays as it was.
func (b *Book) With(overrides map[string]Override, day time.Time) (*Book, error) {
	with := maps.Clone(b.written)
	var faults []yamldoc.Fault
	for _, id := range slices.Sorted(maps.Keys(overrides)) {
		o := overrides[id]
		if o.AsOf.IsZero() {
			o.AsOf = day
		}
		p, message := b.overridden(id, o)
		if _, whole := overrides[tariffOf(id)]; whole && p.tier {
			message = fmt.Sprintf("%s is given as a whole, too; give it or its tiers", tariffOf(id))
		}
		if message != "" {
			faults = append(faults, yamldoc.Fault{Key: "prices.overrides." + id, Message: message})
			continue
		}
		for _, tier := range b.tariffs[id] {
			delete(with, tier.ID)
		}
		with[id] = p
	}
	if err := yamldoc.Invalid(faults); err != nil {
		return nil, err
	}
	return newBook(b.Region, with), nil
}

// overridden gives the price that an override makes, or says what is wrong
// with it.
func (b *Book) overridden(id string, o Override) (Price, string) {
	p, known := b.current(id)
	switch {
	case !known && !isID(id):
		return Price{}, badID
	case !known && o.Unit == "":
		return Price{}, fmt.Sprintf("the book of %s has no such price%s; one of your own needs its unit: %s",
			b.Region, meant(id, b.known()), yamldoc.Listed(Units()))
	case !known:
		p = Price{ID: id, Title: id, Unit: o.Unit}
	case o.Unit != "" && o.Unit != p.Unit:
		return Price{}, fmt.Sprintf("the unit is %s and not %s; an override keeps it", p.Unit, yamldoc.Quote(string(o.Unit)))
	}
	if !slices.Contains(Units(), p.Unit) {
		return Price{}, fmt.Sprintf("unit %s; accepted is %s", yamldoc.Quote(string(p.Unit)), yamldoc.Listed(Units()))
	}
	if message := checkValue(o.Value, p.Unit); message != "" {
		return Price{}, message
	}
	p.Value, p.Low, p.High = o.Value, o.Value, o.Value
	p.Source, p.AsOf, p.Confidence, p.Note, p.Derived = o.source(), o.AsOf, High, "", ""
	return p, ""
}

// current gives the price that an override of an id starts from: the price
// itself, or of a tariff its first tier as the price of all.
func (b *Book) current(id string) (Price, bool) {
	if p, ok := b.prices[id]; ok {
		return p, true
	}
	tiers, ok := b.tariffs[id]
	if !ok {
		return Price{}, false
	}
	p := tiers[0]
	p.ID, p.Title, p.tier = id, id, false
	return p, true
}
