package planner

import (
	"fmt"

	"github.com/notifyctl/notifyctl/planner/units"
)

// growthRules lists the contradictions in what a plan says of its growth.
func growthRules() []auditRule {
	const component = "growth"
	return []auditRule{
		{name: "headroom-over-capacity", component: component, severity: Warning, examine: headroomOverCapacity},
		{name: "current-peak-off-workload", component: component, severity: Warning, examine: currentPeakOffWorkload},
		{name: "growth-step-too-late", component: component, severity: Error, examine: growthStepTooLate},
		{name: "growth-outruns-steps", component: component, severity: Warning, examine: growthOutrunsSteps},
		{name: "order-overdue", component: component, severity: Warning, examine: orderOverdue},
	}
}

// headroomOverCapacity finds headroom that is counted from the capacity which a
// step replaces, and not from the demand that it has to carry.
func headroomOverCapacity(f *facts) []Finding {
	const id = "growth.headroom"
	claim, claimed := f.plan.Claims.Find(id)
	headroom := f.rangeOf(figure(id))
	if !claimed || agree(claim.Value, headroom) {
		return nil
	}
	design, capacity := f.rangeOf(figure("rate.design")), f.rangeOf(figure("growth.capacity"))
	over := units.Range{Low: capacity.Low/design.High - 1, High: capacity.High/design.Low - 1}
	if !agree(claim.Value, over) {
		return nil
	}
	demand := f.rangeOf(figure("growth.demand"))
	spare := units.Humanize(units.Ratio, headroom)
	return []Finding{{
		Claim: id, Stated: &claim.Value.Low, Derived: &headroom.Low, Unit: units.Ratio,
		Message: fmt.Sprintf("%s is %s over today's capacity of %s, and %s over the %s that a year's growth brings",
			ofRate(capacity), units.Humanize(units.Ratio, over), ofRate(design), spare, ofRate(demand)),
		Remedy: fmt.Sprintf("%s of headroom, or a first step to %s", spare,
			ofRate(units.Exactly(demand.High*(1+claim.Value.Low)))),
	}}
}

// currentPeakOffWorkload finds a growth that starts at another peak than the
// one that follows from the workload.
func currentPeakOffWorkload(f *facts) []Finding {
	current, peak := f.rangeOf(key("growth.current_peak")), f.rangeOf(figure("rate.peak"))
	if agree(current, peak) {
		return nil
	}
	return []Finding{{
		Stated: &current.High, Derived: &peak.High, Unit: units.PerSecond,
		Message: fmt.Sprintf("growth starts at a peak of %s, and that of the workload is %s", ofRate(current), ofRate(peak)),
		Remedy:  fmt.Sprintf("growth.current_peak: %s, or another workload", ofRate(peak)),
	}}
}

// growthStepTooLate finds steps that are done after growth has passed the
// capacity before them.
func growthStepTooLate(f *facts) []Finding {
	var findings []Finding
	before := f.plan.Workload.DesignRate.Low
	for _, s := range f.plan.growthSteps(f.plan.forecast()) {
		if s.Late() {
			findings = append(findings, Finding{
				Message: fmt.Sprintf("the step to %s is done by %s, and growth passes the %s before it on %s",
					ofRate(s.Capacity.Range), s.Date, ofRate(units.Exactly(before)), s.Needed),
				Remedy: fmt.Sprintf("the step by %s, or a larger one before it", s.Needed),
			})
		}
		before = max(before, s.Capacity.Low)
	}
	return findings
}

// growthOutrunsSteps finds growth that passes the capacity of the last step
// within the years that the plan looks ahead.
func growthOutrunsSteps(f *facts) []Finding {
	growth, capacity := f.plan.forecast(), f.plan.Workload.DesignRate.Low
	for _, s := range f.plan.Growth.Steps {
		capacity = max(capacity, s.Capacity.Low)
	}
	day, passed := growth.passes(capacity / growth.peak)
	if !passed {
		return nil
	}
	reached := growth.peakAfter(growth.years)
	return []Finding{{
		Stated: &capacity, Derived: &reached, Unit: units.PerSecond,
		Message: fmt.Sprintf("growth reaches %s by %s, and passes the %s that are built and planned for on %s",
			ofRate(units.Exactly(reached)), growth.from.year(growth.years), ofRate(units.Exactly(capacity)), day),
		Remedy: fmt.Sprintf("a step to %s by %s", ofRate(units.Exactly(reached)), day),
	}}
}

// orderOverdue finds ceilings that hold today, and break before more could be
// had if it were ordered now.
func orderOverdue(f *facts) []Finding {
	var findings []Finding
	for _, c := range f.ceilings {
		if c.Date.IsZero() || !f.plan.AsOf.before(c.Date) || !c.OrderBy.before(f.plan.AsOf) {
			continue
		}
		findings = append(findings, Finding{
			Message: fmt.Sprintf("%s (%s) breaks on %s, and more had to be ordered by %s", c.Title, c.Given, c.Date, c.OrderBy),
			Remedy:  "now: " + c.Action,
		})
	}
	return findings
}
