package scenarios

import (
	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
)

// The keys of a result's cost, in US dollars. Beside them each channel has its
// part of the total under its own name, and what one of its notifications cost
// under the name that [CostOfOne] gives it.
const (
	CostTotal           = "total"            // what the providers charge for the run
	CostPerNotification = "per_notification" // the same for one notification that they accepted
	// CostInfrastructure is a notification's share of all but the providers, at
	// the volume that the plan is for. It is no part of the others: what a run
	// runs on is not what the plan describes.
	CostInfrastructure = "infrastructure_per_notification"
)

// CostOfOne is the key of what one notification of a channel cost.
func CostOfOne(channel string) string { return channel + "_per_notification" }

// cost is what the run's notifications would have cost: each provider charges
// for what it accepted, duplicates included, as a running system's dashboard
// reckons. It is nil where it cannot be told: without prices, when the system
// did not say what it sent, or when a provider sent that has no price.
func cost(providers map[string]Provider, prices *telemetry.Prices) map[string]float64 {
	if prices == nil || providers == nil {
		return nil
	}
	dollars, sent := map[string]float64{}, map[string]int64{}
	for name, p := range providers {
		price, ok := prices.Providers[name]
		switch {
		case p.Sent == 0:
			continue
		case !ok:
			return nil
		}
		dollars[p.Channel] += price.Of(p.Sent, p.Segments)
		sent[p.Channel] += p.Sent
	}
	costs := map[string]float64{CostTotal: 0, CostInfrastructure: prices.Infrastructure}
	var all int64
	for _, c := range pipeline.Channels() {
		channel := c.String()
		costs[channel] = dollars[channel]
		costs[CostTotal] += dollars[channel]
		all += sent[channel]
		if n := sent[channel]; n > 0 {
			costs[CostOfOne(channel)] = dollars[channel] / float64(n)
		}
	}
	if all > 0 {
		costs[CostPerNotification] = costs[CostTotal] / float64(all)
	}
	return costs
}
