package planner

import (
	"github.com/notifyctl/notifyctl/planner/pricing"
	"github.com/notifyctl/notifyctl/planner/units"
)

// unitCosts lists what one notification costs: sent, of each channel, and
// delivered.
func unitCosts(c choices) []Figure {
	all := []Figure{
		perNotification("cost.per_notification", "a notification", "cost.total"),
		perNotification("cost.per_notification.infrastructure", "a notification's share of the infrastructure", "cost.infrastructure"),
	}
	for _, channel := range channels() {
		all = append(all, channelCost(channel, providerItems(c)))
	}
	for _, part := range []struct{ id, title, total string }{
		{"cost.per_million", "a million notifications", "cost.total"},
		{"cost.per_million.infrastructure", "a million notifications, infrastructure", "cost.infrastructure"},
		{"cost.per_million.providers", "a million notifications, providers", "cost.providers"},
	} {
		f := perNotification(part.id, part.title, part.total)
		one := f.Compute
		f.Formula = part.total + " / volume.per_month x 1,000,000"
		f.Compute = func(in []float64) float64 { return one(in) * 1e6 }
		all = append(all, f)
	}
	return append(all, deliveredCosts(c)...)
}

// perNotification is a month's cost over a month's notifications.
func perNotification(id, title, total string) Figure {
	return Figure{
		ID: id, Title: title, Unit: units.Dollars,
		Formula: total + " / volume.per_month",
		Inputs:  []Input{figure(total), figure("volume.per_month").falling()},
		Compute: func(in []float64) float64 { return in[0] / in[1] },
	}
}

// channelCost is what a notification of a channel costs: the provider's bill
// over what the channel sends, which is taken for one at least, and the share of
// the infrastructure.
func channelCost(channel string, items []costItem) Figure {
	f := Figure{ID: "cost.per_notification." + channel, Title: "a notification by " + channel, Unit: units.Dollars}
	for _, it := range items {
		if it.channel != channel {
			continue
		}
		if f.Formula != "" {
			f.Formula += " + "
		}
		f.Formula += it.id()
		f.Inputs = append(f.Inputs, figure(it.id()))
	}
	n := len(f.Inputs)
	volume := "volume.per_month." + channel
	f.Formula = "(" + f.Formula + ") / max(" + volume + ", 1) + cost.per_notification.infrastructure"
	f.Inputs = append(f.Inputs, figure(volume).falling(), figure("cost.per_notification.infrastructure"))
	f.Compute = func(in []float64) float64 { return addition(in[:n])/max(in[n], 1) + in[n+1] }
	return f
}

// deliveredCosts lists what is paid for sends that deliver nothing, beyond the
// bill of sending everything once, and with it what a delivered notification
// costs.
func deliveredCosts(c choices) []Figure {
	all := []Figure{
		{
			// The ends of shares that are ranges may add up to more than one.
			ID: "volume.delivered_share", Title: "share of notifications that are delivered", Unit: units.Ratio, Safe: Low,
			Formula: "(workload.priorities.high + workload.priorities.normal) x service_levels.transactional_success" +
				" + workload.priorities.low x service_levels.promotional_success",
			Inputs: []Input{
				key("workload.priorities.high"), key("workload.priorities.normal"), key("service_levels.transactional_success"),
				key("workload.priorities.low"), key("service_levels.promotional_success"),
			},
			Compute: func(in []float64) float64 { return (in[0]+in[1])*in[2] + in[3]*in[4] },
		},
		{
			ID: "volume.per_month.delivered", Title: "notifications delivered in a month", Unit: units.Whole, Safe: Low,
			Formula: "volume.per_month x min(volume.delivered_share, 1)",
			Inputs:  []Input{figure("volume.per_month"), figure("volume.delivered_share")},
			Compute: func(in []float64) float64 { return in[0] * min(in[1], 1) },
		},
		{
			ID: "volume.per_month.sms_failed", Title: "SMS of a month that fail", Unit: units.Whole,
			Formula: "volume.per_month.sms x max(1 - volume.delivered_share, 0)",
			Inputs:  []Input{figure("volume.per_month.sms"), figure("volume.delivered_share").falling()},
			Compute: func(in []float64) float64 { return in[0] * max(1-in[1], 0) },
		},
		{
			ID: "cost.undelivered.retries", Title: "sending again what was charged already", Unit: units.DollarsPerMonth,
			Formula: "cost.providers x prices.usage.retries",
			Inputs:  []Input{figure("cost.providers"), key("prices.usage.retries")},
			Compute: product,
		},
	}
	parts := []string{"cost.undelivered.retries"}
	for _, it := range undeliveredItems(c) {
		all, parts = append(all, it.figures(c)...), append(parts, it.id())
	}
	return append(all, costSum("cost.undelivered", "sends that deliver nothing, beyond the bill", parts), Figure{
		ID: "cost.per_delivered", Title: "a delivered notification", Unit: units.Dollars,
		Formula: "(cost.total + cost.undelivered) / max(volume.per_month.delivered, 1)",
		Inputs:  []Input{figure("cost.total"), figure("cost.undelivered"), figure("volume.per_month.delivered").falling()},
		Compute: func(in []float64) float64 { return (in[0] + in[1]) / max(in[2], 1) },
	})
}

// undeliveredItems lists what is paid for by the piece without delivering: what
// the backups charge for notifications that the primaries charged already, and
// the fee on text messages that fail.
func undeliveredItems(c choices) []costItem {
	item := func(name, title string, price priceUse, quantity ...Input) costItem {
		return costItem{
			component: "undelivered", item: name, title: title, measure: each(),
			planned: quantity, price: price,
		}
	}
	share := key("prices.usage.failover")
	segments := figure("volume.per_month.sms_segments")
	return []costItem{
		item("failover_push", "push by the backup, too", priceUse{c.pushBackup + ".push", pricing.Notification, "providers.push.backup"},
			figure("volume.per_month.push"), share),
		item("failover_email", "e-mail by the backup, too", priceUse{c.emailBackup + ".email", pricing.Email, "providers.email.backup"},
			figure("volume.per_month.email"), share),
		item("failover_sms", "SMS by the backup, too", priceUse{c.smsBackup + ".sms.segment", pricing.Segment, "providers.sms.backup"},
			segments, share),
		item("failover_sms_carriers", "carriers' fees on SMS by the backup, too", priceUse{c.smsBackup + ".sms.carrier", pricing.Segment, "providers.sms.backup"},
			segments, share),
		item("failed_sms", "fees on SMS that fail", priceUse{c.smsPrimary + ".sms.failed", pricing.Message, "providers.sms.primary"},
			figure("volume.per_month.sms_failed")),
	}
}
