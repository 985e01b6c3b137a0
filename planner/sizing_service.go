package planner

import "github.com/notifyctl/notifyctl/planner/units"

// serviceFigures lists what the notification services need.
func serviceFigures() []Figure {
	instances := Figure{
		ID: "service.instances", Title: "notification services", Unit: units.Whole,
		Formula: "ceil(service.minimum x kafka.zones / (kafka.zones - 1))",
		Inputs:  []Input{figure("service.minimum"), key("kafka.zones").falling()},
		Compute: func(in []float64) float64 { return spareZone(in[0], in[1]) },
	}
	return []Figure{
		{
			ID: "service.minimum", Title: "notification services without room", Unit: units.Whole,
			Formula: "ceil(rate.design / service.rate_per_instance)",
			Inputs:  []Input{figure("rate.design"), key("service.rate_per_instance").falling()},
			Compute: func(in []float64) float64 { return wholes(in[0] / in[1]) },
		},
		instances,
		{
			ID: "service.recommended", Title: "notification services at the utilisation aimed at", Unit: units.Whole,
			Formula: "ceil(service.instances / service_levels.utilisation)",
			Inputs:  []Input{figure("service.instances"), key("service_levels.utilisation").falling()},
			Compute: func(in []float64) float64 { return wholes(in[0] / in[1]) },
		},
		perRegion("service.instances.per_region", "notification services of each region", instances),
		{
			ID: "service.connections", Title: "database connections of the services", Unit: units.Whole,
			Formula: "service.instances x service.connections_per_instance",
			Inputs:  []Input{figure("service.instances"), key("service.connections_per_instance")},
			Compute: product,
		},
		{
			ID: "service.connections.maximum", Title: "database connections once the services are scaled up", Unit: units.Whole,
			Formula: "service.max x service.connections_per_instance",
			Inputs:  []Input{key("service.max"), key("service.connections_per_instance")},
			Compute: product,
		},
	}
}

// serviceCeilings lists what the services of a plan can bear.
func serviceCeilings() []ceiling {
	return []ceiling{{
		title: "notification services", need: "service.instances", capacity: key("service.max"), driver: byRate,
		lead: "growth.lead_times.service", action: "raise the autoscaler's maximum, and with it the databases' connections",
	}}
}
