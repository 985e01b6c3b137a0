package planner

import (
	"fmt"

	"github.com/notifyctl/notifyctl/planner/units"
)

// workloadRules lists the contradictions in what a plan says of its workload.
func workloadRules() []auditRule {
	return []auditRule{
		{name: "design-rate-off-peak", component: "workload", severity: Warning, examine: designRateOffPeak},
		{name: "spike-over-design-rate", component: "workload", severity: Warning, examine: spikeOverDesignRate},
	}
}

// designRateOffPeak finds a design rate that is another multiple of the average
// than the peak factor. A higher one is headroom that nobody declared; under a
// lower one the system does not carry its own peak.
func designRateOffPeak(f *facts) []Finding {
	average, design := f.rangeOf(figure("rate.average")), f.rangeOf(figure("rate.design"))
	peak, factor := f.rangeOf(figure("rate.peak")), f.rangeOf(key("workload.peak_factor"))
	implied := units.Range{Low: design.Low / average.High, High: design.High / average.Low}
	if agree(factor, implied) {
		return nil
	}
	multiple := units.Humanize(units.Scalar, implied)
	found := Finding{
		Stated: &factor.High, Derived: &implied.High, Unit: units.Scalar,
		Message: fmt.Sprintf("the design rate of %s is %s times the average of %s, and the peak factor is %s",
			ofRate(design), multiple, ofRate(average), units.Humanize(units.Scalar, factor)),
		Remedy: fmt.Sprintf("a peak factor of %s, or a design rate of %s", multiple, ofRate(peak)),
	}
	if implied.High < factor.Low {
		found.Severity = Error
		return []Finding{found}
	}
	headroom := units.Range{Low: design.Low/peak.High - 1, High: design.High/peak.Low - 1}
	found.Remedy += fmt.Sprintf(", or call the %s between them headroom", units.Humanize(units.Ratio, headroom))
	return []Finding{found}
}

// ofRate writes a rate for a message.
func ofRate(r units.Range) string { return units.Humanize(units.PerSecond, r) }

// spikeOverDesignRate finds a spike to more than anything is built for. It may
// be the reference's, in a plan of another size that leaves its own out.
func spikeOverDesignRate(f *facts) []Finding {
	to, design := f.rangeOf(key("workload.spike.to")), f.rangeOf(figure("rate.design"))
	if to.Low <= design.High*(1+claimTolerance) {
		return nil
	}
	return []Finding{{
		Stated: &to.Low, Derived: &design.High, Unit: units.PerSecond,
		Message: fmt.Sprintf("a spike to %s is over the design rate of %s, and nothing is built to take more than that", ofRate(to), ofRate(design)),
		Remedy:  fmt.Sprintf("workload.spike.to: %s, or a larger design rate", ofRate(units.Exactly(design.High))),
	}}
}
