package planner

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/notifyctl/notifyctl/planner/pricing"
	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

// An Override is a price that a plan gives itself, in place of the book's.
type Override struct {
	ID    string
	Unit  units.Unit // dollars, or a ratio for a discount
	Value units.Range
}

// Overrides are the prices that a plan gives itself, in its order.
type Overrides []Override

// MarshalJSON writes the prices as a plan does: one object, in order.
func (o Overrides) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	b.WriteByte('{')
	for i, override := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		id, err := json.Marshal(override.ID)
		if err != nil {
			return nil, fmt.Errorf("writing the price %s: %w", override.ID, err)
		}
		fmt.Fprintf(&b, "%s:%q", id, units.Format(override.Unit, override.Value))
	}
	b.WriteByte('}')
	return []byte(b.String()), nil
}

// overridesPath is the path that a plan's own prices stand under.
const overridesPath = "prices.overrides"

// overrides decodes the prices that a plan gives itself.
func (d *decoder) overrides(path string, node ast.Node, into *Overrides) {
	pairs, ok := yamldoc.Mapping(path, node, d.fault)
	if !ok {
		return
	}
	for _, pair := range pairs {
		d.override(yamldoc.Join(path, pair.Key), pair.Key, pair.Token, pair.Value, into)
	}
}

// override decodes one price and puts it in the place of an earlier one. What
// ends in a per cent sign is a discount.
func (d *decoder) override(path, id string, key *token.Token, node ast.Node, into *Overrides) {
	if node == nil || node.Type() == ast.NullType {
		d.fault(key, path, "no value; leave the key out to take the book's price")
		return
	}
	text, ok := d.text(path, node, units.Dollars.Describe())
	if !ok {
		return
	}
	override := Override{ID: id, Unit: units.Dollars}
	if strings.HasSuffix(text, "%") {
		override.Unit = units.Ratio
	}
	var err error
	if override.Value, err = units.Parse(text, override.Unit); err != nil {
		d.fault(node.GetToken(), path, "%v", err)
		return
	}
	for i := range *into {
		if (*into)[i].ID == id {
			(*into)[i] = override
			return
		}
	}
	*into = append(*into, override)
}

// overridden lays the plan's own prices over a book. One that the book lacks
// takes its unit from what needs it.
func (p *Plan) overridden(book *pricing.Book, uses []priceUse) (*priceBook, []yamldoc.Fault) {
	low, high := make(map[string]pricing.Override), make(map[string]pricing.Override)
	var faults []yamldoc.Fault
	for _, o := range p.Prices.Overrides {
		at := yamldoc.Join(overridesPath, o.ID)
		unit, message := overriddenUnit(book, uses, o)
		if message != "" {
			faults = append(faults, yamldoc.Fault{Source: p.sources[at], Key: at, Message: message})
			continue
		}
		written := p.sources[at].String()
		low[o.ID] = pricing.Override{Value: o.Value.Low, Unit: unit, Written: written}
		high[o.ID] = pricing.Override{Value: o.Value.High, Unit: unit, Written: written}
	}
	if len(faults) > 0 {
		return nil, faults
	}
	var with priceBook
	var err error
	if with.low, err = book.With(low, p.AsOf.t); err == nil {
		with.high, err = book.With(high, p.AsOf.t)
	}
	if err != nil {
		faults = yamldoc.FaultsOf(err)
		for i := range faults {
			faults[i].Source = p.sources[faults[i].Key]
		}
		return nil, faults
	}
	return &with, nil
}

// overriddenUnit gives the unit of the price that an override stands for, or
// says why there is none.
func overriddenUnit(book *pricing.Book, uses []priceUse, o Override) (pricing.Unit, string) {
	var unit pricing.Unit
	if tiers, err := book.Tariff(o.ID); err == nil {
		unit = tiers[0].Unit
	} else if p, err := book.Lookup(o.ID); err == nil {
		unit = p.Unit
	} else {
		known := make([]string, 0, len(uses))
		for _, use := range uses {
			known = append(known, use.id)
			if use.id == o.ID {
				unit = use.unit
			}
		}
		if unit == "" {
			for _, p := range book.Prices() {
				known = append(known, p.ID)
			}
			return "", "neither a price of the book of " + book.Region + " nor one that the plan needs" + meant(o.ID, known)
		}
	}
	discount, given := unit == pricing.Fraction, o.Unit == units.Ratio
	switch {
	case discount && !given:
		return "", "a discount; accepted is the share taken off, like 28%"
	case given && !discount:
		return "", fmt.Sprintf("a percentage; accepted is the price of one %s, like $0.0083", unit)
	}
	return unit, ""
}
