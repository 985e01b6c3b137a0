package telemetry_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/notifyctl/notifyctl/pipeline/telemetry"
)

func TestTheFleetIsScraped(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	telemetry.New(registry).ObserveFleet(func() telemetry.Fleet {
		return telemetry.Fleet{
			Groups:   []telemetry.ScaledGroup{{Kind: "workers", Name: "push", Wished: 40, Desired: 32, Running: 20, Starting: 12}},
			Repeated: 3,
			Regions: []telemetry.RegionStats{{Name: "region-1", Refused: 5, Gateways: []telemetry.GatewayStats{
				{Name: "region-1/gateway-1", Serving: true, InFlight: 1, Requests: 10, Notifications: 100, Failed: 2, Dropped: 4},
				{Name: "region-1/gateway-2"},
			}}},
		}
	})
	want := `
# HELP notifyctl_autoscale_starting_instances Workers or gateways that do not serve yet.
# TYPE notifyctl_autoscale_starting_instances gauge
notifyctl_autoscale_starting_instances{kind="workers",name="push"} 12
# HELP notifyctl_autoscale_wished_instances Workers or gateways that policy wishes, whatever the bounds.
# TYPE notifyctl_autoscale_wished_instances gauge
notifyctl_autoscale_wished_instances{kind="workers",name="push"} 40
# HELP notifyctl_gateway_notifications_total Notifications of the requests that a gateway decoded.
# TYPE notifyctl_gateway_notifications_total counter
notifyctl_gateway_notifications_total{gateway="region-1/gateway-1",region="region-1"} 100
notifyctl_gateway_notifications_total{gateway="region-1/gateway-2",region="region-1"} 0
# HELP notifyctl_region_refused_requests_total Requests of the region's share that no gateway of any region had room for.
# TYPE notifyctl_region_refused_requests_total counter
notifyctl_region_refused_requests_total{region="region-1"} 5
# HELP notifyctl_region_repeated_requests_total Requests given to a second gateway.
# TYPE notifyctl_region_repeated_requests_total counter
notifyctl_region_repeated_requests_total 3
# HELP notifyctl_region_serving_gateways Gateways that are given requests.
# TYPE notifyctl_region_serving_gateways gauge
notifyctl_region_serving_gateways{region="region-1"} 1
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want),
		"notifyctl_autoscale_starting_instances", "notifyctl_autoscale_wished_instances", "notifyctl_gateway_notifications_total",
		"notifyctl_region_refused_requests_total", "notifyctl_region_repeated_requests_total", "notifyctl_region_serving_gateways"); err != nil {
		t.Error(err)
	}
}
