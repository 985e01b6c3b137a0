package telemetry

import "github.com/prometheus/client_golang/prometheus"

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

// ObserveFleet reads the fleet at each scrape; read must be safe for concurrent
// use.
func (m *Metrics) ObserveFleet(read func() Fleet) { m.fleet.Store(&read) }

func (c *collector) collectFleet(ch chan<- prometheus.Metric) {
	read := c.m.fleet.Load()
	if read == nil {
		return
	}
	fleet := (*read)()
	for _, g := range fleet.Groups {
		ch <- c.count(instancesWished, int64(g.Wished), g.Kind, g.Name)
		ch <- c.count(instancesDesired, int64(g.Desired), g.Kind, g.Name)
		ch <- c.count(instancesRunning, int64(g.Running), g.Kind, g.Name)
		ch <- c.count(instancesStarting, int64(g.Starting), g.Kind, g.Name)
	}
	ch <- c.count(regionRepeated, fleet.Repeated)
	for _, r := range fleet.Regions {
		ch <- c.count(regionRefused, r.Refused, r.Name)
		serving := int64(0)
		for _, g := range r.Gateways {
			if g.Serving {
				serving++
			}
			ch <- c.count(gatewayRunning, g.InFlight, r.Name, g.Name)
			ch <- c.count(gatewayRequests, g.Requests, r.Name, g.Name)
			ch <- c.count(gatewayNotifications, g.Notifications, r.Name, g.Name)
			ch <- c.count(gatewayFailed, g.Failed, r.Name, g.Name)
			ch <- c.count(gatewayDropped, g.Dropped, r.Name, g.Name)
		}
		ch <- c.count(gatewaysServing, serving, r.Name)
	}
}
