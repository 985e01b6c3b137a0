package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/delivery"
	"github.com/notifyctl/notifyctl/pipeline/provider"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

// The mock providers take any credentials of the right shape; these name
// nobody's account.
const (
	mockCredential = "mock"
	mockSender     = "notifications@example.com"
)

// mockSID is an identifier as Twilio writes them, two letters and 32
// hexadecimal digits.
func mockSID(kind string) string { return kind + strings.Repeat("0", 32) }

// routes says which provider serves each channel, and by how many workers.
func (s *System) routes() (map[pipeline.Channel]delivery.Route, error) {
	p := &s.cfg.Providers
	options := func(name, url string) provider.Options {
		return provider.Options{BaseURL: url, Connections: p.Connections, Metrics: s.metrics.Provider(name)}
	}
	fcm, fcmErr := provider.NewFCM(provider.FCMOptions{
		Options: options(catalog.FCM, p.FCM), Project: mockCredential, Wire: wire(p.FCMBatch),
		Token: func(context.Context) (string, error) { return mockCredential, nil },
	})
	sendGrid, sendGridErr := provider.NewSendGrid(provider.SendGridOptions{
		Options: options(catalog.SendGrid, p.SendGrid), Key: mockCredential, From: mockSender,
	})
	twilio, twilioErr := provider.NewTwilio(provider.TwilioOptions{
		Options: options(catalog.Twilio, p.Twilio), Account: mockSID("AC"), Token: mockCredential,
		Service: mockSID("MG"), Wire: wire(p.TwilioBatch),
	})
	if err := errors.Join(fcmErr, sendGridErr, twilioErr); err != nil {
		return nil, fmt.Errorf("set up the providers: %w", err)
	}
	// After the delivery, which sends until its end.
	for _, closer := range []func(){fcm.Close, sendGrid.Close, twilio.Close} {
		s.onClose(func() error { closer(); return nil })
	}
	return map[pipeline.Channel]delivery.Route{
		pipeline.Push:  {Sender: fcm, Workers: s.cfg.Workers[pipeline.Push]},
		pipeline.Email: {Sender: sendGrid, Workers: s.cfg.Workers[pipeline.Email]},
		pipeline.SMS:   {Sender: twilio, Workers: s.cfg.Workers[pipeline.SMS]},
	}, nil
}

func wire(batch bool) provider.Wire {
	if batch {
		return provider.Batch
	}
	return provider.Single
}
