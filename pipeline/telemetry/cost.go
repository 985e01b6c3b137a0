package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

// Price is what a provider charges, in US dollars, for what it accepts.
type Price struct {
	Notification float64
	Segment      float64 // of SMS, carriers' fees included
}

// Of is what is charged for notifications that were accepted, and for their
// segments.
func (p Price) Of(notifications, segments int64) float64 {
	return p.Notification*float64(notifications) + p.Segment*float64(segments)
}

// Prices turn what was sent into money, in US dollars. The zero value takes all
// for free.
type Prices struct {
	Providers map[string]Price // by the catalog's names
	// Infrastructure is a notification's share of all but the providers.
	Infrastructure float64
}

// of is what a provider charges for what it has accepted so far. What it
// refused is taken for free, and what it may have accepted (ambiguous) too.
func (p *Prices) of(s *ProviderSnapshot) float64 {
	return p.Providers[s.Name].Of(s.Attempts[pipeline.Sent], s.Segments)
}

// SetPrices says what is charged; call it before anything is recorded.
func (m *Metrics) SetPrices(p Prices) { m.prices.Store(&p) }

func (m *Metrics) priceList() Prices {
	if p := m.prices.Load(); p != nil {
		return *p
	}
	return Prices{}
}

func (c *collector) collectCosts(ch chan<- prometheus.Metric) {
	prices := c.m.priceList()
	c.m.providers.each(func(name string, r *ProviderRecorder) {
		p := r.snapshot(name)
		ch <- c.value(providerDollars, prices.of(&p), channelOf(name), name)
	})
	for _, channel := range pipeline.Channels() {
		sum := int64(0)
		for _, priority := range pipeline.Priorities() {
			sum += c.m.queue(pipeline.Queue{Channel: channel, Priority: priority}).accepted.Load()
		}
		ch <- c.value(infrastructureDollars, prices.Infrastructure*float64(sum), channel.String())
	}
}

// channelOf is the channel that a provider serves; "other" for one that the
// catalog does not know.
func channelOf(provider string) string {
	if known, ok := catalog.Lookup(provider); ok {
		return known.Channel
	}
	return "other"
}
