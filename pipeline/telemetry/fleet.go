package telemetry

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// Fleet is what is scaled and what is balanced over, at one moment. Counts are
// cumulative.
type Fleet struct {
	Groups   []ScaledGroup
	Regions  []RegionStats
	Repeated int64 // requests given to a second gateway
}

// ScaledGroup is a channel's workers or a region's gateways.
type ScaledGroup struct {
	Kind     string // workers or gateways
	Name     string // of the channel or region
	Wished   int
	Desired  int
	Running  int
	Starting int
}

// RegionStats is a region. A gateway that has left takes its counts with it.
type RegionStats struct {
	Name     string
	Refused  int64 // requests that no gateway of any region had room for
	Gateways []GatewayStats
}

// GatewayStats is a gateway of a region.
type GatewayStats struct {
	Name          string
	Serving       bool
	InFlight      int64 // requests
	Requests      int64
	Notifications int64
	Failed        int64 // requests
	Dropped       int64 // answers that reached nobody
}

// fleetCollector turns a fleet into series when it is asked.
type fleetCollector struct {
	read func() Fleet

	wished, desired, running, starting *prometheus.Desc
	serving, refused, repeated         *prometheus.Desc
	inFlight, requests, notifications  *prometheus.Desc
	failed, dropped                    *prometheus.Desc
}

// ObserveFleet registers the fleet's metrics; read must be safe for concurrent
// use. A registerer takes them once.
func ObserveFleet(reg prometheus.Registerer, read func() Fleet) {
	desc := func(subsystem, name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, subsystem, name), help, labels, nil)
	}
	c := &fleetCollector{
		read:          read,
		wished:        desc("autoscale", "wished_instances", "Workers or gateways that policy wishes, whatever the bounds.", "kind", "name"),
		desired:       desc("autoscale", "desired_instances", "Workers or gateways that there will be once all have started.", "kind", "name"),
		running:       desc("autoscale", "running_instances", "Workers or gateways that serve.", "kind", "name"),
		starting:      desc("autoscale", "starting_instances", "Workers or gateways that do not serve yet.", "kind", "name"),
		serving:       desc("region", "serving_gateways", "Gateways that are given requests.", "region"),
		refused:       desc("region", "refused_requests_total", "Requests of the region's share that no gateway of any region had room for.", "region"),
		repeated:      desc("region", "repeated_requests_total", "Requests given to a second gateway."),
		inFlight:      desc("gateway", "running_requests", "Requests that a gateway has.", "region", "gateway"),
		requests:      desc("gateway", "requests_total", "Requests that a gateway was given.", "region", "gateway"),
		notifications: desc("gateway", "notifications_total", "Notifications of the requests that a gateway decoded.", "region", "gateway"),
		failed:        desc("gateway", "failed_requests_total", "Requests that a gateway failed: 500, 502, 504, or a panic.", "region", "gateway"),
		dropped:       desc("gateway", "dropped_answers_total", "Answers of a gateway that reached nobody.", "region", "gateway"),
	}
	if err := reg.Register(c); err != nil {
		panic(fmt.Sprintf("BUG: registering the fleet's metrics: %v", err))
	}
}

// Describe sends nothing but what Collect may send.
func (c *fleetCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.wished, c.desired, c.running, c.starting, c.serving, c.refused, c.repeated,
		c.inFlight, c.requests, c.notifications, c.failed, c.dropped,
	} {
		ch <- d
	}
}

// Collect sends the present values.
func (c *fleetCollector) Collect(ch chan<- prometheus.Metric) {
	fleet := c.read()
	for _, g := range fleet.Groups {
		ch <- gauge(c.wished, float64(g.Wished), g.Kind, g.Name)
		ch <- gauge(c.desired, float64(g.Desired), g.Kind, g.Name)
		ch <- gauge(c.running, float64(g.Running), g.Kind, g.Name)
		ch <- gauge(c.starting, float64(g.Starting), g.Kind, g.Name)
	}
	ch <- counter(c.repeated, fleet.Repeated)
	for _, r := range fleet.Regions {
		ch <- counter(c.refused, r.Refused, r.Name)
		serving := 0
		for _, g := range r.Gateways {
			if g.Serving {
				serving++
			}
			ch <- gauge(c.inFlight, float64(g.InFlight), r.Name, g.Name)
			ch <- counter(c.requests, g.Requests, r.Name, g.Name)
			ch <- counter(c.notifications, g.Notifications, r.Name, g.Name)
			ch <- counter(c.failed, g.Failed, r.Name, g.Name)
			ch <- counter(c.dropped, g.Dropped, r.Name, g.Name)
		}
		ch <- gauge(c.serving, float64(serving), r.Name)
	}
}
