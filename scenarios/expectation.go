package scenarios

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/notifyctl/notifyctl/planner/units"
)

// Expectation is what a check expects: a metric, compared with a limit.
type Expectation struct {
	Name   string
	Metric string
	Op     string
	Limit  float64 // in the metric's unit, as results show it
	// During names the stage that it is about, or is "drain"; empty is the whole
	// run.
	During string
	// Over asks for every window of that length to hold; 0 is all of it at once.
	Over time.Duration
	// From is the smallest profile that is long enough to tell; empty is any.
	From string
	// Ratio makes it about two variants of an experiment; the limit is then a
	// plain number.
	Ratio Ratio
}

// ops lists the comparisons, longest first.
func ops() []string { return []string{"<=", ">=", "<", ">", "="} }

// parse reads an expectation, as in "latency.p99 < 500ms".
func (e *Expectation) parse(text string) error {
	parts := regexp.MustCompile(`^\s*([a-z0-9_.]+)\s*(<=|>=|<|>|=)\s*(\S.*)$`).FindStringSubmatch(text)
	if parts == nil {
		return fmt.Errorf("%q; accepted is a metric, a comparison (%s) and a limit, as in latency.p99 < 500ms", text, strings.Join(ops(), " "))
	}
	m, err := findMetric(parts[1])
	if err != nil {
		return err
	}
	unit, factor := m.limit, m.factor
	if e.Ratio != (Ratio{}) {
		unit, factor = units.Scalar, 1
	}
	limit, err := units.Parse(parts[3], unit)
	switch {
	case err != nil:
		return err
	case !limit.Exact():
		return fmt.Errorf("limit %q is a range; accepted is one value", parts[3])
	}
	e.Metric, e.Op, e.Limit = m.name, parts[2], limit.Low*factor
	return nil
}

// holds compares unrounded.
func (e *Expectation) holds(v float64) bool {
	switch e.Op {
	case "<":
		return v < e.Limit
	case "<=":
		return v <= e.Limit
	case ">":
		return v > e.Limit
	case ">=":
		return v >= e.Limit
	case "=":
		return v == e.Limit
	}
	panic("BUG: unknown comparison " + e.Op)
}

// direction is 1 where a greater value is worse, and -1 where a lesser is; 0 is for
// one value alone.
func (e *Expectation) direction() int {
	switch e.Op {
	case "<", "<=":
		return 1
	case ">", ">=":
		return -1
	}
	return 0
}
