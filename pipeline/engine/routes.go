package engine

import (
	"errors"
	"fmt"
	"slices"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/delivery"
	"github.com/notifyctl/notifyctl/pipeline/provider"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

// routes says which providers serve each channel, and by how many workers.
func (s *System) routes() (map[pipeline.Channel]delivery.Route, error) {
	p := &s.cfg.Providers
	routes := make(map[pipeline.Channel]delivery.Route, len(pipeline.Channels()))
	var faults []error
	for _, r := range []struct {
		channel pipeline.Channel
		choice  ProviderChoice
		usual   string
	}{
		{pipeline.Push, p.Push, catalog.FCM},
		{pipeline.Email, p.Email, catalog.SendGrid},
		{pipeline.SMS, p.SMS, catalog.Twilio},
	} {
		if r.choice.Primary == "" {
			r.choice.Primary = r.usual
		}
		primary, err := s.openProvider(r.channel, r.choice.Primary, r.choice.Quota)
		faults = append(faults, err)
		route := delivery.Route{Primary: primary, Workers: s.cfg.Workers[r.channel], Batch: s.cfg.Batches[r.channel]}
		if r.choice.Backup != "" {
			route.Backup, err = s.openProvider(r.channel, r.choice.Backup, r.choice.Quota)
			faults = append(faults, err)
		}
		routes[r.channel] = route
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("set up the providers: %w", err)
	}
	return routes, nil
}

// openProvider makes a provider as a channel uses it.
func (s *System) openProvider(channel pipeline.Channel, name string, quota float64) (delivery.Provider, error) {
	client, err := s.openClient(name, s.cfg.Providers.url(name))
	if err != nil {
		return delivery.Provider{}, err
	}
	if client.Channel() != channel {
		return delivery.Provider{}, fmt.Errorf("%s sends %s, and not %s", name, client.Channel(), channel)
	}
	p := delivery.Provider{Sender: client, Quota: quota}
	switch {
	case name == catalog.FCM:
		p.Address = fcmAddress
	case name == catalog.APNs:
		p.Address = apnsAddress
	case channel == pipeline.SMS:
		p.Weight = segments
	}
	return p, nil
}

// fcmAddress picks the token for FCM: the first that is none of APNs', which
// FCM does not know. It says nothing of the form of its own, so that a token
// that looks like one of APNs' is tried when there is no other.
func fcmAddress(addresses []string) string {
	i := slices.IndexFunc(addresses, func(token string) bool { return !provider.IsAPNsToken(token) })
	if i < 0 && len(addresses) > 0 {
		i = 0
	}
	return at(addresses, i)
}

// apnsAddress picks the token for APNs, which takes its own alone.
func apnsAddress(addresses []string) string {
	return at(addresses, slices.IndexFunc(addresses, provider.IsAPNsToken))
}

func at(addresses []string, i int) string {
	if i < 0 {
		return ""
	}
	return addresses[i]
}

// segments is what a text message takes of its sender's quota.
func segments(m *pipeline.Message) int { return catalog.Segments(m.Body) }
