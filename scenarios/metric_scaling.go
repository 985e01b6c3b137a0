package scenarios

import (
	"time"

	"github.com/notifyctl/notifyctl/planner/units"
)

// scalingMetrics are about whether pools follow what their policies ask for.
func scalingMetrics() []metric {
	return []metric{
		{name: "scaling.asked", windowless: true, limit: units.Whole, factor: 1, by: bySystem, measure: seen(asked(func(counts map[string]scalingCounts) reading {
			n := 0
			for _, c := range counts {
				n += c.asked
			}
			return reading{value: float64(n)}
		}))},
		{name: "scaling.time", windowless: true, unit: "ms", limit: units.Seconds, factor: 1e3, by: bySystem, scaled: true, measure: seen(asked(scalingTime))},
		{name: "scaling.deviation", windowless: true, unit: "%", limit: units.Ratio, factor: 100, by: bySystem, measure: seen(asked(scalingDeviation))},
	}
}

// asked makes a measurement of groups of which any was asked to grow. Where none
// was, nothing can be told: no fast enough answer is proved by no question.
func asked(measure func(map[string]scalingCounts) reading) func(*view) reading {
	return func(v *view) reading {
		if len(v.system.scaling) == 0 {
			return reading{missing: "the system scales nothing"}
		}
		for _, c := range v.system.scaling {
			if c.asked > 0 || c.waiting {
				return measure(v.system.scaling)
			}
		}
		return reading{open: "no policy asked for more than there was"}
	}
}

// scalingTime is the longest that a group took from the first wish for more than
// ran until as many ran as were wished for.
func scalingTime(counts map[string]scalingCounts) reading {
	var longest time.Duration
	waiting := false
	for _, c := range counts {
		if c.waited > longest {
			longest, waiting = c.waited, c.waiting && c.since >= c.waited
		}
	}
	return reading{value: milliseconds(longest), atLeast: waiting}
}

// scalingDeviation is the share by which the group that differs most from its
// prediction does so, averaged over the looks.
func scalingDeviation(counts map[string]scalingCounts) reading {
	most := -1.0
	for _, c := range counts {
		if c.looks > 0 {
			most = max(most, c.off/float64(c.looks))
		}
	}
	if most < 0 {
		return reading{missing: "it was too short for a wish to show"}
	}
	return reading{value: most * 100}
}
