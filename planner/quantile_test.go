package planner

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The quantiles are those that sorting finds, whatever repeats or is in order.
func TestQuantilesAreThoseOfSortedValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		distinct := rapid.IntRange(1, 1000).Draw(t, "distinct")
		values := rapid.SliceOfN(rapid.Map(rapid.IntRange(1, distinct), func(i int) float64 { return float64(i) }), 1, 2000).Draw(t, "values")
		switch rapid.IntRange(0, 2).Draw(t, "order") {
		case 1:
			slices.Sort(values)
		case 2:
			slices.Sort(values)
			slices.Reverse(values)
		}
		sorted := slices.Sorted(slices.Values(values))
		at := func(tenths int) float64 { return sorted[(tenths*len(sorted)+9)/10-1] }
		if got, want := quantilesOf(values), (Quantiles{P10: at(1), P50: at(5), P90: at(9)}); got != want {
			t.Fatalf("quantiles %+v, want %+v", got, want)
		}
		slices.Sort(values)
		if !slices.Equal(values, sorted) {
			t.Fatal("values were lost")
		}
	})
}
