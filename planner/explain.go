package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

// An Explanation is the way a value came about: a figure with its formula and
// what it was computed from, down to the plan's keys.
type Explanation struct {
	ID      string        `json:"id"`
	Title   string        `json:"title,omitempty"`   // of a figure or a price
	Value   string        `json:"value"`             // for reading; of a key or a price, as a plan writes it
	Formula string        `json:"formula,omitempty"` // of a figure
	Numbers string        `json:"numbers,omitempty"` // the formula with the inputs' values in place of their ids
	Source  string        `json:"source,omitempty"`  // of a key: where it was written; of a price: its page, day and confidence
	Stated  string        `json:"stated,omitempty"`  // what the plan claims of a figure
	Inputs  []Explanation `json:"inputs,omitempty"`
	// Repeated marks a figure whose explanation stands further up already.
	Repeated bool `json:"repeated,omitempty"`
}

// An UnknownFigureError is a question about an id that is neither a figure nor
// a number of the plan.
type UnknownFigureError struct {
	ID      string
	Nearest string // the id that was most likely meant, "" for none
}

// Error says what was asked, and what was probably meant.
func (e *UnknownFigureError) Error() string {
	if e.Nearest == "" {
		return fmt.Sprintf("%s is neither a figure nor a number of the plan", yamldoc.Quote(e.ID))
	}
	return fmt.Sprintf("%s is neither a figure nor a number of the plan; did you mean %s?", yamldoc.Quote(e.ID), e.Nearest)
}

// Explain shows how a figure came about, or where a number of the plan was
// written. The error is an [*UnknownFigureError].
func (e *Estimate) Explain(id string) (Explanation, error) {
	x := explainer{estimate: e, leaves: make(map[string]leaf), explained: make(map[string]bool)}
	for _, l := range e.Plan.leaves() {
		x.leaves[l.path] = l
	}
	if d, ok := e.Figure(id); ok {
		return x.figure(d), nil
	}
	if l, ok := x.leaves[id]; ok {
		return x.key(l), nil
	}
	if slices.Contains(e.prices(), id) {
		return x.price(id), nil
	}
	var known []string
	for _, d := range e.Figures {
		known = append(known, d.ID)
	}
	for _, l := range e.Plan.leaves() {
		known = append(known, l.path)
	}
	known = append(known, e.prices()...)
	return Explanation{}, &UnknownFigureError{ID: id, Nearest: yamldoc.Nearest(id, known)}
}

// An explainer builds one explanation and explains each figure in it once.
type explainer struct {
	estimate  *Estimate
	leaves    map[string]leaf
	explained map[string]bool
}

// figure explains a figure and everything below it.
func (x *explainer) figure(d Derived) Explanation {
	e := Explanation{ID: d.ID, Title: d.Title, Value: units.Humanize(d.Unit, d.Range)}
	if x.explained[d.ID] {
		e.Repeated = true
		return e
	}
	x.explained[d.ID] = true
	if d.Stated != nil {
		e.Stated = units.Humanize(d.Unit, *d.Stated)
	}
	values := make(map[string]string)
	for _, in := range d.Inputs {
		below := x.input(in)
		values[in.ID] = below.Value
		e.Inputs = append(e.Inputs, below)
	}
	e.Formula, e.Numbers = d.Formula, substitute(d.Formula, values)
	return e
}

// input explains what a figure is computed from.
func (x *explainer) input(in Input) Explanation {
	switch in.From {
	case FromKey:
		return x.key(x.leaves[in.ID])
	case FromPrice:
		return x.price(in.ID)
	}
	d, ok := x.estimate.Figure(in.ID)
	if !ok {
		panic("BUG: planner: an estimate lacks the input " + in.ID)
	}
	return x.figure(d)
}

// key explains a number of the plan: as a plan writes it, and where.
func (x *explainer) key(l leaf) Explanation {
	return Explanation{
		ID: l.path, Value: units.Format(l.unit, l.value),
		Source: x.estimate.Plan.Source(l.path).String(),
	}
}

// price explains a price of the book: for one of what, where it was read, when,
// and how far it can be trusted.
func (x *explainer) price(id string) Explanation {
	p, r, err := x.estimate.Plan.book.price(id)
	if err != nil {
		panic("BUG: planner: an estimate lacks the price " + id)
	}
	unit, _ := x.estimate.Plan.book.quantity(id)
	value := units.Format(unit, r)
	if unit == units.Dollars {
		value += "/" + string(p.Unit)
	}
	return Explanation{
		ID: id, Title: p.Title, Value: value,
		Source: fmt.Sprintf("%s, %s, %s confidence", p.Source, DateOf(p.AsOf), p.Confidence),
	}
}

// prices lists the prices that the estimate is computed from.
func (e *Estimate) prices() []string {
	figures := make([]Figure, len(e.Figures))
	for i, d := range e.Figures {
		figures[i] = d.Figure
	}
	return pricesOf(figures)
}

// substitute puts values in the place of the ids in a formula. Words are set
// apart by spaces, brackets and commas.
func substitute(formula string, values map[string]string) string {
	var b strings.Builder
	rest := formula
	for rest != "" {
		end := strings.IndexAny(rest, " (),")
		if end < 0 {
			end = len(rest)
		}
		word := rest[:end]
		if value, ok := values[word]; ok {
			word = value
		}
		b.WriteString(word)
		if end < len(rest) {
			b.WriteByte(rest[end])
			end++
		}
		rest = rest[end:]
	}
	return b.String()
}
