package scenarios

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/notifyctl/notifyctl/planner/units"
)

// PlanValue overrides a value of the plan: deployment.workers.push, or any other
// path that --set takes. The pools of deployment.workers and
// deployment.gateway_rate are for the full rate, and are scaled with it, pools
// rounded up and 2 at least; all others are as they stand.
type PlanValue struct {
	Path  string
	Value string
}

const (
	poolsPath       = "deployment.workers."
	gatewayRatePath = "deployment.gateway_rate"
	// smallestPool is the fewest workers that a pool is scaled to: one of them
	// is reserved for the high priority.
	smallestPool = 2
)

// scaled gives the value at a scale of the rates.
func (v PlanValue) scaled(rate float64) (string, error) {
	switch {
	case strings.HasPrefix(v.Path, poolsPath):
		n, err := exact(v.Value, units.Whole)
		if err != nil {
			return "", err
		}
		// A part of 1e-9 is the arithmetic's, and no worker.
		return strconv.Itoa(max(smallestPool, int(math.Ceil(n*rate*(1-1e-9))))), nil
	case v.Path == gatewayRatePath:
		r, err := exact(v.Value, units.PerSecond)
		if err != nil {
			return "", err
		}
		return strconv.FormatFloat(r*rate, 'g', -1, 64) + "/s", nil
	}
	return v.Value, nil
}

func exact(text string, unit units.Unit) (float64, error) {
	r, err := units.Parse(text, unit)
	if err == nil && !r.Exact() {
		err = fmt.Errorf("%q is a range; accepted is one value", text)
	}
	return r.Low, err
}

// Assignments gives values of the plan at a scale of the rates, each as
// path=value.
func Assignments(values []PlanValue, rate float64) []string {
	list := make([]string, len(values))
	for i, v := range values {
		text, err := v.scaled(rate)
		if err != nil {
			panic("BUG: a value of the plan was accepted that cannot be scaled: " + err.Error())
		}
		list[i] = v.Path + "=" + text
	}
	return list
}
