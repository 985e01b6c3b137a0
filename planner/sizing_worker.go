package planner

import "github.com/notifyctl/notifyctl/planner/units"

// channels are the channels, as plans spell them and reports show them.
func channels() []string { return []string{"push", "email", "sms"} }

// wireOf gives how the plan calls a channel's provider: "batch" or "single". All
// providers of e-mail take batches.
func (c choices) wireOf(channel string) string {
	switch channel {
	case "push":
		return c.pushWire
	case "sms":
		return c.smsWire
	}
	return "batch"
}

// workerFigures lists how many workers each channel needs, and what the pools of
// the plan carry.
func workerFigures(c choices) []Figure {
	var all []Figure
	for _, channel := range channels() {
		all = append(all, poolFigures(channel, c.wireOf(channel))...)
	}
	return append(all, poolCapacities()...)
}

// poolFigures lists how many workers a channel needs at its design rate.
func poolFigures(channel, wire string) []Figure {
	id, rate, own := "workers."+channel, "rate."+channel, "workers."+channel+".max"
	needed := id + ".batched"
	if wire == "single" {
		needed = id + ".unbatched"
	}
	return []Figure{
		{
			ID: id + ".unbatched", Title: channel + " workers that send one at a time", Unit: units.Whole, Stated: own,
			Formula: "ceil(" + rate + " / " + id + ".rate)",
			Inputs:  []Input{figure(rate), key(id + ".rate").falling()},
			Compute: wholeQuotient,
		},
		{
			ID: id + ".batched", Title: channel + " workers that send batches", Unit: units.Whole, Stated: own,
			Formula: "ceil(" + rate + " / workers.batched_rate)",
			Inputs:  []Input{figure(rate), key("workers.batched_rate").falling()},
			Compute: wholeQuotient,
		},
		{
			ID: id + ".needed", Title: channel + " workers, as the plan calls the provider", Unit: units.Whole, Stated: own,
			Formula: needed,
			Inputs:  []Input{figure(needed)},
			Compute: product,
		},
		{
			ID: id + ".recommended", Title: channel + " workers, with headroom and a zone to lose", Unit: units.Whole, Stated: own,
			Formula: "ceil(" + id + ".needed / service_levels.utilisation x kafka.zones / (kafka.zones - 1))",
			Inputs:  []Input{figure(id + ".needed"), key("service_levels.utilisation").falling(), key("kafka.zones").falling()},
			Compute: func(in []float64) float64 { return spareZone(in[0]/in[1], in[2]) },
		},
	}
}

// wholeQuotient is the function of a figure that divides its first input by its
// second, into whole things.
func wholeQuotient(in []float64) float64 { return wholes(in[0] / in[1]) }

// poolCapacities lists what the pools of the plan carry together: when only those
// run that always do, and when all do, with batches and without.
func poolCapacities() []Figure {
	var all []Figure
	for _, bound := range []struct{ key, title string }{{"min", "workers that always run"}, {"max", "workers there may be"}} {
		push, email, sms := "workers.push."+bound.key, "workers.email."+bound.key, "workers.sms."+bound.key
		all = append(all,
			Figure{
				ID: "workers.capacity." + bound.key + ".unbatched", Title: "rate of the " + bound.title + ", one at a time",
				Unit: units.PerSecond, Safe: Low,
				Formula: push + " x workers.push.rate + " + email + " x workers.email.rate + " + sms + " x workers.sms.rate",
				Inputs: []Input{
					key(push), key("workers.push.rate"), key(email), key("workers.email.rate"), key(sms), key("workers.sms.rate"),
				},
				Compute: func(in []float64) float64 { return in[0]*in[1] + in[2]*in[3] + in[4]*in[5] },
			},
			Figure{
				ID: "workers.capacity." + bound.key + ".batched", Title: "rate of the " + bound.title + ", in batches",
				Unit: units.PerSecond, Safe: Low,
				Formula: "(" + push + " + " + email + " + " + sms + ") x workers.batched_rate",
				Inputs:  []Input{key(push), key(email), key(sms), key("workers.batched_rate")},
				Compute: func(in []float64) float64 { return (in[0] + in[1] + in[2]) * in[3] },
			},
		)
	}
	return all
}

// workerCeilings lists the most workers that each channel may have.
func workerCeilings() []ceiling {
	var all []ceiling
	for _, channel := range channels() {
		id := "workers." + channel
		all = append(all, ceiling{
			title: channel + " workers", need: id + ".needed", capacity: key(id + ".max"), driver: byRate,
			lead: "growth.lead_times.workers", action: "raise " + id + ".max",
		})
	}
	return all
}
