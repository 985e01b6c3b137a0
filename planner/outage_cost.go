package planner

import (
	"github.com/notifyctl/notifyctl/planner/pricing"
	"github.com/notifyctl/notifyctl/planner/units"
)

// backupItems lists what a month costs if the backups send all of it.
func backupItems(c choices) []costItem {
	item := func(channel, name, title, quantity string, price priceUse) costItem {
		return costItem{
			component: "backup", item: name, title: title, channel: channel, measure: each(),
			planned: []Input{figure(quantity)}, price: price,
		}
	}
	const segments = "volume.per_month.sms_segments"
	return []costItem{
		item("push", "push", "push by the backup", "volume.per_month.push",
			priceUse{c.pushBackup + ".push", pricing.Notification, "providers.push.backup"}),
		item("email", "email", "e-mail by the backup", "volume.per_month.email",
			priceUse{c.emailBackup + ".email", pricing.Email, "providers.email.backup"}),
		item("sms", "sms", "SMS segments by the backup", segments,
			priceUse{c.smsBackup + ".sms.segment", pricing.Segment, "providers.sms.backup"}),
		item("sms", "sms_carriers", "carriers' fees on SMS by the backup", segments,
			priceUse{c.smsBackup + ".sms.carrier", pricing.Segment, "providers.sms.backup"}),
	}
}

// failoverFigures lists what a notification costs more if a channel's backup
// sends it instead of the provider that is charged.
func failoverFigures(c choices) []Figure {
	var all []Figure
	for _, it := range backupItems(c) {
		all = append(all, it.figures(c)...)
	}
	for _, channel := range channels() {
		all = append(all, extraCost(channel, c))
	}
	return all
}

// extraCost is the difference of a month's bills of the backup and of the
// provider that is charged, over what the channel sends, which is taken for one
// at least. A backup that is cheaper costs nothing more.
func extraCost(channel string, c choices) Figure {
	f := Figure{
		ID: "recovery." + channel + ".extra", Title: "a notification by " + channel + ", more by the backup", Unit: units.Dollars,
	}
	backup, backupText := channelBill(channel, backupItems(c))
	primary, primaryText := channelBill(channel, providerItems(c))
	volume := "volume.per_month." + channel
	f.Formula = "max(" + backupText + " - (" + primaryText + "), 0) / max(" + volume + ", 1)"
	f.Inputs = append(f.Inputs, backup...)
	for _, in := range primary {
		f.Inputs = append(f.Inputs, in.falling())
	}
	f.Inputs = append(f.Inputs, figure(volume).falling())
	n, last := len(backup), len(f.Inputs)-1
	f.Compute = func(in []float64) float64 {
		return max(addition(in[:n])-addition(in[n:last]), 0) / max(in[last], 1)
	}
	return f
}

// channelBill lists the costs of a channel among items, and writes their sum.
func channelBill(channel string, items []costItem) (costs []Input, sum string) {
	for _, it := range items {
		if it.channel != channel {
			continue
		}
		if sum != "" {
			sum += " + "
		}
		sum += it.id()
		costs = append(costs, figure(it.id()))
	}
	return costs, sum
}
