package planner

import (
	"fmt"

	"github.com/notifyctl/notifyctl/planner/catalog"
	"github.com/notifyctl/notifyctl/planner/units"
)

// providerRules lists the contradictions between what a plan asks of its
// providers and what they are known to take.
func providerRules() []auditRule {
	return []auditRule{
		{name: "push-over-quota", component: "providers", severity: Error, examine: pushOverQuota},
		{name: "quota-over-default", component: "providers", severity: Info, examine: quotaOverDefault},
		{name: "batches-not-offered", component: "providers", severity: Error, examine: batchesNotOffered},
		{name: "batch-over-limit", component: "providers", severity: Error, examine: batchOverLimit},
		{name: "backup-takes-smaller-batches", component: "providers", severity: Info, examine: backupTakesSmallerBatches},
		{name: "too-few-senders", component: "providers", severity: Error, examine: tooFewSenders},
		{name: "sender-rate-over-default", component: "providers", severity: Warning, examine: senderRateOverDefault},
		{name: "too-few-connections", component: "providers", severity: Error, examine: tooFewConnections},
	}
}

// providerNames are those of the two providers of a channel.
type providerNames struct{ primary, backup string }

// providersOf gives the names of a channel's providers.
func (f *facts) providersOf(channel string) providerNames {
	c := f.plan.choices()
	switch channel {
	case "push":
		return providerNames{c.pushPrimary, c.pushBackup}
	case "email":
		return providerNames{c.emailPrimary, c.emailBackup}
	case "sms":
		return providerNames{c.smsPrimary, c.smsBackup}
	}
	panic("BUG: planner: there is no channel " + channel)
}

// provider gives what is known of a provider of the plan.
func provider(name string) catalog.Provider {
	p, ok := catalog.Lookup(name)
	if !ok {
		panic("BUG: planner: there is no provider " + name)
	}
	return p
}

// batching lists the channels that are sent, and in batches.
func (f *facts) batching() []string {
	var all []string
	for _, channel := range channels() {
		if f.plan.choices().wireOf(channel) != "single" && f.value(figure("rate."+channel)) > 0 {
			all = append(all, channel)
		}
	}
	return all
}

// pushOverQuota finds a design rate of push that the projects' quotas do not
// allow.
func pushOverQuota(f *facts) []Finding {
	granted, rate := f.value(figure("providers.push.granted")), f.value(figure("rate.push"))
	projects := f.value(figure("providers.push.projects"))
	if rate <= granted {
		return nil
	}
	each := f.rangeOf(key("providers.push.quota")).Low
	share := percent(granted / f.value(figure("rate.design")))
	return []Finding{{
		Stated: &granted, Derived: &rate, Unit: units.PerSecond,
		Message: fmt.Sprintf("%s of push is over the quota of %s (%s x %s): more than %s of the design rate may not be push",
			perSecond(rate), perSecond(granted), count(f.rangeOf(key("providers.push.projects")).Low), perSecond(each), share),
		Remedy: fmt.Sprintf("%s projects, or a quota of %s a minute", count(projects), count(rate*secondsPerMinute)),
	}}
}

// secondsPerMinute serves the quotas that providers count by the minute.
const secondsPerMinute = 60

// quotaOverDefault finds a quota that the provider grants on request alone.
func quotaOverDefault(f *facts) []Finding {
	primary, quota := f.primary("push"), f.rangeOf(key("providers.push.quota")).Low
	if primary.Quota == 0 || quota <= primary.Quota*(1+1e-9) {
		return nil
	}
	return []Finding{{
		Stated: &quota, Derived: &primary.Quota, Unit: units.PerSecond,
		Message: fmt.Sprintf("a quota of %s is over the %s that %s grants a project by default", perSecond(quota), perSecond(primary.Quota), primary.Title),
		Remedy:  fmt.Sprintf("have it granted, %s ahead, or divide push over more projects", ofTime(f.rangeOf(key("growth.lead_times.quota")))),
	}}
}

// batchesNotOffered finds a channel that is sent in batches to a provider that
// takes one notification a call.
func batchesNotOffered(f *facts) []Finding {
	var findings []Finding
	for _, channel := range f.batching() {
		primary, batch := f.primary(channel), f.value(key("workers."+channel+".batch"))
		if primary.RealBatch || batch <= 1 {
			continue
		}
		one := 1.0
		findings = append(findings, Finding{
			Stated: &batch, Derived: &one, Unit: units.Whole,
			Message: fmt.Sprintf("%s is sent %s in a call, and %s takes one: %s calls/s, not %s",
				channel, count(batch), primary.Title,
				count(f.value(figure("providers."+channel+".calls.unbatched"))), count(f.value(figure("providers."+channel+".calls.batched")))),
			Remedy: fmt.Sprintf("providers.%s.wire: single, with %s calls open at once", channel, count(f.value(figure("providers."+channel+".connections.unbatched")))),
		})
	}
	return findings
}

// batchOverLimit finds batches that are larger than the provider takes.
func batchOverLimit(f *facts) []Finding {
	var findings []Finding
	for _, channel := range f.batching() {
		primary, batch := f.primary(channel), f.value(key("workers."+channel+".batch"))
		limit := float64(primary.MaxBatch)
		if batch <= limit {
			continue
		}
		findings = append(findings, Finding{
			Stated: &batch, Derived: &limit, Unit: units.Whole,
			Message: fmt.Sprintf("%s is sent %s in a call, and %s takes %s at most", channel, count(batch), primary.Title, count(limit)),
			Remedy:  fmt.Sprintf("workers.%s.batch: %s", channel, count(limit)),
		})
	}
	return findings
}

// backupTakesSmallerBatches finds a backup that needs more calls than a primary
// that takes batches.
func backupTakesSmallerBatches(f *facts) []Finding {
	var findings []Finding
	for _, channel := range f.batching() {
		backup, batch := provider(f.providersOf(channel).backup), f.value(key("workers."+channel+".batch"))
		limit := float64(backup.MaxBatch)
		if batch <= limit || !f.primary(channel).RealBatch {
			continue
		}
		took := f.value(key("providers.batch_time"))
		if limit == 1 {
			took = f.value(key("providers.call_time"))
		}
		calls := f.value(figure("rate."+channel)) / limit
		findings = append(findings, Finding{
			Stated: &batch, Derived: &limit, Unit: units.Whole,
			Message: fmt.Sprintf("%s stands in with %s in a call of %s, not %s: %s calls/s, %s of them at once",
				backup.Title, count(limit), channel, count(batch), count(calls), count(wholes(calls*took))),
			Remedy: fmt.Sprintf("workers and connections for %s calls at once, or a backlog of %s while %s is out", count(wholes(calls*took)), channel, f.primary(channel).Title),
		})
	}
	return findings
}

// tooFewSenders finds a design rate of SMS that the plan's numbers may not send.
func tooFewSenders(f *facts) []Finding {
	stated, needed := f.rangeOf(key("providers.sms.senders")).Low, f.value(figure("providers.sms.senders"))
	if needed <= stated {
		return nil
	}
	kind, each := f.plan.Providers.SMS.Sender, f.rangeOf(key("providers.sms.sender_rate")).Low
	return []Finding{{
		Stated: &stated, Derived: &needed, Unit: units.Whole,
		Message: fmt.Sprintf("%s segments/s of SMS at %s a number need %s numbers, and the plan has %s",
			count(f.value(figure("providers.sms.segment_rate"))), perSecond(each), count(needed), count(stated)),
		Remedy: fmt.Sprintf("%s numbers (%s), ordered %s ahead, or no more than %s segments/s", count(needed), kind,
			ofTime(f.rangeOf(key("growth.lead_times.senders"))), count(stated*each)),
	}}
}

// senderRateOverDefault finds numbers that are reckoned to send faster than
// numbers of their kind do.
func senderRateOverDefault(f *facts) []Finding {
	kind, stated := f.plan.Providers.SMS.Sender, f.rangeOf(key("providers.sms.sender_rate")).Low
	usual := catalog.SenderQuota(kind)
	if stated <= usual*(1+1e-9) {
		return nil
	}
	needed := wholes(f.value(figure("providers.sms.segment_rate")) / usual)
	return []Finding{{
		Stated: &stated, Derived: &usual, Unit: units.PerSecond,
		Message: fmt.Sprintf("a number of kind %s is reckoned to send %s, and such numbers send %s unless more was granted",
			kind, perSecond(stated), perSecond(usual)),
		Remedy: fmt.Sprintf("have it granted, or %s numbers at %s each", count(needed), perSecond(usual)),
	}}
}

// tooFewConnections finds a channel whose calls are more than the connections to
// its provider carry, one at a time on each, without batches or as the plan calls
// it.
func tooFewConnections(f *facts) []Finding {
	var findings []Finding
	pooled := f.rangeOf(key("providers.connections")).Low
	for _, channel := range channels() {
		id := "providers." + channel + ".connections"
		needed, unbatched := f.value(figure(id)), f.value(figure(id+".unbatched"))
		if needed <= pooled && unbatched <= pooled {
			continue
		}
		derived := unbatched
		if needed > pooled {
			derived = needed
		}
		findings = append(findings, Finding{
			Severity: f.withoutBatches(channel, needed > pooled), Stated: &pooled, Derived: &derived, Unit: units.Whole,
			Message: fmt.Sprintf("%s connections carry %s calls/s of %s each, and %s of %s needs %s connections one at a time, or %s in batches",
				count(pooled), count(f.value(figure("providers.calls"))), ofTime(f.rangeOf(key("providers.call_time"))),
				perSecond(f.value(figure("rate."+channel))), channel, count(unbatched), count(f.value(figure(id+".batched")))),
			Remedy: f.moreOrBatches(channel, "providers.connections: "+count(derived)),
		})
	}
	return findings
}
