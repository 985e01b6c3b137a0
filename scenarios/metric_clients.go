package scenarios

import (
	"time"

	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

// clientMetrics are what the clients see.
func clientMetrics() []metric {
	var list []metric
	for _, q := range quantiles() {
		list = append(list,
			latencyMetric("latency."+q.name, q, func(c *clientView) load.Latency { return c.response }),
			latencyMetric("service_latency."+q.name, q, func(c *clientView) load.Latency { return c.service }))
	}
	return append(list,
		metric{name: "errors", unit: "ppm", limit: units.Ratio, factor: 1e6, measure: errorShare},
		metric{name: "achieved", unit: "%", limit: units.Ratio, factor: 100, generated: true, measure: func(v *view) reading {
			if v.clients.offered == 0 {
				return reading{missing: "nothing was due"}
			}
			return reading{value: v.clients.achieved() * 100}
		}},
		dropped(),
		counted("refused", func(c *clientView) uint64 { return c.refused }))
}

// dropped is what the generator shed, which is the system's fault only as far as
// it kept the generator waiting.
func dropped() metric {
	m := counted("dropped", func(c *clientView) uint64 { return c.dropped })
	m.generated = true
	return m
}

type quantile struct {
	name string
	of   func(load.Latency) time.Duration
}

func quantiles() []quantile {
	return []quantile{
		{"p50", func(l load.Latency) time.Duration { return l.P50 }},
		{"p90", func(l load.Latency) time.Duration { return l.P90 }},
		{"p95", func(l load.Latency) time.Duration { return l.P95 }},
		{"p99", func(l load.Latency) time.Duration { return l.P99 }},
		{"max", func(l load.Latency) time.Duration { return l.Max }},
	}
}

func latencyMetric(name string, q quantile, of func(*clientView) load.Latency) metric {
	measure := func(l load.Latency) reading {
		if l.Count == 0 {
			return reading{missing: "nothing was answered"}
		}
		return reading{value: milliseconds(q.of(l))}
	}
	return metric{
		name: name, unit: "ms", limit: units.Seconds, factor: 1e3, generated: true,
		measure:  func(v *view) reading { return measure(of(&v.clients)) },
		fromSend: func(v *view) reading { return measure(v.clients.service) },
	}
}

func errorShare(v *view) reading {
	c := &v.clients
	answered := c.accepted + c.refused + c.errors
	if answered == 0 {
		return reading{missing: "nothing was sent"}
	}
	return reading{value: float64(c.refused+c.errors) / float64(answered) * 1e6}
}

// counted is about a number of notifications.
func counted(name string, of func(*clientView) uint64) metric {
	return metric{name: name, limit: units.Whole, factor: 1, measure: func(v *view) reading {
		return reading{value: float64(of(&v.clients) * uint64(v.batch))}
	}}
}
