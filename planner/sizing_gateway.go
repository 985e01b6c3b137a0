package planner

import (
	"fmt"
	"math"

	"github.com/notifyctl/notifyctl/planner/queueing"
	"github.com/notifyctl/notifyctl/planner/units"
)

// waiting is the share of requests that may have to wait for a core of a
// gateway: three in ten, so that the median never waits, and a wait is rare
// enough not to move the 99th percentile far from the time of the work itself.
const waiting = 0.30

// gatewayFigures lists what the API gateways need. gateway.rate_per_instance is
// a range in most plans, since it depends on how many notifications come in a
// request: its high end gives the fewest gateways, its low end the number to
// plan by.
func gatewayFigures() []Figure {
	instances := Figure{
		ID: "gateway.instances", Title: "gateways", Unit: units.Whole,
		Formula: "ceil(gateway.minimum x kafka.zones / (kafka.zones - 1))",
		Inputs:  []Input{figure("gateway.minimum"), key("kafka.zones").falling()},
		Compute: func(in []float64) float64 { return spareZone(in[0], in[1]) },
	}
	all := []Figure{
		{
			ID: "gateway.minimum", Title: "gateways without room", Unit: units.Whole,
			Formula: "ceil(rate.design / gateway.rate_per_instance)",
			Inputs:  []Input{figure("rate.design"), key("gateway.rate_per_instance").falling()},
			Compute: func(in []float64) float64 { return wholes(in[0] / in[1]) },
		},
		instances,
	}
	all = append(all, gatewayHeadroom()...)
	all = append(all, perRegion("gateway.instances.per_region", "gateways of each region", instances))
	all = append(all, gatewayBounds()...)
	return append(all, gatewaySpike()...)
}

// gatewayHeadroom lists what keeps requests from waiting for a core, and with
// it the recommended number.
//
// The work of a gateway is known by what it takes at the utilisation aimed at:
// the busy cores of the fleet are rate / rate_per_instance x cpu x utilisation.
// A balancer that knows who is idle makes the fleet one queue, which
// square-root staffing sizes; one that does not makes each gateway a queue of
// its own, of so few cores that Erlang C leaves much of them idle. The first
// must hold with a zone lost, the second in daily operation.
func gatewayHeadroom() []Figure {
	margin, err := queueing.Margin(waiting)
	if err != nil {
		panic("BUG: planner: " + err.Error())
	}
	return []Figure{
		{
			ID: "gateway.staffing", Title: "gateways that share their queue, by square-root staffing", Unit: units.Whole,
			// (a + Q√a) / cpu, where a = n x cpu busy cores.
			Formula: "ceil(n + Q x sqrt(n / gateway.cpu)), n = rate.design / gateway.rate_per_instance x service_levels.utilisation," +
				fmt.Sprintf(" Q = %.3f (30 %% wait)", margin),
			Inputs: []Input{
				figure("rate.design"), key("gateway.rate_per_instance").falling(),
				key("service_levels.utilisation"), key("gateway.cpu").falling(),
			},
			Compute: func(in []float64) float64 {
				n := in[0] / in[1] * in[2]
				return wholes(n + margin*math.Sqrt(n/in[3]))
			},
		},
		{
			ID: "gateway.headroom", Title: "idle share of a gateway with a queue of its own", Unit: units.Ratio,
			Formula: "1 - the utilisation at which by Erlang C 30 % wait for one of gateway.cpu cores",
			Inputs:  []Input{key("gateway.cpu").falling()},
			Compute: func(in []float64) float64 { return idleShare(in[0]) },
		},
		{
			ID: "gateway.headroom.instances", Title: "gateways with a queue of their own each", Unit: units.Whole,
			Formula: "ceil(rate.design / gateway.rate_per_instance x service_levels.utilisation / (1 - gateway.headroom))",
			Inputs: []Input{
				figure("rate.design"), key("gateway.rate_per_instance").falling(),
				key("service_levels.utilisation"), figure("gateway.headroom"),
			},
			Compute: func(in []float64) float64 {
				// One core waits for as often as it is busy; no gateway is less.
				return wholes(in[0] / in[1] * in[2] / max(1-in[3], waiting))
			},
		},
		{
			ID: "gateway.recommended", Title: "gateways with room to queue little", Unit: units.Whole,
			Formula: "max(gateway.instances, ceil(gateway.staffing x kafka.zones / (kafka.zones - 1)), gateway.headroom.instances)",
			Inputs: []Input{
				figure("gateway.instances"), figure("gateway.staffing"), key("kafka.zones").falling(),
				figure("gateway.headroom.instances"),
			},
			Compute: func(in []float64) float64 { return max(in[0], spareZone(in[1], in[2]), in[3]) },
		},
	}
}

// idleShare gives the share of a gateway's cores that must be idle; parts of a
// core do not count.
func idleShare(cores float64) float64 {
	const most = 1e9 // what queueing accepts
	share, err := queueing.Headroom(int(min(max(cores, 1), most)), waiting)
	if err != nil {
		panic("BUG: planner: " + err.Error())
	}
	return share
}

// gatewayBounds lists the autoscaler's bounds. Its least must take a spike
// before the autoscaler has seen it, since nothing queues before a gateway. Its
// most must let it have what it asks for at the design rate: more than is
// needed, if it acts below the utilisation that instances are meant for.
func gatewayBounds() []Figure {
	return []Figure{
		{
			ID: "gateway.autoscale.min", Title: "gateways that always run", Unit: units.Whole, Stated: "gateway.min",
			Formula: "max(ceil(max(rate.average, workload.spike.to) / gateway.rate_per_instance), kafka.zones)",
			Inputs: []Input{
				figure("rate.average"), key("workload.spike.to"), key("gateway.rate_per_instance").falling(), key("kafka.zones"),
			},
			Compute: func(in []float64) float64 { return max(wholes(max(in[0], in[1])/in[2]), in[3]) },
		},
		{
			ID: "gateway.autoscale.max", Title: "gateways that the autoscaler may start", Unit: units.Whole, Stated: "gateway.max",
			Formula: "max(gateway.recommended, ceil(gateway.instances x service_levels.utilisation / gateway.scale_up_cpu))",
			Inputs: []Input{
				figure("gateway.recommended"), figure("gateway.instances"),
				key("service_levels.utilisation"), key("gateway.scale_up_cpu").falling(),
			},
			Compute: func(in []float64) float64 { return max(in[0], wholes(in[1]*in[2]/in[3])) },
		},
	}
}

// gatewaySpike lists what a spike does to the gateways that run before it.
func gatewaySpike() []Figure {
	return []Figure{
		{
			ID: "gateway.spike.excess", Title: "rate of a spike that no gateway takes", Unit: units.PerSecond,
			Formula: "max(workload.spike.to - max(gateway.min x gateway.rate_per_instance, workload.spike.from), 0)",
			Inputs: []Input{
				key("workload.spike.to"), key("gateway.min").falling(), key("gateway.rate_per_instance").falling(),
				key("workload.spike.from").falling(),
			},
			Compute: func(in []float64) float64 { return max(in[0]-max(in[1]*in[2], in[3]), 0) },
		},
		{
			ID: "gateway.spike.duration", Title: "time until more gateways serve", Unit: units.Seconds,
			Formula: "gateway.scale_up_after + deployment.start_delay",
			Inputs:  []Input{key("gateway.scale_up_after"), key("deployment.start_delay")},
			Compute: func(in []float64) float64 { return in[0] + in[1] },
		},
		{
			ID: "gateway.spike.refused", Title: "notifications that a spike makes gateways refuse", Unit: units.Whole,
			Formula: "ceil(gateway.spike.excess x gateway.spike.duration)",
			Inputs:  []Input{figure("gateway.spike.excess"), figure("gateway.spike.duration")},
			Compute: func(in []float64) float64 { return wholes(product(in)) },
		},
	}
}

// gatewayCeilings lists what the gateways of a plan can bear.
func gatewayCeilings() []ceiling {
	return []ceiling{{
		title: "gateways", need: "gateway.instances", capacity: key("gateway.max"), driver: byRate,
		lead: "growth.lead_times.gateway", action: "raise the autoscaler's maximum",
	}}
}
