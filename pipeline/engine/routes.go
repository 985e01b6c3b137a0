package engine

import (
	"fmt"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/delivery"
	"github.com/notifyctl/notifyctl/pipeline/provider"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

// routes says which provider serves each channel, and by how many workers.
func (s *System) routes() (map[pipeline.Channel]delivery.Route, error) {
	options := func(name, url string) provider.Options {
		return provider.Options{BaseURL: url, Connections: s.cfg.Providers.Connections, Observer: s.metrics.Provider(name)}
	}
	p := &s.cfg.Providers
	senders := map[pipeline.Channel]func() (delivery.Sender, error){
		pipeline.Push: func() (delivery.Sender, error) {
			return provider.NewFCM(options(catalog.FCM, p.FCM), wire(p.FCMBatch))
		},
		pipeline.Email: func() (delivery.Sender, error) {
			return provider.NewSendGrid(options(catalog.SendGrid, p.SendGrid))
		},
		pipeline.SMS: func() (delivery.Sender, error) {
			return provider.NewTwilio(options(catalog.Twilio, p.Twilio), wire(p.TwilioBatch))
		},
	}
	routes := make(map[pipeline.Channel]delivery.Route, len(senders))
	for channel, open := range senders {
		sender, err := open()
		if err != nil {
			return nil, fmt.Errorf("the %s provider: %w", channel, err)
		}
		routes[channel] = delivery.Route{Sender: sender, Workers: s.cfg.Workers[channel]}
	}
	return routes, nil
}

func wire(batch bool) provider.Wire {
	if batch {
		return provider.Batch
	}
	return provider.Single
}
