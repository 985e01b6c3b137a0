package planner_test

import (
	"fmt"
	"math"
	"strconv"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/planner"
)

// drawPlan draws a valid plan: the workload over all that a plan accepts,
// ranges among it, and some of the rest.
func drawPlan(t *rapid.T) *planner.Plan {
	var set []string
	assign := func(path, suffix string, exponentLow, exponentHigh float64, whole bool) {
		number := func(label string) float64 {
			v := math.Pow(10, rapid.Float64Range(exponentLow, exponentHigh).Draw(t, label))
			if whole {
				v = math.Round(v)
			}
			return v
		}
		write := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) + suffix }
		low, high := number(path), number(path+" high")
		if low > high {
			low, high = high, low
		}
		text := write(low)
		if rapid.Bool().Draw(t, path+" is a range") {
			text += ".." + write(high)
		}
		set = append(set, path+"="+text)
	}
	assign("workload.users", "", 0, 18, true)
	assign("workload.notifications_per_user", "", -12, 18, false)
	assign("workload.peak_factor", "", 0, 18, false)
	assign("workload.design_rate", "/s", -12, 18, false)
	assign("workload.size", "B", -12, 18, false)
	assign("workload.compression", "", -12, 18, false)
	assign("kafka.retention", "s", -12, 18, false)
	assign("growth.current_peak", "/s", -12, 18, false)
	assign("growth.rate", "", -12, 2, false)
	assign("growth.years", "", 0, 1.47, true)
	assign("workload.expiry", "s", -12, 18, false)
	set = append(set,
		"workload.channels="+drawShares(t, "push", "email", "sms"),
		"workload.priorities="+drawShares(t, "high", "normal", "low"),
		"workers.policy="+rapid.SampledFrom([]string{"arrivals", "steps", "drain"}).Draw(t, "policy"),
		fmt.Sprintf("deployment.start_delay=%dms", rapid.IntRange(0, 1e6).Draw(t, "start delay")),
	)
	if rapid.Bool().Draw(t, "limited") {
		set = append(set, fmt.Sprintf("limits=[rate.peak <= %d/s]", rapid.IntRange(0, 1e9).Draw(t, "limit")))
	}
	d := planner.Document{Assignments: set}
	if rapid.Bool().Draw(t, "from a file") {
		d.Name, d.Text, d.Today = "plan.yaml", []byte("version: 1\ngrowth: {steps: []}\n"), today()
	}
	p, err := planner.Load(d)
	if err != nil {
		t.Fatalf("a drawn plan is invalid: %v", err)
	}
	return p
}

// drawShares draws three shares that add up to one.
func drawShares(t *rapid.T, a, b, c string) string {
	first := rapid.IntRange(0, 100).Draw(t, a)
	second := rapid.IntRange(0, 100-first).Draw(t, b)
	return fmt.Sprintf("{%s: %d%%, %s: %d%%, %s: %d%%}", a, first, b, second, c, 100-first-second)
}
