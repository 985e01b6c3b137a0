package baseline

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/notifyctl/notifyctl/scenarios"
)

// scale is how a metric's changes are measured.
type scale int

const (
	relative scale = iota // as a share of what it was: latencies, costs
	absolute              // in its unit: shares, which are often 0
	exact                 // a number of things that has no noise: what is lost
)

// metric is something that two runs are compared by.
type metric struct {
	name         string // as checks call it, where there is a check about it
	unit         string
	scale        scale
	higherBetter bool
	// value is the whole run's; nil when it was not seen.
	value func(*scenarios.Result) *float64
	// course is a point's, by which noise is told of single runs; nil when the
	// course of a run says nothing of the metric.
	course func(*scenarios.Point) *float64
}

// metrics lists what runs are compared by.
func metrics() []metric {
	list := []metric{
		latencyMetric("latency.p50", func(l *scenarios.Latencies) float64 { return l.P50 }),
		latencyMetric("latency.p99", func(l *scenarios.Latencies) float64 { return l.P99 }),
		{
			name: "service_latency.p99", unit: "ms",
			value: func(r *scenarios.Result) *float64 {
				return some(r.Generator.Service, func(l *scenarios.Latencies) float64 { return l.P99 })
			},
			course: func(p *scenarios.Point) *float64 { return p.ServiceP99 },
		},
	}
	for _, priority := range []string{"high", "normal", "low"} {
		list = append(list, endToEndMetric(priority))
	}
	list = append(list,
		metric{name: "accepted", unit: "/s", higherBetter: true, value: acceptedRate, course: func(p *scenarios.Point) *float64 { return &p.Accepted }},
		metric{name: "errors", unit: "ppm", scale: absolute, value: errorShare, course: errorShareAt},
		metric{name: "cpu", unit: "us", value: cpuEach, course: cpuEachAt},
		metric{name: "memory.rss", unit: "bytes", value: memory, course: memoryAt})
	return append(list,
		counted("lost", func(a *scenarios.Account) *int64 { return a.Lost }),
		counted("duplicates", func(a *scenarios.Account) *int64 { return a.Duplicates }),
		counted("dead", func(a *scenarios.Account) *int64 { return a.Dead }))
}

func some(l *scenarios.Latencies, of func(*scenarios.Latencies) float64) *float64 {
	if l == nil {
		return nil
	}
	v := of(l)
	return &v
}

func latencyMetric(name string, of func(*scenarios.Latencies) float64) metric {
	return metric{
		name: name, unit: "ms",
		value:  func(r *scenarios.Result) *float64 { return some(r.Generator.Latency, of) },
		course: func(p *scenarios.Point) *float64 { return some(p.Latency, of) },
	}
}

// endToEndMetric is a priority's p99 from the 202 to the outcome, of all channels
// together.
func endToEndMetric(priority string) metric {
	return metric{
		name: "end_to_end." + priority + ".p99", unit: "ms",
		value: func(r *scenarios.Result) *float64 {
			for _, p := range r.Priorities {
				if p.Priority == priority && p.Latency != nil {
					return &p.Latency.P99
				}
			}
			return nil
		},
		course: func(p *scenarios.Point) *float64 {
			if p.System == nil {
				return nil
			}
			if v, ok := p.System.EndToEndP99[priority]; ok {
				return &v
			}
			return nil
		},
	}
}

// acceptedRate is how many notifications a second were accepted.
func acceptedRate(r *scenarios.Result) *float64 {
	if r.Generator.Seconds <= 0 {
		return nil
	}
	rate := float64(r.Ledger.Accepted) / r.Generator.Seconds
	return &rate
}

// errorShare is how many of a million notifications that were sent were refused
// or failed.
func errorShare(r *scenarios.Result) *float64 {
	var failed, sent uint64
	for _, s := range r.Stages {
		failed += s.Refused + s.Errors
		sent += s.Sent
	}
	return ratio(float64(failed)*1e6, float64(sent))
}

func errorShareAt(p *scenarios.Point) *float64 {
	return ratio((p.Refused+p.Errors)*1e6, p.Refused+p.Errors+p.Accepted)
}

// cpuEach is the CPU time that the system's process took for a notification that
// was accepted, in microseconds. An embedded one's is the generator's, too.
func cpuEach(r *scenarios.Result) *float64 {
	if r.Resources.System == nil {
		return nil
	}
	return ratio(r.Resources.System.CPUSeconds*1e6, float64(r.Ledger.Accepted))
}

func cpuEachAt(p *scenarios.Point) *float64 {
	if p.System == nil {
		return nil
	}
	return ratio(p.System.CPU*1e6, p.Accepted)
}

func memory(r *scenarios.Result) *float64 {
	if r.Resources.System == nil || r.Resources.System.RSSBytes == nil {
		return nil
	}
	v := float64(*r.Resources.System.RSSBytes)
	return &v
}

func memoryAt(p *scenarios.Point) *float64 {
	if p.System == nil || p.System.RSSBytes == nil {
		return nil
	}
	v := float64(*p.System.RSSBytes)
	return &v
}

func ratio(a, b float64) *float64 {
	if b <= 0 {
		return nil
	}
	v := a / b
	return &v
}

// counted is about a number of the account that should not grow by one.
func counted(name string, of func(*scenarios.Account) *int64) metric {
	return metric{name: name, scale: exact, value: func(r *scenarios.Result) *float64 {
		n := of(&r.Ledger)
		if n == nil {
			return nil
		}
		v := float64(*n)
		return &v
	}}
}

// engines says what a system stands on, in one order.
func engines(e *scenarios.Environment) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(e.Engines)) {
		parts = append(parts, name+" on "+e.Engines[name])
	}
	if parts == nil {
		return "unknown"
	}
	return strings.Join(parts, ", ")
}

// transformed gives a value on the scale that changes add up on: the logarithm
// where they are relative.
func (m *metric) transformed(v float64) (float64, bool) {
	if m.scale != relative {
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	}
	if !(v > 0) || math.IsInf(v, 0) {
		return 0, false
	}
	return math.Log(v), true
}
