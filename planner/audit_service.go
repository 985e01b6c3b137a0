package planner

import (
	"fmt"
	"math"

	"github.com/notifyctl/notifyctl/planner/units"
)

// serviceRules lists the contradictions in what a plan says of its services.
func serviceRules() []auditRule {
	return []auditRule{
		noSpareZone("service", "notification services"),
		maximumBelowNeed("service", "notification services"),
		{name: "connections-at-maximum", component: "service", severity: Warning, examine: connectionsAtMaximum},
	}
}

// connectionsAtMaximum finds a number of database connections that holds for
// the services of today, and not for as many as the autoscaler may start: the
// databases refuse the rest at the very moment of the greatest load.
func connectionsAtMaximum(f *facts) []Finding {
	claim, ok := f.plan.Claims.Find("postgres.connections")
	most := f.value(figure("service.connections.maximum"))
	if !ok || claim.Value.High >= most {
		return nil
	}
	each := f.value(key("service.connections_per_instance"))
	return []Finding{{
		Stated: &claim.Value.High, Derived: &most, Unit: units.Whole,
		Message: fmt.Sprintf("%s connections are stated, and the autoscaler may start %s services of %s each: %s",
			ofCount(claim.Value), ofCount(f.rangeOf(key("service.max"))),
			count(each), count(most)),
		Remedy: fmt.Sprintf("service.max: %s, or a pooler before the databases that bounds what reaches them",
			count(math.Floor(claim.Value.High/each))),
	}}
}
