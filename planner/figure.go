package planner

import (
	"slices"

	"github.com/notifyctl/notifyctl/planner/units"
)

// A Figure is one number that follows from a plan: what it is, and how it is
// computed.
//
// A function sees single values in the order of Inputs, and must rise or fall
// with each of them as that input declares. So one function serves every
// reading: the bounds of a range are the function at the ends of its inputs
// that make it least and greatest, and a sample is the function at a sample.
type Figure struct {
	ID      string
	Title   string
	Unit    units.Unit
	Safe    End    // the end of a range to plan by
	Stated  string // the key by which the plan gives its own number of it, "" for none
	Formula string // in words, naming every input by its id
	Inputs  []Input
	Compute func(in []float64) float64
}

// An End is one end of a range.
type End uint8

// The ends. Of what is needed, the high end is safe; of what can be borne, the
// low one.
const (
	High End = iota
	Low
)

// Of gives that end of a range.
func (e End) Of(r units.Range) float64 {
	if e == Low {
		return r.Low
	}
	return r.High
}

// An Input is what a figure is computed from.
type Input struct {
	ID    string
	From  Origin // an id may name both a key and a figure
	Falls bool   // the figure falls as this input rises
}

// An Origin says where an input's value comes from.
type Origin uint8

// The origins of inputs.
const (
	FromFigure Origin = iota
	FromKey           // of the plan
	FromPrice         // of the price book; the id is that of the book
)

// figures lists every figure, in the order reports show them. Which figures
// there are, their units and what is said of them do not depend on a plan's
// choices; the formula of a figure may.
func figures(c choices) []Figure {
	return slices.Concat(
		envelope(), spikeFigures(),
		gatewayFigures(), serviceFigures(), kafkaFigures(),
		workerFigures(c), providerFigures(c), recoveryFigures(c),
		postgresFigures(c), cassandraFigures(), redisFigures(), preferenceFigures(c),
		growthFigures(), costFigures(c), failoverFigures(c),
	)
}

// FigureIDs lists the ids of all figures.
func FigureIDs() []string {
	var ids []string
	for _, f := range figures(choices{}) {
		ids = append(ids, f.ID)
	}
	return ids
}

// key is a key of the plan that the figure rises with.
func key(path string) Input { return Input{ID: path, From: FromKey} }

// price is a price of the book that the figure rises with.
func price(id string) Input { return Input{ID: id, From: FromPrice} }

// figure is another figure that the figure rises with.
func figure(id string) Input { return Input{ID: id} }

// falling turns the input's direction: the figure falls as it rises.
func (in Input) falling() Input {
	in.Falls = true
	return in
}

// product is the function of a figure that multiplies its inputs.
func product(in []float64) float64 {
	v := 1.0
	for _, x := range in {
		v *= x
	}
	return v
}
