package planner

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

// A Claim is what a design document states about a figure, or a choice that it
// names.
type Claim struct {
	ID    string
	Unit  units.Unit
	Value units.Range
	Names []string // the choices of a named statement, which has no value
}

// Claims are the claims of a plan, in its order.
type Claims []Claim

// Find gives the claim about a figure or of a named statement.
func (c Claims) Find(id string) (Claim, bool) {
	for _, claim := range c {
		if claim.ID == id {
			return claim, true
		}
	}
	return Claim{}, false
}

// claimedServices is the claim that figures are computed from: each
// notification service holds connections and a cache of its own, and a design
// that says how many there are means as many of those.
const claimedServices = "service.instances"

// serviceFleet gives how many notification services there are: as many as a
// plan claims, else as many as it needs.
func serviceFleet(c choices) Input {
	if c.servicesClaimed {
		return key("claims." + claimedServices)
	}
	return figure(claimedServices)
}

// leaves lists the claims that figures are computed from, by the keys that a
// plan writes them under. Of a range it is the high end that counts: more
// services hold more connections, and each sees fewer reads of a user.
func (c Claims) leaves() []leaf {
	claim, ok := c.Find(claimedServices)
	if !ok {
		return nil
	}
	return []leaf{{path: "claims." + claim.ID, unit: claim.Unit, value: units.Exactly(claim.Value.High)}}
}

// MarshalJSON writes the claims as a plan does: one object, in order.
func (c Claims) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	b.WriteByte('{')
	for i, claim := range c {
		if i > 0 {
			b.WriteByte(',')
		}
		var value any = claim.Names
		if claim.Names == nil {
			value = units.Format(claim.Unit, claim.Value)
		}
		text, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("writing the claim %s: %w", claim.ID, err)
		}
		fmt.Fprintf(&b, "%q:%s", claim.ID, text)
	}
	b.WriteByte('}')
	return []byte(b.String()), nil
}

// claims decodes the claims of a plan.
func (d *decoder) claims(path string, node ast.Node, into *Claims) {
	pairs, ok := yamldoc.Mapping(path, node, d.fault)
	if !ok {
		return
	}
	subjects := subjects()
	for _, pair := range pairs {
		d.claim(yamldoc.Join(path, pair.Key), pair.Key, pair.Token, pair.Value, subjects, into)
	}
}

// claim decodes one claim and puts it in the place of an earlier one.
func (d *decoder) claim(path, id string, key *token.Token, node ast.Node, subjects []subject, into *Claims) {
	about, ok := findSubject(id, subjects)
	if !ok {
		d.fault(key, path, "neither a figure nor a named statement%s", meant(id, idsOf(subjects)))
		return
	}
	claim := Claim{ID: id, Unit: about.unit}
	if about.names != nil {
		claim.Names, ok = d.names(path, node, about.names)
	} else {
		claim.Value, ok = d.claimed(path, node, about.unit)
	}
	if !ok {
		return
	}
	for i := range *into {
		if (*into)[i].ID == id {
			(*into)[i] = claim
			return
		}
	}
	*into = append(*into, claim)
}

// claimed decodes the value of a claim about a figure.
func (d *decoder) claimed(path string, node ast.Node, unit units.Unit) (units.Range, bool) {
	text, ok := d.text(path, node, unit.Describe())
	if !ok {
		return units.Range{}, false
	}
	r, err := units.Parse(text, unit)
	if err != nil {
		d.fault(node.GetToken(), path, "%v", err)
	}
	return r, err == nil
}

// names decodes the choices of a named statement: a word or a list of them.
func (d *decoder) names(path string, node ast.Node, known []string) ([]string, bool) {
	entries := []ast.Node{node}
	if list, ok := node.(*ast.SequenceNode); ok {
		entries = list.Values
	}
	names := make([]string, 0, len(entries))
	for _, entry := range entries {
		text, ok := d.text(path, entry, yamldoc.Listed(known))
		if !ok {
			return nil, false
		}
		if !slices.Contains(known, text) {
			d.fault(entry.GetToken(), path, "%s; accepted is %s%s", yamldoc.Quote(text), yamldoc.Listed(known), meant(text, known))
			return nil, false
		}
		names = append(names, text)
	}
	return names, true
}
