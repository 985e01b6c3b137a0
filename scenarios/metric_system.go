package scenarios

import (
	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
	"github.com/notifyctl/notifyctl/planner/catalog"
	"github.com/notifyctl/notifyctl/planner/units"
)

// endToEndMetrics are how long what was delivered took from its acceptance to its
// durable outcome, by when that was.
func endToEndMetrics() []metric {
	list := endToEnd("end_to_end", func(c *systemCounts) api.Histogram { return c.endToEnd.all() })
	for i, p := range pipeline.Priorities() {
		list = append(list, endToEnd("end_to_end."+p.String(), func(c *systemCounts) api.Histogram { return c.endToEnd[i] })...)
	}
	return append(list, isolation())
}

func endToEnd(name string, of func(*systemCounts) api.Histogram) []metric {
	var list []metric
	for _, q := range []struct {
		name string
		at   float64
	}{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}} {
		list = append(list, metric{
			name: name + "." + q.name, unit: "ms", limit: units.Seconds, factor: 1e3, by: bySystem, generated: true, provided: true,
			measure: seen(func(v *view) reading {
				h := of(v.system)
				if h.Count() == 0 {
					return reading{missing: "nothing of it was delivered"}
				}
				return reading{value: milliseconds(h.Quantile(q.at))}
			}),
		})
	}
	return list
}

// isolation is how much longer the high priority takes in a stage than before it.
func isolation() metric {
	return metric{name: "isolation.high", windowless: true, compares: true, unit: "ms", limit: units.Seconds, factor: 1e3, by: bySystem, generated: true, provided: true, measure: seen(func(v *view) reading {
		before, during := v.span.before.system.endToEnd[0], v.system.endToEnd[0]
		switch {
		case before.Count() == 0:
			return reading{missing: "nothing of the high priority was delivered before the stage, to compare with"}
		case during.Count() == 0:
			return reading{missing: "nothing of the high priority was delivered"}
		}
		return reading{value: milliseconds(during.Quantile(0.99) - before.Quantile(0.99))}
	})}
}

// queueMetrics are about what waits.
func queueMetrics() []metric {
	return []metric{
		{name: "queue.depth", limit: units.Whole, factor: 1, by: bySystem, provided: true, measure: seen(func(v *view) reading {
			return reading{value: float64(v.system.deepest)}
		})},
		{name: "queue.lag", unit: "ms", limit: units.Seconds, factor: 1e3, by: bySystem, provided: true, measure: seen(func(v *view) reading {
			return reading{value: milliseconds(v.system.oldest)}
		})},
		{name: "queue.final", limit: units.Whole, factor: 1, by: bySystem, provided: true, measure: seen(func(v *view) reading {
			return reading{value: float64(v.system.last.queue)}
		})},
		{name: "drain.time", windowless: true, unit: "ms", limit: units.Seconds, factor: 1e3, by: bySystem, provided: true, measure: seen(drainTime)},
	}
}

// drainTime is the time from the end of the load until nothing is in flight; of a
// stage, from its end until nothing that had been accepted by then waits.
func drainTime(v *view) reading {
	e := v.evidence
	c := e.course
	if v.span != c.whole && v.span.name != Drain {
		switch {
		case v.span.cleared > 0:
			return reading{value: milliseconds(v.span.cleared - v.span.to)}
		case c.at <= v.span.to:
			return reading{open: "the stage is not over"}
		}
		return reading{value: milliseconds(c.at - v.span.to), atLeast: true}
	}
	end := e.load.Elapsed
	switch {
	case !e.over && c.at <= c.whole.to:
		return reading{open: "the load is not over"}
	case c.held.holds:
		return reading{value: milliseconds(max(c.at-end, 0)), atLeast: true}
	}
	return reading{value: milliseconds(max(c.held.since-end, 0))}
}

// providerMetrics are about what providers were asked, and answered.
func providerMetrics() []metric {
	list := append(breakerMetrics("breaker", func(string) bool { return true }), breakerRecovery())
	for _, p := range catalog.Providers() {
		list = append(list, breakerMetrics("breaker."+p.Name, func(name string) bool { return name == p.Name })...)
	}
	return append(list,
		metric{name: "connections.share", unit: "%", limit: units.Ratio, factor: 100, by: bySystem, measure: seen(func(v *view) reading {
			if v.connections == 0 {
				return reading{missing: "the plan does not say how many connections a provider has"}
			}
			return reading{value: float64(v.system.connections) / float64(v.connections) * 100}
		})},
		metric{name: "failed_over", limit: units.Whole, factor: 1, by: bySystem, measure: seen(func(v *view) reading {
			return reading{value: float64(v.system.failedOver)}
		})},
		metric{name: "attempts", unit: "x", limit: units.Scalar, factor: 1, by: bySystem, measure: seen(func(v *view) reading {
			if v.system.delivered == 0 {
				return reading{missing: "nothing was delivered"}
			}
			return reading{value: float64(v.system.entries) / float64(v.system.delivered)}
		})})
}

// breakerMetrics are how often breakers opened and closed, of some providers.
func breakerMetrics(name string, of func(provider string) bool) []metric {
	times := func(v *view) (sum switches) {
		for provider, s := range v.system.breakers {
			if of(provider) {
				sum = sum.plus(s)
			}
		}
		return sum
	}
	return []metric{
		{name: name + ".opened", limit: units.Whole, factor: 1, by: bySystem, measure: seen(func(v *view) reading {
			return reading{value: float64(times(v).opened)}
		})},
		{name: name + ".closed", limit: units.Whole, factor: 1, by: bySystem, measure: seen(func(v *view) reading {
			return reading{value: float64(times(v).closed)}
		})},
	}
}

// breakerRecovery is the time from the end of the last fault until all breakers
// are closed.
func breakerRecovery() metric {
	return metric{name: "breaker.recovery", windowless: true, unit: "ms", limit: units.Seconds, factor: 1e3, by: bySystem, measure: seen(func(v *view) reading {
		e := v.evidence
		end, ok := e.marks.lastEnd(FaultMark)
		open := e.course.open
		switch {
		case !ok:
			return reading{open: "no fault is over"}
		case open.since == 0:
			return reading{open: "no breaker opened, although there was a fault"}
		case open.holds:
			return reading{value: milliseconds(max(e.course.at-end, 0)), atLeast: true}
		}
		return reading{value: milliseconds(max(open.since-end, 0))}
	})}
}

// resourceMetrics are about pools, caches, memory and the processor.
func resourceMetrics() []metric {
	list := []metric{
		{name: "workers.busy", unit: "%", limit: units.Ratio, factor: 100, by: bySystem, measure: seen(busiestPool)},
		{name: "workers.rate", unit: "/s", limit: units.PerSecond, factor: 1, by: bySystem, provided: true, measure: seen(callRate)},
		{name: "memory.rss", unit: "bytes", limit: units.ByteSize, factor: 1, by: bySystem, measure: seen(func(v *view) reading {
			if v.system.last.rss == nil {
				return reading{missing: "the system cannot tell its resident memory"}
			}
			return reading{value: float64(v.system.rss)}
		})},
		{name: "cpu", unit: "us", limit: units.Seconds, factor: 1e6, by: bySystem, measure: seen(func(v *view) reading {
			if v.system.accepted == 0 {
				return reading{missing: "nothing was accepted"}
			}
			return reading{value: v.system.cpuSeconds * 1e6 / float64(v.system.accepted)}
		})},
	}
	for _, name := range cacheNames() {
		list = append(list, metric{name: "cache." + name + ".hit_ratio", unit: "%", limit: units.Ratio, factor: 100, by: bySystem, measure: seen(func(v *view) reading {
			l, ok := v.system.caches[name]
			switch {
			case !ok:
				return reading{missing: "the system has no cache of that name"}
			case l.hits+l.misses == 0:
				return reading{missing: "the cache was not asked"}
			}
			return reading{value: l.ratio() * 100}
		})})
	}
	return list
}

// callRate is how many notifications a second one worker sends, of the time
// that it waits for providers: one is a call in flight.
func callRate(v *view) reading {
	if v.system.calling == 0 {
		return reading{missing: "no provider was called"}
	}
	return reading{value: float64(v.system.entries) / v.system.calling.Seconds()}
}

// busiestPool is the share of the workers that were busy, of the pool where it is
// highest, averaged over the answers.
func busiestPool(v *view) reading {
	most := -1.0
	for _, p := range v.system.pools {
		if p.running > 0 {
			most = max(most, float64(p.busy)/float64(p.running))
		}
	}
	if most < 0 {
		return reading{missing: "no workers run"}
	}
	return reading{value: most * 100}
}

// cacheNames are the system's caches.
func cacheNames() []string {
	return []string{telemetry.CachePreferencesL1, telemetry.CachePreferencesL2, "addresses", "templates"}
}
