package scenarios

import (
	"fmt"

	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/scenarios/trend"
)

// slopeMetrics are how much measurements grow over a span, in % of their level at
// its start, with a 95 % interval.
func slopeMetrics() []metric {
	latency := growthOf("slope.latency", func(t *trends) *trend.Series { return &t.latency })
	latency.by, latency.apart, latency.generated = byClients, true, true
	latency.measure = measureGrowth(func(t *trends) *trend.Series { return &t.latency }) // which needs no word of the system
	return []metric{
		latency,
		growthOf("slope.heap", func(t *trends) *trend.Series { return &t.heap }),
		growthOf("slope.rss", func(t *trends) *trend.Series { return &t.rss }),
		growthOf("slope.goroutines", func(t *trends) *trend.Series { return &t.goroutines }),
		growthOf("slope.connections", func(t *trends) *trend.Series { return &t.connections }),
		{name: "slope.queue", windowless: true, unit: "%", limit: units.Ratio, factor: 100, by: bySystem, generated: true, provided: true, measure: seen(pilesUp)},
	}
}

func growthOf(name string, of func(*trends) *trend.Series) metric {
	return metric{name: name, windowless: true, unit: "%", limit: units.Ratio, factor: 100, by: bySystem, measure: seen(measureGrowth(of))}
}

// measureGrowth measures the growth over the span of the fitted line.
func measureGrowth(of func(*trends) *trend.Series) func(*view) reading {
	return func(v *view) reading {
		if v.span == nil {
			return reading{missing: "of several runs no slope can be put together"}
		}
		series := of(&v.span.trends)
		slope, ok := series.Slope()
		switch {
		case !ok:
			return tooFew(series)
		case slope.Start <= 0:
			return reading{missing: "it was nothing at the start, of which no growth is a share"}
		}
		return slopeReading(slope, slope.Seconds/slope.Start*100)
	}
}

// pilesUp is the share of what is accepted by which the queues grow.
func pilesUp(v *view) reading {
	series := &v.span.trends.queue
	slope, ok := series.Slope()
	switch {
	case !ok:
		return tooFew(series)
	case v.system.accepted == 0 || v.system.seconds == 0:
		return reading{missing: "nothing was accepted"}
	}
	return slopeReading(slope, v.system.seconds/float64(v.system.accepted)*100)
}

// tooFew says that there are not enough measurements for a slope.
func tooFew(s *trend.Series) reading {
	return reading{missing: fmt.Sprintf("%d measurements are too few for a slope, which takes %d, one a second", s.Len(), trend.Fewest)}
}

// slopeReading gives a slope in another unit.
func slopeReading(s trend.Slope, factor float64) reading {
	return reading{value: s.Rate * factor, interval: &confidence{low: s.Low * factor, high: s.High * factor}}
}
