package main

import (
	"github.com/notifyctl/notifyctl/pipeline/engine"
	"github.com/notifyctl/notifyctl/pipeline/policy"
	"github.com/notifyctl/notifyctl/planner"
)

// scalingConfig takes from a plan how a deployment of it is balanced and scaled:
// how many there are from the deployment, when to have more or fewer from what is
// planned.
func scalingConfig(plan *planner.Plan) engine.Scaling {
	d, g := plan.Deployment, plan.Gateway
	return engine.Scaling{
		Regions: d.Regions, Gateways: d.Gateways, GatewayRate: d.GatewayRate,
		Elasticity: d.Elasticity, StartDelay: d.StartDelay,
		Policy:      plan.Workers.Policy,
		Utilisation: plan.ServiceLevels.Utilisation.Float(),
		Lag:         plan.ServiceLevels.QueueLag.Duration(),
		Fleet: policy.FleetTargets{
			Utilisation:   plan.ServiceLevels.Utilisation.Float(),
			UpUtilisation: g.ScaleUpCPU.Float(), UpAfter: g.ScaleUpAfter.Duration(), UpP99: g.ScaleUpP99.Duration(),
			DownUtilisation: g.ScaleDownCPU.Float(), DownAfter: g.ScaleDownAfter.Duration(),
		},
	}
}
