package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

// metric is something that a check may be about.
type metric struct {
	name   string
	unit   string     // of values and limits in results: ms, ppm, %, us, bytes, x, or "" for a number
	limit  units.Unit // what a limit is written in
	factor float64    // from the limit's base unit to the metric's
	by     witness
	// generated says that the value depends on the generator having sent the
	// load on time: a rate or a latency. Provided says that it depends on the
	// providers' having been as fast as they are meant to be.
	generated, provided bool
	scaled              bool // whether limits are scaled with the time
	// windowless says that it is about a stage or all of the run, and not about
	// windows; compares, that it compares a stage with what was before it.
	windowless, compares bool
	// apart says that of a divided run each shard has a value of its own, of which
	// none follows for all together.
	apart   bool
	measure func(*view) reading
	// fromSend is the same measured from when requests were sent, whenever they
	// were due; nil where there is no such thing.
	fromSend func(*view) reading
}

// witness is who sees what a metric is about.
type witness int

// The witnesses.
const (
	byClients witness = iota
	bySystem
	byAccount // clients, system and the providers' ledger together, when the run is over
)

// reading is the value of a metric, or why there is none.
type reading struct {
	value    float64
	interval *confidence // nil for what is exact
	missing  string      // why it was not observed; empty when it was
	open     string      // why it cannot be told yet; empty when it can
	// atLeast says that the value is a lower bound.
	atLeast bool
}

// confidence is an interval that the value lies in with a confidence of 95 %.
type confidence struct{ low, high float64 }

// metrics lists what checks may be about.
func metrics() []metric {
	return slices.Concat(clientMetrics(), endToEndMetrics(), queueMetrics(), slopeMetrics(), scalingMetrics(), providerMetrics(), resourceMetrics(), bookedMetrics())
}

// noStatus is why what only the system can say was not observed.
const noStatus = "the target says nothing of itself, having no GET /v1/status"

// seen makes a measurement of what the system says; without its word there is none.
func seen(measure func(*view) reading) func(*view) reading {
	return func(v *view) reading {
		switch {
		case !v.watched:
			return reading{missing: noStatus}
		case v.system.answers == 0:
			return reading{missing: "the target did not answer GET /v1/status meanwhile"}
		}
		return measure(v)
	}
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
