package planner_test

import (
	"testing"

	"github.com/notifyctl/notifyctl/planner"
)

func TestGatewayAndServiceFindings(t *testing.T) {
	const none = planner.Severity(0)
	for _, tt := range []struct {
		name            string
		set             []string
		component, rule string
		severity        planner.Severity
		stated, derived float64
	}{
		// 50K / 1000 is 50, with no zone to lose.
		{"the reference", nil, "gateway", "no-spare-zone", planner.Warning, 50, 75},
		{"too few for all zones", []string{"claims.gateway.instances=40"}, "gateway", "no-spare-zone", planner.Warning, 40, 75},
		{"the fewest do, the most do not", []string{"claims.gateway.instances=80..100"}, "gateway", "no-spare-zone", planner.Warning, 100, 150},
		{"a zone to spare", []string{"claims.gateway.instances=75..150"}, "gateway", "no-spare-zone", none, 0, 0},
		{"six zones", []string{"kafka.zones=6", "claims.gateway.instances=60..120"}, "gateway", "no-spare-zone", none, 0, 0},
		{"the reference's services", nil, "service", "no-spare-zone", planner.Warning, 30, 45},
		{"services with a zone to spare", []string{"claims.service.instances=45..75"}, "service", "no-spare-zone", none, 0, 0},

		{"the reference", nil, "gateway", "maximum-below-need", none, 0, 0},
		{"a maximum that may do", []string{"gateway.max=100"}, "gateway", "maximum-below-need", planner.Warning, 100, 150},
		{"a maximum that cannot do", []string{"gateway.max=74"}, "gateway", "maximum-below-need", planner.Error, 74, 150},
		{"a maximum of services", []string{"service.max=44"}, "service", "maximum-below-need", planner.Error, 44, 75},

		// 20 x 500..1000/s against 50K/s.
		{"the reference", nil, "gateway", "spike-before-scaling", planner.Error, 20, 50},
		{"enough at the best rate", []string{"gateway.min=50"}, "gateway", "spike-before-scaling", planner.Error, 50, 100},
		{"enough always run", []string{"gateway.min=100"}, "gateway", "spike-before-scaling", none, 0, 0},
		{"a small spike", []string{"workload.spike={from: 5K/s, to: 10K/s}"}, "gateway", "spike-before-scaling", none, 0, 0},

		{"the reference", nil, "gateway", "scales-inside-target", planner.Warning, .7, .8},
		{"inside", []string{"gateway.scale_up_cpu=75%"}, "gateway", "scales-inside-target", planner.Warning, .75, .8},
		{"below", []string{"gateway.scale_up_cpu=60%"}, "gateway", "scales-inside-target", planner.Warning, .6, .8},
		{"above", []string{"gateway.scale_up_cpu=80%"}, "gateway", "scales-inside-target", none, 0, 0},
		{"at an exact target", []string{"service_levels.utilisation=70%"}, "gateway", "scales-inside-target", none, 0, 0},

		// 200 x 20 against 1,000.
		{"the reference", nil, "service", "connections-at-maximum", planner.Warning, 1000, 4000},
		{"fewer services", []string{"service.max=50"}, "service", "connections-at-maximum", none, 0, 0},
		{"fewer connections", []string{"service.connections_per_instance=5"}, "service", "connections-at-maximum", none, 0, 0},
	} {
		t.Run(tt.rule+" of "+tt.name, func(t *testing.T) {
			checkFinding(t, estimate(t, tt.set...), tt.component, tt.rule, tt.severity, tt.stated, tt.derived)
		})
	}
}
