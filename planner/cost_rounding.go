package planner

import (
	"math"
	"slices"
)

// A Bill is the cost lines of a month in whole dollars, rounded so that what is
// shown adds up: the lines to their component, the components to infrastructure
// and providers, and those to the total.
type Bill struct {
	Lines          []float64 // of each [CostLine], in their order
	Components     []BillComponent
	Infrastructure float64
	Providers      float64
	Total          float64
}

// A BillComponent is what one component costs.
type BillComponent struct {
	Component string
	Provider  bool
	Dollars   float64
}

// NewBill rounds cost lines to whole dollars. The total is the nearest; a line
// is the dollar below or above its cost, the latter for those with the largest
// fractions.
func NewBill(lines []CostLine) Bill {
	var b Bill
	amounts := make([]float64, len(lines))
	for i, line := range lines {
		amounts[i] = line.Monthly
	}
	b.Lines = wholeDollars(amounts)
	for i, line := range lines {
		dollars := b.Lines[i]
		if line.Provider {
			b.Providers += dollars
		} else {
			b.Infrastructure += dollars
		}
		at := slices.IndexFunc(b.Components, func(c BillComponent) bool { return c.Component == line.Component })
		if at < 0 {
			at = len(b.Components)
			b.Components = append(b.Components, BillComponent{Component: line.Component, Provider: line.Provider})
		}
		b.Components[at].Dollars += dollars
	}
	b.Total = b.Infrastructure + b.Providers
	return b
}

// wholeDollars rounds amounts by largest remainder: each down, then those with
// the largest fractions up until the sum is the rounded sum.
func wholeDollars(amounts []float64) []float64 {
	rounded := make([]float64, len(amounts))
	order := make([]int, len(amounts))
	var fractions float64
	for i, amount := range amounts {
		rounded[i], order[i] = math.Floor(amount), i
		fractions += amount - rounded[i]
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch fa, fb := amounts[a]-rounded[a], amounts[b]-rounded[b]; {
		case fa > fb:
			return -1
		case fa < fb:
			return 1
		}
		return 0
	})
	for _, i := range order[:int(math.Round(fractions))] {
		rounded[i]++
	}
	return rounded
}
