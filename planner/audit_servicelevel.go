package planner

import (
	"fmt"

	"github.com/notifyctl/notifyctl/planner/units"
)

// serviceLevelRules lists the contradictions between the levels that a plan
// promises, and between them and what it builds.
func serviceLevelRules() []auditRule {
	const component = "service_levels"
	return []auditRule{
		{name: "queue-depth-against-lag", component: component, severity: Warning, examine: queueDepthAgainstLag},
		{name: "spike-outruns-scale-up", component: component, severity: Error, examine: spikeOutrunsScaleUp},
		{name: "unbatched-workers-below-rate", component: component, severity: Warning, examine: unbatchedWorkersBelowRate},
	}
}

// queueDepthAgainstLag finds a depth and a lag that are not two words for one
// state. By Little's law what waits is the rate times the time it waits, so
// the depth should be that of the lag at some rate between the average and the
// design rate.
func queueDepthAgainstLag(f *facts) []Finding {
	depth, lag := f.rangeOf(key("service_levels.queue_depth")), f.rangeOf(key("service_levels.queue_lag"))
	average, design := f.rangeOf(figure("rate.average")), f.rangeOf(figure("rate.design"))
	least, most := min(average.Low, design.Low)*lag.Low, max(average.High, design.High)*lag.High
	if agree(depth, units.Range{Low: least, High: most}) {
		return nil
	}
	meant := units.Range{Low: depth.Low / design.High, High: depth.High / design.Low}
	atDesign := units.Range{Low: design.Low * lag.Low, High: design.High * lag.High}
	waiting := ofCount(atDesign)
	consequence := "a scaler that acts on the depth acts on noise at the peak, and sleeps on a channel that stalls at night"
	if depth.Low > most {
		consequence = "a scaler that acts on the depth acts long after the lag is broken"
	}
	return []Finding{{
		Stated: &depth.High, Derived: &atDesign.High, Unit: units.Whole,
		Message: fmt.Sprintf("at %s a depth of %s is a lag of %s, and a lag of %s is a depth of %s: %s", ofRate(design),
			ofCount(depth), ofTime(meant), ofTime(lag), waiting, consequence),
		Remedy: fmt.Sprintf("scale by the lag alone, or by a depth of %s at the design rate", waiting),
	}}
}

// spikeOutrunsScaleUp finds a spike whose backlog, until more capacity serves,
// is deeper than the queues may get.
func spikeOutrunsScaleUp(f *facts) []Finding {
	backlog, depth := f.rangeOf(figure("spike.backlog")), f.rangeOf(key("service_levels.queue_depth"))
	if backlog.High <= depth.High || f.alwaysCarried(f.rangeOf(key("workload.spike.to")).High) {
		return nil
	}
	jump, to := f.rangeOf(figure("spike.jump")), f.rangeOf(key("workload.spike.to"))
	takes := ofTime(f.rangeOf(key("service_levels.scale_up")))
	waiting := ofCount(backlog)
	inTime := ofTime(units.Exactly(depth.High / jump.High))
	return []Finding{{
		Stated: &depth.High, Derived: &backlog.High, Unit: units.Whole,
		Message: fmt.Sprintf("a jump of %s that is met after %s leaves %s waiting, over a depth of %s; with all workers that %s in batches, and %s one at a time",
			ofRate(jump), takes, waiting, ofCount(depth),
			f.drain(backlog.High, to.High, "batched"), f.drain(backlog.High, to.High, "unbatched")),
		Remedy: fmt.Sprintf("capacity for %s that always runs, or is there within %s; or a depth of %s for as long as a spike lasts",
			ofRate(to), inTime, waiting),
	}}
}

// alwaysCarried reports whether the workers that always run carry a rate, on
// every channel its share: then nothing waits for more of them. Batches count
// where the provider takes them.
func (f *facts) alwaysCarried(rate float64) bool {
	for _, channel := range channels() {
		each := key("workers." + channel + ".rate")
		if f.plan.choices().wireOf(channel) == "batch" && f.primary(channel).RealBatch {
			each = key("workers.batched_rate")
		}
		carried := f.rangeOf(key("workers."+channel+".min")).Low * f.rangeOf(each).Low
		if carried < rate*f.rangeOf(key("workload.channels."+channel)).High*(1-1e-9) {
			return false
		}
	}
	return true
}

// drain says how long all workers take to send a backlog while more arrives,
// with batches or without.
func (f *facts) drain(backlog, arriving float64, form string) string {
	spare := f.value(figure("workers.capacity.max."+form)) - arriving
	if spare <= 0 {
		return "never drains"
	}
	return "drains in " + ofTime(units.Exactly(backlog/spare))
}

// unbatchedWorkersBelowRate finds workers that carry what arrives only if each
// call holds a batch: those that always run less than the average, or all of
// them less than the peak.
func unbatchedWorkersBelowRate(f *facts) []Finding {
	least, most := f.value(figure("workers.capacity.min.unbatched")), f.value(figure("workers.capacity.max.unbatched"))
	average, peak := f.value(figure("rate.average")), f.value(figure("rate.peak"))
	if most >= peak && least >= average {
		return nil
	}
	show := func(v float64) string { return ofRate(units.Exactly(v)) }
	found := Finding{
		Stated: &most, Derived: &peak, Unit: units.PerSecond,
		Message: fmt.Sprintf("one notification a call, the workers that always run carry %s and all of them %s; %s arrive on average, and %s at the peak",
			show(least), show(most), show(average), show(peak)),
		Remedy: fmt.Sprintf("batches on every channel, or workers for %s that always run and for %s in all", show(average), show(peak)),
	}
	if most >= peak {
		// The autoscaler makes up for it, if later than the plan may think.
		found.Severity, found.Stated, found.Derived = Info, &least, &average
	}
	return []Finding{found}
}
