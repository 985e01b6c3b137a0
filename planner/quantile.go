package planner

import (
	"math/bits"
	"slices"
)

// Quantiles are the values that a tenth, half and nine tenths of the samples
// do not exceed.
type Quantiles struct{ P10, P50, P90 float64 }

// quantilesOf gives the quantiles of values, which it puts into another order.
// Each is one of the values, so that of whole things it is whole. Only those
// are put where sorting would put them: to sort the samples of every figure
// took more time than to draw them.
func quantilesOf(values []float64) Quantiles {
	ranks := []int{rank(0.1, len(values)), rank(0.5, len(values)), rank(0.9, len(values))}
	arrange(values, 0, slices.Compact(ranks), 2*bits.Len(uint(len(values))))
	return Quantiles{P10: values[rank(0.1, len(values))], P50: values[rank(0.5, len(values))], P90: values[rank(0.9, len(values))]}
}

// rank gives the place, from 0, of the first of n sorted values that a share q
// of them does not exceed.
func rank(q float64, n int) int { return max(int(wholes(q*float64(n))), 1) - 1 }

// arrange puts at each of the ranks, which are in order and count from a base,
// the value that sorting would put there: as quicksort does, but only where
// there is a rank. What is divided unevenly more often than the limit allows
// is sorted.
func arrange(values []float64, base int, ranks []int, limit int) {
	const few = 16
	for len(ranks) > 0 {
		if len(values) <= few || limit == 0 {
			slices.Sort(values)
			return
		}
		limit--
		middle := divide(values)
		at, _ := slices.BinarySearch(ranks, base+middle)
		arrange(values[:middle], base, ranks[:at], limit)
		values, base, ranks = values[middle:], base+middle, ranks[at:]
	}
}

// divide reorders at least two values so that none before the index that it
// gives is above one from it on, with values on both sides (Hoare's partition,
// about the median of three).
func divide(values []float64) int {
	last := len(values) - 1
	first, middle, end := values[0], values[last/2], values[last]
	pivot := max(min(first, middle), min(max(first, middle), end))
	i, j := -1, last+1
	for {
		i++
		for values[i] < pivot {
			i++
		}
		j--
		for values[j] > pivot {
			j--
		}
		if i >= j {
			return j + 1
		}
		values[i], values[j] = values[j], values[i]
	}
}
