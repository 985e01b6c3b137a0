package planner

import "github.com/notifyctl/notifyctl/planner/units"

// providerFigures lists what has to be granted by the providers and held open to
// them.
func providerFigures(c choices) []Figure {
	all := accountFigures()
	for _, channel := range channels() {
		all = append(all, callFigures(channel, c.wireOf(channel))...)
	}
	return append(all, Figure{
		ID: "providers.calls", Title: "calls that the connections to one provider carry, one notification each",
		Unit: units.PerSecond, Safe: Low,
		Formula: "providers.connections / providers.call_time",
		Inputs:  []Input{key("providers.connections"), key("providers.call_time").falling()},
		Compute: func(in []float64) float64 { return in[0] / in[1] },
	})
}

// accountFigures lists what the accounts at the providers must be allowed to
// send.
func accountFigures() []Figure {
	return []Figure{
		{
			ID: "providers.push.projects", Title: "projects at the push provider", Unit: units.Whole, Stated: "providers.push.projects",
			Formula: "ceil(rate.push / providers.push.quota)",
			Inputs:  []Input{figure("rate.push"), key("providers.push.quota").falling()},
			Compute: wholeQuotient,
		},
		{
			ID: "providers.push.granted", Title: "push that the projects may send", Unit: units.PerSecond, Safe: Low,
			Formula: "providers.push.projects x providers.push.quota",
			Inputs:  []Input{key("providers.push.projects"), key("providers.push.quota")},
			Compute: product,
		},
		{
			ID: "providers.sms.segment_rate", Title: "SMS segments at the design rate", Unit: units.PerSecond,
			Formula: "rate.sms x providers.sms.segments",
			Inputs:  []Input{figure("rate.sms"), key("providers.sms.segments")},
			Compute: product,
		},
		{
			ID: "providers.sms.senders", Title: "numbers that SMS come from", Unit: units.Whole, Stated: "providers.sms.senders",
			Formula: "ceil(providers.sms.segment_rate / providers.sms.sender_rate)",
			Inputs:  []Input{figure("providers.sms.segment_rate"), key("providers.sms.sender_rate").falling()},
			Compute: wholeQuotient,
		},
		{
			ID: "providers.sms.granted", Title: "SMS segments that the numbers may send", Unit: units.PerSecond, Safe: Low,
			Formula: "providers.sms.senders x providers.sms.sender_rate",
			Inputs:  []Input{key("providers.sms.senders"), key("providers.sms.sender_rate")},
			Compute: product,
		},
	}
}

// callFigures lists the calls to a channel's provider at the design rate, and the
// connections that they take by Little's law, one call on each at a time.
func callFigures(channel, wire string) []Figure {
	id, rate, batch := "providers."+channel, "rate."+channel, "workers."+channel+".batch"
	form := ".batched"
	if wire == "single" {
		form = ".unbatched"
	}
	inFlight := func(in []float64) float64 { return wholes(in[0] * in[1]) }
	return []Figure{
		{
			ID: id + ".calls.unbatched", Title: "calls to the " + channel + " provider, one notification each", Unit: units.PerSecond,
			Formula: rate,
			Inputs:  []Input{figure(rate)},
			Compute: product,
		},
		{
			ID: id + ".calls.batched", Title: "calls to the " + channel + " provider, a batch each", Unit: units.PerSecond,
			Formula: rate + " / " + batch,
			Inputs:  []Input{figure(rate), key(batch).falling()},
			Compute: func(in []float64) float64 { return in[0] / max(in[1], 1) },
		},
		{
			ID: id + ".calls", Title: "calls to the " + channel + " provider, as the plan calls it", Unit: units.PerSecond,
			Formula: id + ".calls" + form,
			Inputs:  []Input{figure(id + ".calls" + form)},
			Compute: product,
		},
		{
			ID: id + ".connections.unbatched", Title: "connections to the " + channel + " provider, one notification a call", Unit: units.Whole,
			Stated:  "providers.connections",
			Formula: "ceil(" + id + ".calls.unbatched x providers.call_time)",
			Inputs:  []Input{figure(id + ".calls.unbatched"), key("providers.call_time")},
			Compute: inFlight,
		},
		{
			ID: id + ".connections.batched", Title: "connections to the " + channel + " provider, a batch a call", Unit: units.Whole,
			Stated:  "providers.connections",
			Formula: "ceil(" + id + ".calls.batched x providers.batch_time)",
			Inputs:  []Input{figure(id + ".calls.batched"), key("providers.batch_time")},
			Compute: inFlight,
		},
		{
			ID: id + ".connections", Title: "connections to the " + channel + " provider, as the plan calls it", Unit: units.Whole,
			Stated:  "providers.connections",
			Formula: id + ".connections" + form,
			Inputs:  []Input{figure(id + ".connections" + form)},
			Compute: product,
		},
	}
}

// providerCeilings lists what the accounts and the connections of a plan bear.
func providerCeilings() []ceiling {
	all := []ceiling{
		{
			title: "push projects", need: "providers.push.projects", capacity: key("providers.push.projects"), driver: byRate,
			lead: "growth.lead_times.quota", action: "have the quota raised, or divide push over more projects",
		},
		{
			title: "SMS senders", need: "providers.sms.senders", capacity: key("providers.sms.senders"), driver: byRate,
			lead: "growth.lead_times.senders", action: "rent more numbers, or faster ones",
		},
	}
	for _, channel := range channels() {
		all = append(all, ceiling{
			title: channel + " connections", need: "providers." + channel + ".connections",
			capacity: key("providers.connections"), driver: byRate,
			lead: "growth.lead_times.workers", action: "raise providers.connections",
		})
	}
	return all
}
