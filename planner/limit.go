package planner

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

// A Limit is a condition on a figure that must hold, like
// "cost.infrastructure <= $60K/month".
type Limit struct {
	Figure string
	Op     string // one of < <= >= >
	Unit   units.Unit
	Bound  float64
}

// String writes the limit as a plan does.
func (l Limit) String() string {
	return l.Figure + " " + l.Op + " " + units.Format(l.Unit, units.Exactly(l.Bound))
}

// MarshalText writes what [Limit.String] gives.
func (l Limit) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// Deciding gives the end of a range that decides whether the limit holds.
func (l Limit) Deciding(v units.Range) float64 {
	if l.Op == ">" || l.Op == ">=" {
		return v.Low
	}
	return v.High
}

// Holds reports whether the limit holds for a figure, wherever in its range
// the figure lies.
func (l Limit) Holds(v units.Range) bool {
	value := l.Deciding(v)
	switch l.Op {
	case "<":
		return value < l.Bound
	case "<=":
		return value <= l.Bound
	case ">=":
		return value >= l.Bound
	case ">":
		return value > l.Bound
	}
	panic("BUG: planner: a limit with the operator " + l.Op)
}

// parseLimit reads a limit on one of the subjects.
func parseLimit(text string, subjects []subject) (Limit, error) {
	const accepted = "accepted is FIGURE, one of < <= >= >, and a value, like cost.infrastructure <= $60K/month"
	at := strings.IndexAny(text, "<>")
	if at < 0 {
		return Limit{}, fmt.Errorf("%s has no comparison; %s", yamldoc.Quote(text), accepted)
	}
	l := Limit{Figure: strings.TrimSpace(text[:at]), Op: text[at : at+1]}
	bound := text[at+1:]
	if rest, ok := strings.CutPrefix(bound, "="); ok {
		l.Op, bound = l.Op+"=", rest
	}
	about, ok := findSubject(l.Figure, subjects)
	if !ok || about.names != nil {
		return Limit{}, fmt.Errorf("%s is no figure%s", yamldoc.Quote(l.Figure), meant(l.Figure, figuresAmong(subjects)))
	}
	l.Unit = about.unit
	r, err := units.Parse(bound, l.Unit)
	if err != nil {
		return Limit{}, err
	}
	if !r.Exact() {
		return Limit{}, fmt.Errorf("%s is a range; accepted is one value", yamldoc.Quote(strings.TrimSpace(bound)))
	}
	l.Bound = r.Low
	return l, nil
}

// limits decodes the list of limits.
func (d *decoder) limits(path string, node ast.Node, into *[]Limit) {
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		d.fault(node.GetToken(), path, "found %s; accepted is a list of conditions on figures", yamldoc.Found(node))
		return
	}
	d.sources[path] = d.source(node.GetToken())
	subjects := subjects()
	limits := make([]Limit, 0, len(list.Values))
	for i, entry := range list.Values {
		at := fmt.Sprintf("%s[%d]", path, i)
		text, ok := d.text(at, entry, "a condition on a figure")
		if !ok {
			continue
		}
		l, err := parseLimit(text, subjects)
		if err != nil {
			d.fault(entry.GetToken(), at, "%v", err)
			continue
		}
		limits = append(limits, l)
	}
	*into = limits
}
