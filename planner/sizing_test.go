package planner_test

import (
	"math"
	"testing"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/units"
)

// checkFigures compares figures of an estimate, to eight digits.
func checkFigures(t *testing.T, e *planner.Estimate, want map[string]units.Range) {
	t.Helper()
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-8*math.Abs(b) }
	for id, w := range want {
		d, ok := e.Figure(id)
		if !ok || !near(d.Range.Low, w.Low) || !near(d.Range.High, w.High) {
			t.Errorf("%s is %v, want %v", id, d.Range, w)
		}
	}
}

// checkFinding compares the severity and the numbers of what one rule finds of
// a component; NaN is no number. No severity means that it finds nothing.
func checkFinding(t *testing.T, e *planner.Estimate, component, rule string, severity planner.Severity, stated, derived float64) {
	t.Helper()
	found := 0
	for _, f := range e.Findings {
		if f.Component != component || f.Rule != rule {
			continue
		}
		found++
		if f.Severity != severity || !isNumber(f.Stated, stated) || !isNumber(f.Derived, derived) {
			t.Errorf("%s: %v, stated %s, derived %s: %s; want %v, %v, %v", rule, f.Severity,
				number(f.Stated), number(f.Derived), f.Message, severity, stated, derived)
		}
		if f.Message == "" || f.Remedy == "" {
			t.Errorf("%s says %q, and to do %q", rule, f.Message, f.Remedy)
		}
	}
	if found > 1 || found == 0 && severity != 0 {
		t.Errorf("%s: %d findings of %s", rule, found, component)
	}
}

// A findingCase is a plan, and what one rule finds of it; checkFinding says how.
type findingCase struct {
	name            string
	set             []string
	rule            string
	severity        planner.Severity
	stated, derived float64
}

// checkFindings checks what the rules of a component find of plans.
func checkFindings(t *testing.T, component string, cases []findingCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.rule+" of "+c.name, func(t *testing.T) {
			checkFinding(t, estimate(t, c.set...), component, c.rule, c.severity, c.stated, c.derived)
		})
	}
}

// isNumber compares a number of a finding to eight digits.
func isNumber(is *float64, want float64) bool {
	if is == nil || math.IsNaN(want) {
		return is == nil && math.IsNaN(want)
	}
	return math.Abs(*is-want) <= 1e-8*math.Abs(want)
}

// number shows a number of a finding.
func number(v *float64) string {
	if v == nil {
		return "nothing"
	}
	return units.Format(units.Scalar, units.Exactly(*v))
}

// A part of a thing that comes from the rounding of floats buys no thing more:
// 7 % of 50,000/s is 3500.0000000000005/s in floats, and 7 partitions carry it.
func TestRoundingBuysNothing(t *testing.T) {
	checkFigures(t, estimate(t, "workload.priorities={high: 7%, normal: 93%}",
		"kafka.partition_rate=500/s", "kafka.consumers=1"), map[string]units.Range{
		"kafka.partitions.high":   units.Exactly(7),
		"kafka.partitions.normal": units.Exactly(93),
	})
}

// The instances that the largest zone leaves carry all, and one fewer would
// not. By hand, of 5 instances of need: over 2 zones 10, over 3 8 (3 + 3 + 2,
// which leaves 5), over 4 7 (2 + 2 + 2 + 1), over 5 7, over 6 6, and never
// less. One zone leaves nothing, and is counted as two.
func TestALostZoneLeavesEnough(t *testing.T) {
	for zones, want := range map[string]float64{"1": 10, "2": 10, "3": 8, "4": 7, "5": 7, "6": 6, "12": 6} {
		checkFigures(t, estimate(t, "workload.design_rate=5K/s", "service.rate_per_instance=1K/s", "kafka.zones="+zones),
			map[string]units.Range{"service.minimum": units.Exactly(5), "service.instances": units.Exactly(want)})
	}
}
