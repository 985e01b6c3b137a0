package planner

import (
	"fmt"
	"strings"

	"github.com/notifyctl/notifyctl/planner/catalog"
	"github.com/notifyctl/notifyctl/planner/units"
)

// workerRules lists the contradictions in what a plan says of its workers.
func workerRules() []auditRule {
	return append([]auditRule{
		{name: "workers-below-design-rate", component: "workers", severity: Error, examine: workersBelowDesignRate},
		{name: "minimum-above-design-rate", component: "workers", severity: Warning, examine: minimumAboveDesignRate},
		{name: "batched-rate-out-of-reach", component: "workers", severity: Warning, examine: batchedRateOutOfReach},
	}, workerPolicyRules()...)
}

// workersBelowDesignRate finds a channel whose pool, at its largest, does not
// carry the design rate one notification at a time, or not as the plan calls the
// provider.
func workersBelowDesignRate(f *facts) []Finding {
	var findings []Finding
	for _, channel := range channels() {
		id := "workers." + channel
		most := f.rangeOf(key(id + ".max")).Low
		unbatched, batched, needed := f.value(figure(id+".unbatched")), f.value(figure(id+".batched")), f.value(figure(id+".needed"))
		if unbatched <= most && needed <= most {
			continue
		}
		derived := unbatched
		if needed > most {
			derived = needed
		}
		findings = append(findings, Finding{
			Severity: f.withoutBatches(channel, needed > most), Stated: &most, Derived: &derived, Unit: units.Whole,
			Message: fmt.Sprintf("%s needs %s workers for %s one at a time, or %s in batches, and may have %s",
				channel, count(unbatched), perSecond(f.value(figure("rate."+channel))), count(batched), count(most)),
			Remedy: f.moreOrBatches(channel, count(derived)+" "+channel+" workers"),
		})
	}
	return findings
}

// withoutBatches says how bad it is that a channel falls short: an error if it
// does as the plan calls the provider, or if it depends on batches that the
// provider does not take; else it will surprise when batches do not fill.
func (f *facts) withoutBatches(channel string, short bool) Severity {
	if short || !f.primary(channel).RealBatch {
		return Error
	}
	return Warning
}

// moreOrBatches words what helps a channel that is short of something when it
// sends one at a time.
func (f *facts) moreOrBatches(channel, more string) string {
	primary := f.primary(channel)
	if primary.RealBatch {
		return fmt.Sprintf("%s, or full batches: %s takes %s in a call", more, primary.Title, count(float64(primary.MaxBatch)))
	}
	if primary.Multiplexed {
		return fmt.Sprintf("%s, or many calls at once on each: %s speaks HTTP/2, but takes no batches", more, primary.Title)
	}
	return fmt.Sprintf("%s: %s takes no batches", more, primary.Title)
}

// primary gives what is known of the provider that a channel is sent by.
func (f *facts) primary(channel string) catalog.Provider {
	return provider(f.providersOf(channel).primary)
}

// minimumAboveDesignRate finds pools whose fewest workers are more than the
// design rate takes: nothing is ever scaled.
func minimumAboveDesignRate(f *facts) []Finding {
	var over, minima []string
	var always, needed float64
	for _, channel := range channels() {
		fewest, need := f.rangeOf(key("workers."+channel+".min")).Low, f.value(figure("workers."+channel+".needed"))
		if fewest <= need || need == 0 {
			continue
		}
		over = append(over, fmt.Sprintf("%s %s of %s", channel, count(need), count(fewest)))
		minima = append(minima, fmt.Sprintf("workers.%s.min: %s", channel, count(need)))
		always, needed = always+fewest, needed+need
	}
	if over == nil {
		return nil
	}
	message := fmt.Sprintf("%s needs fewer workers than always run (%s): the minima are %.3gx over, and autoscaling never starts one",
		perSecond(f.value(figure("rate.design"))), strings.Join(over, ", "), always/needed)
	if f.plan.choices().batchesEverywhere() {
		message = fmt.Sprintf("the workers that always run carry %s in batches, and %s", perSecond(f.value(figure("workers.capacity.min.batched"))), message)
	}
	if most := f.value(figure("workers.capacity.max.unbatched")); most < f.value(figure("rate.design")) {
		message += fmt.Sprintf("; one at a time, all that may run carry %s", perSecond(most))
	}
	return []Finding{{
		Stated: &always, Derived: &needed, Unit: units.Whole, Message: message,
		Remedy: "lower minima, as far as a spike allows: " + strings.Join(minima, ", "),
	}}
}

// batchesEverywhere says whether the plan sends all channels in batches.
func (c choices) batchesEverywhere() bool {
	for _, channel := range channels() {
		if c.wireOf(channel) == "single" {
			return false
		}
	}
	return true
}

// batchedRateOutOfReach finds a channel whose batches are too small for the rate
// that the plan reckons a worker with: one that fills each sends no more than a
// batch in the time of a call.
func batchedRateOutOfReach(f *facts) []Finding {
	var findings []Finding
	reckoned, took := f.rangeOf(key("workers.batched_rate")).Low, f.rangeOf(key("providers.batch_time")).Low
	for _, channel := range channels() {
		batch := f.value(key("workers." + channel + ".batch"))
		reached := batch / took
		if f.plan.choices().wireOf(channel) == "single" || reached >= reckoned*(1-1e-9) || f.value(figure("rate."+channel)) == 0 {
			continue
		}
		findings = append(findings, Finding{
			Stated: &reckoned, Derived: &reached, Unit: units.PerSecond,
			Message: fmt.Sprintf("a worker is reckoned to send %s, and batches of %s in calls of %s make %s of %s",
				perSecond(reckoned), count(batch), ofTime(units.Exactly(took)), perSecond(reached), channel),
			Remedy: fmt.Sprintf("batches of %s, or workers.batched_rate: %s", count(wholes(reckoned*took)), perSecond(reached)),
		})
	}
	return findings
}

// perSecond writes a rate for reading.
func perSecond(v float64) string { return ofRate(units.Exactly(v)) }
