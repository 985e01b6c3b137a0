package planner

import (
	"github.com/notifyctl/notifyctl/planner/catalog"
	"github.com/notifyctl/notifyctl/planner/pricing"
)

// A ProviderPrice is what a provider charges, in US dollars, for a notification
// or for a segment of an SMS.
type ProviderPrice struct {
	Provider     string // as the catalog names it
	Notification float64
	Segment      float64 // carriers' fees included
}

// ProviderPrices gives what each of the plan's providers charges, primaries
// first: of a price that is a range the high end, and of a tariff with tiers the
// average over what the plan sends in a month, as if that provider sent all of
// its channel. The bill needs no price of an e-mail's primary that another one
// is charged for; where the book has none, it is that other one's.
func (e *Estimate) ProviderPrices() []ProviderPrice {
	p := &e.Plan.Providers
	var all []ProviderPrice
	for _, use := range []struct {
		channel string
		name    string
		charge  func(c *choices, name string)
	}{
		{catalog.Push, p.Push.Primary, func(c *choices, name string) { c.pushPrimary = name }},
		{catalog.Email, p.Email.Primary, func(c *choices, name string) { c.emailCharged = name }},
		{catalog.SMS, p.SMS.Primary, func(c *choices, name string) { c.smsPrimary = name }},
		{catalog.Push, p.Push.Backup, func(c *choices, name string) { c.pushPrimary = name }},
		{catalog.Email, p.Email.Backup, func(c *choices, name string) { c.emailCharged = name }},
		{catalog.SMS, p.SMS.Backup, func(c *choices, name string) { c.smsPrimary = name }},
	} {
		if use.name == "" {
			continue
		}
		c := e.Plan.choices()
		use.charge(&c, use.name)
		items := itemsOf(use.channel, providerItems(c))
		if !c.prices.has(items) {
			items = itemsOf(use.channel, providerItems(e.Plan.choices()))
		}
		price := ProviderPrice{Provider: use.name}
		for _, it := range items {
			if it.price.unit == pricing.Segment {
				price.Segment += e.values.averagePrice(it, c.prices)
			} else {
				price.Notification += e.values.averagePrice(it, c.prices)
			}
		}
		all = append(all, price)
	}
	return all
}

// itemsOf picks a channel's items.
func itemsOf(channel string, items []costItem) []costItem {
	var picked []costItem
	for _, it := range items {
		if it.channel == channel {
			picked = append(picked, it)
		}
	}
	return picked
}

// has says whether a book has the prices of all items.
func (b *priceBook) has(items []costItem) bool {
	for _, it := range items {
		if b.lacks(it.price) != "" {
			return false
		}
	}
	return true
}
