package planner

import (
	"fmt"

	"github.com/notifyctl/notifyctl/planner/units"
)

// gatewayRules lists the contradictions in what a plan says of its gateways.
func gatewayRules() []auditRule {
	return []auditRule{
		noSpareZone("gateway", "gateways"),
		maximumBelowNeed("gateway", "gateways"),
		{name: "spike-before-scaling", component: "gateway", severity: Error, examine: spikeBeforeScaling},
		{name: "scales-inside-target", component: "gateway", severity: Warning, examine: scalesInsideTarget},
	}
}

// noSpareZone finds a fleet that is claimed to be enough and is not, once the
// largest zone is lost. The ends of the two ranges belong together: the fewest
// instances are those of the highest rate an instance.
func noSpareZone(component, title string) auditRule {
	id := component + ".instances"
	return auditRule{name: "no-spare-zone", component: component, severity: Warning, examine: func(f *facts) []Finding {
		claim, ok := f.plan.Claims.Find(id)
		if !ok {
			return nil
		}
		need, bare := f.rangeOf(figure(id)), f.rangeOf(figure(component+".minimum"))
		rate := f.rangeOf(key(component + ".rate_per_instance"))
		stated, needed, without, each := claim.Value.Low, need.Low, bare.Low, rate.High
		if stated >= needed {
			stated, needed, without, each = claim.Value.High, need.High, bare.High, rate.Low
		}
		if stated >= needed {
			return nil
		}
		design := f.rangeOf(figure("rate.design"))
		why := "nothing to spare"
		switch {
		case stated < without:
			why = "fewer than the " + count(without) + " that carry it at all"
		case stated > without:
			why = count(stated-without) + " to spare"
		}
		remedy := fmt.Sprintf("%s %s", count(needed), title)
		if !need.Exact() {
			remedy += fmt.Sprintf(", or %s where one takes %s", count(need.High), ofRate(units.Exactly(rate.Low)))
		}
		return []Finding{{
			Claim: id, Stated: &stated, Derived: &needed, Unit: units.Whole,
			Message: fmt.Sprintf("%s %s of %s each for %s: %s, and %s are needed to lose the largest of %s zones",
				count(stated), title, ofRate(units.Exactly(each)),
				ofRate(design), why, count(needed),
				ofCount(f.rangeOf(key("kafka.zones")))),
			Remedy: remedy,
		}}
	}}
}

// maximumBelowNeed finds an autoscaler that may not start what is needed.
func maximumBelowNeed(component, title string) auditRule {
	return auditRule{name: "maximum-below-need", component: component, severity: Error, examine: func(f *facts) []Finding {
		most, need := f.rangeOf(key(component+".max")).Low, f.rangeOf(figure(component+".instances"))
		if need.High <= most {
			return nil
		}
		finding := Finding{
			Stated: &most, Derived: &need.High, Unit: units.Whole,
			Message: fmt.Sprintf("the autoscaler may start %s %s, and the design rate needs %s with a zone lost",
				count(most), title, ofCount(need)),
			Remedy: fmt.Sprintf("%s.max: %s", component, count(need.High)),
		}
		if need.Low <= most {
			finding.Severity = Warning // it may do
		}
		return []Finding{finding}
	}}
}

// spikeBeforeScaling finds a spike that is over the gateways which run before
// it. No queue stands before them, so what they do not take is refused until
// more of them serve.
func spikeBeforeScaling(f *facts) []Finding {
	excess := f.rangeOf(figure("gateway.spike.excess"))
	if excess.High == 0 {
		return nil
	}
	least, rate := f.rangeOf(key("gateway.min")), f.rangeOf(key("gateway.rate_per_instance"))
	need := f.rangeOf(figure("gateway.autoscale.min"))
	stated, derived := least.Low, need.Low
	if stated >= derived {
		derived = need.High
	}
	carried := units.Range{Low: least.Low * rate.Low, High: least.High * rate.High}
	return []Finding{{
		Stated: &stated, Derived: &derived, Unit: units.Whole,
		Message: fmt.Sprintf("%s gateways take %s: a jump to %s is %s more for at least %s, %s notifications that are refused, since no queue stands before the gateways",
			ofCount(least), ofRate(carried),
			ofRate(f.rangeOf(key("workload.spike.to"))), ofRate(excess),
			ofCount(f.rangeOf(figure("gateway.spike.duration")))+" s",
			ofCount(f.rangeOf(figure("gateway.spike.refused")))),
		Remedy: fmt.Sprintf("%s gateways that always run, or more of them started before a spike that is known of",
			ofCount(need)),
	}}
}

// scalesInsideTarget finds an autoscaler that acts at a utilisation which the
// fleet is meant to run at: it then never gets there.
func scalesInsideTarget(f *facts) []Finding {
	up, target := f.rangeOf(key("gateway.scale_up_cpu")), f.rangeOf(key("service_levels.utilisation"))
	if up.Low >= target.High {
		return nil
	}
	where := "inside"
	switch {
	case up.Low == target.Low:
		where = "on the floor of"
	case up.Low < target.Low:
		where = "below"
	}
	return []Finding{{
		Stated: &up.Low, Derived: &target.High, Unit: units.Ratio,
		Message: fmt.Sprintf("the gateways scale up at %s CPU, %s the utilisation of %s that is aimed at: the fleet grows while it is where it should be",
			units.Humanize(units.Ratio, up), where, units.Humanize(units.Ratio, target)),
		Remedy: fmt.Sprintf("scale up above %s, or aim at less than %s",
			units.Humanize(units.Ratio, units.Exactly(target.High)), units.Humanize(units.Ratio, units.Exactly(up.Low))),
	}}
}
