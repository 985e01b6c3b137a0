package planner

import "github.com/notifyctl/notifyctl/planner/units"

// spikeFigures lists what follows from a sudden jump of the rate. What runs
// before it is taken to carry the rate before it, and no more.
func spikeFigures() []Figure {
	return []Figure{
		{
			ID: "spike.jump", Title: "jump of the rate in a spike", Unit: units.PerSecond,
			Formula: "workload.spike.to - workload.spike.from, at least 0",
			Inputs:  []Input{key("workload.spike.to"), key("workload.spike.from").falling()},
			Compute: func(in []float64) float64 { return max(in[0]-in[1], 0) },
		},
		{
			ID: "spike.backlog", Title: "backlog of a spike, until more capacity serves", Unit: units.Whole,
			Formula: "spike.jump x service_levels.scale_up",
			Inputs:  []Input{figure("spike.jump"), key("service_levels.scale_up")},
			Compute: product,
		},
	}
}
