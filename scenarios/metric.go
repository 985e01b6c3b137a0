package scenarios

import (
	"fmt"
	"strings"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/planner/yamldoc"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

// metric is something that a check may be about.
type metric struct {
	name   string
	unit   string     // of values and limits in results: ms, ppm, %, or "" for a number of things
	limit  units.Unit // what a limit is written in
	factor float64    // from the limit's base unit to the metric's
	// generated says that the value depends on the generator having sent the
	// load on time: a rate or a latency.
	generated bool
	measure   func(*evidence) reading
}

// reading is the value of a metric, or why there is none.
type reading struct {
	value   float64
	missing string // why it was not observed; empty when it was
	open    string // why it cannot be told yet; empty when it can
	// atLeast says that the value is a lower bound.
	atLeast bool
}

// evidence is what the witnesses say of a run.
type evidence struct {
	load    *load.Report
	batch   int
	cpu     load.CPUUse
	system  *observation // nil when the system did not say
	account Account
	over    bool // whether the load has ended
}

// metrics lists what checks may be about.
func metrics() []metric {
	var list []metric
	for _, q := range quantiles() {
		list = append(list,
			latencyMetric("latency."+q.name, func(e *evidence) (time.Duration, uint64) { return q.of(e.load.Response), e.load.Response.Count }),
			latencyMetric("service_latency."+q.name, func(e *evidence) (time.Duration, uint64) { return q.of(e.load.Service), e.load.Service.Count }))
	}
	list = append(list,
		metric{"errors", "ppm", units.Ratio, 1e6, false, errorShare},
		metric{"achieved", "%", units.Ratio, 100, true, func(e *evidence) reading { return reading{value: e.load.Achieved() * 100} }},
		counted("dropped", func(c load.Counts) uint64 { return c.Dropped }),
		counted("refused", load.Counts.Refused))
	list = append(list, endToEndMetric("end_to_end", func(string) bool { return true }))
	for _, p := range pipeline.Priorities() {
		list = append(list, endToEndMetric("end_to_end."+p.String(), func(priority string) bool { return priority == p.String() }))
	}
	return append(list,
		metric{"queue.depth", "", units.Whole, 1, false, func(e *evidence) reading {
			if e.system == nil {
				return reading{missing: noStatus}
			}
			return reading{value: float64(e.system.deepest)}
		}},
		booked("in_flight", func(a *Account) *int64 { return a.InFlight }),
		booked("lost", func(a *Account) *int64 { return a.Lost }),
		booked("duplicates", func(a *Account) *int64 { return a.Duplicates }),
		booked("unacknowledged", func(a *Account) *int64 { return a.Unacknowledged }),
		booked("dead", func(a *Account) *int64 { return a.Dead }),
		booked("ambiguous", func(a *Account) *int64 { return a.Ambiguous }),
		booked("takeovers", func(a *Account) *int64 { return a.Takeovers }))
}

// noStatus is why what only the system can say was not observed.
const noStatus = "the target does not answer GET /v1/status"

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

func latencyMetric(name string, of func(*evidence) (time.Duration, uint64)) metric {
	return metric{name, "ms", units.Seconds, 1e3, true, func(e *evidence) reading {
		d, n := of(e)
		if n == 0 {
			return reading{missing: "nothing was answered"}
		}
		return reading{value: milliseconds(d)}
	}}
}

func errorShare(e *evidence) reading {
	c := e.load.Total
	answered := c.Accepted() + c.Refused() + c.Errors()
	if answered == 0 {
		return reading{missing: "nothing was sent"}
	}
	return reading{value: float64(c.Refused()+c.Errors()) / float64(answered) * 1e6}
}

// counted is about a number of notifications.
func counted(name string, of func(load.Counts) uint64) metric {
	return metric{name, "", units.Whole, 1, false, func(e *evidence) reading {
		return reading{value: float64(of(e.load.Total) * uint64(e.batch))}
	}}
}

func endToEndMetric(name string, of func(priority string) bool) metric {
	return metric{name + ".p99", "ms", units.Seconds, 1e3, true, func(e *evidence) reading {
		if e.system == nil {
			return reading{missing: noStatus}
		}
		h := e.system.endToEnd(of)
		if h.Count() == 0 {
			return reading{missing: "nothing of it was delivered"}
		}
		return reading{value: milliseconds(h.Quantile(0.99))}
	}}
}

// booked is about the account.
func booked(name string, of func(*Account) *int64) metric {
	return metric{name, "", units.Whole, 1, false, func(e *evidence) reading {
		v := of(&e.account)
		why := e.account.why[name]
		switch {
		case v != nil:
			return reading{value: float64(*v), atLeast: why.atLeast}
		case why.open != "":
			return reading{open: why.open}
		case !e.over:
			return reading{open: "the run is not over"}
		}
		return reading{missing: why.missing}
	}}
}

// findMetric finds a metric by its name.
func findMetric(name string) (metric, error) {
	all := metrics()
	names := make([]string, len(all))
	for i, m := range all {
		if m.name == name {
			return m, nil
		}
		names[i] = m.name
	}
	if near := yamldoc.Nearest(name, names); near != "" {
		return metric{}, fmt.Errorf("unknown metric %q; did you mean %s?", name, near)
	}
	return metric{}, fmt.Errorf("unknown metric %q; accepted are %s", name, strings.Join(names, ", "))
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
