package engine

import (
	"errors"
	"fmt"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/delivery"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

// routes says which provider serves each channel, and by how many workers.
func (s *System) routes() (map[pipeline.Channel]delivery.Route, error) {
	p := &s.cfg.Providers
	routes := make(map[pipeline.Channel]delivery.Route, len(pipeline.Channels()))
	var faults []error
	for _, r := range []struct {
		channel             pipeline.Channel
		primary, primaryURL string
		backup, backupURL   string
	}{
		{pipeline.Push, catalog.FCM, p.FCM, catalog.APNs, p.APNs},
		{pipeline.Email, catalog.SendGrid, p.SendGrid, catalog.SES, p.SES},
		{pipeline.SMS, catalog.Twilio, p.Twilio, catalog.Vonage, p.Vonage},
	} {
		primary, err := s.openClient(r.primary, r.primaryURL)
		faults = append(faults, err)
		routes[r.channel] = delivery.Route{Sender: primary, Workers: s.cfg.Workers[r.channel]}
		if r.backupURL != "" { // it stands ready, and its address is one
			_, err := s.openClient(r.backup, r.backupURL)
			faults = append(faults, err)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("set up the providers: %w", err)
	}
	return routes, nil
}
