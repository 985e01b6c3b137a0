package planner

import "github.com/notifyctl/notifyctl/planner/units"

// gatewayFigures lists what the API gateways need.
func gatewayFigures() []Figure {
	instances := Figure{
		ID: "gateway.instances", Title: "gateways", Unit: units.Whole,
		Formula: "ceil(gateway.minimum x kafka.zones / (kafka.zones - 1))",
		Inputs:  []Input{figure("gateway.minimum"), key("kafka.zones").falling()},
		Compute: func(in []float64) float64 { return spareZone(in[0], in[1]) },
	}
	return []Figure{
		{
			ID: "gateway.minimum", Title: "gateways without room", Unit: units.Whole,
			Formula: "ceil(rate.design / gateway.rate_per_instance)",
			Inputs:  []Input{figure("rate.design"), key("gateway.rate_per_instance").falling()},
			Compute: func(in []float64) float64 { return wholes(in[0] / in[1]) },
		},
		instances,
		perRegion("gateway.instances.per_region", "gateways of each region", instances),
	}
}

// gatewayCeilings lists what the gateways of a plan can bear.
func gatewayCeilings() []ceiling {
	return []ceiling{{
		title: "gateways", need: "gateway.instances", capacity: key("gateway.max"), driver: byRate,
		lead: "growth.lead_times.gateway", action: "raise the autoscaler's maximum",
	}}
}
