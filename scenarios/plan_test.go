package scenarios

import (
	"slices"
	"testing"
)

func TestAssignmentsScalePoolsAndGateways(t *testing.T) {
	values := []PlanValue{
		{"deployment.workers.push", "10"},
		{"deployment.workers.sms", "2"},
		{"deployment.gateway_rate", "33K/s"},
		{"deployment.elasticity", "16"},
		{"workers.policy", "steps"},
	}
	for _, test := range []struct {
		rate float64
		want []string
	}{
		{1, []string{"deployment.workers.push=10", "deployment.workers.sms=2", "deployment.gateway_rate=33000/s", "deployment.elasticity=16", "workers.policy=steps"}},
		{0.5, []string{"deployment.workers.push=5", "deployment.workers.sms=2", "deployment.gateway_rate=16500/s", "deployment.elasticity=16", "workers.policy=steps"}},
		{0.31, []string{"deployment.workers.push=4", "deployment.workers.sms=2", "deployment.gateway_rate=10230/s", "deployment.elasticity=16", "workers.policy=steps"}},
		{0.3, []string{"deployment.workers.push=3", "deployment.workers.sms=2", "deployment.gateway_rate=9900/s", "deployment.elasticity=16", "workers.policy=steps"}},
		{0.01, []string{"deployment.workers.push=2", "deployment.workers.sms=2", "deployment.gateway_rate=330/s", "deployment.elasticity=16", "workers.policy=steps"}},
		{3, []string{"deployment.workers.push=30", "deployment.workers.sms=6", "deployment.gateway_rate=99000/s", "deployment.elasticity=16", "workers.policy=steps"}},
	} {
		if got := Assignments(values, test.rate); !slices.Equal(got, test.want) {
			t.Errorf("at %g: %q, want %q", test.rate, got, test.want)
		}
	}
}
