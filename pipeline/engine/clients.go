package engine

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
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
	mockRegion     = "us-east-1"
	mockTopic      = "com.example.notifications"
)

// mockSID is an identifier as Twilio writes them, two letters and 32
// hexadecimal digits.
func mockSID(kind string) string { return kind + strings.Repeat("0", 32) }

// client is a provider's client.
type client interface {
	delivery.Sender
	Channel() pipeline.Channel
	Close()
}

// openClient makes the client of a provider at a URL. It is closed after the
// delivery, which sends until its end.
func (s *System) openClient(name, url string) (client, error) {
	c, err := s.cfg.Providers.newClient(name, provider.Options{
		BaseURL: url, Connections: s.cfg.Providers.Connections, Unpooled: s.cfg.Providers.Unpooled, Metrics: s.metrics.Provider(name),
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	s.onClose(func() error { c.Close(); return nil })
	s.metrics.Provider(name).Pool(s.cfg.Providers.Connections)
	return c, nil
}

func (p *Providers) newClient(name string, o provider.Options) (client, error) {
	switch name {
	case catalog.FCM:
		return made(provider.NewFCM(provider.FCMOptions{
			Options: o, Project: mockCredential, Wire: wire(p.FCMBatch), Token: provider.StaticToken(mockCredential),
		}))
	case catalog.APNs:
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, fmt.Errorf("make a signing key: %w", err)
		}
		return made(provider.NewAPNs(provider.APNsOptions{
			Options: o, Key: key, KeyID: mockCredential, TeamID: mockCredential, Topic: mockTopic,
		}))
	case catalog.SendGrid:
		return made(provider.NewSendGrid(provider.SendGridOptions{Options: o, Key: mockCredential, From: mockSender}))
	case catalog.SES:
		return made(provider.NewSES(provider.SESOptions{
			Options: o, Region: mockRegion, Credentials: provider.StaticCredentials(mockCredential, mockCredential), From: mockSender,
		}))
	case catalog.Twilio:
		return made(provider.NewTwilio(provider.TwilioOptions{
			Options: o, Account: mockSID("AC"), Token: mockCredential, Service: mockSID("MG"), Wire: wire(p.TwilioBatch),
		}))
	case catalog.Vonage:
		return made(provider.NewVonage(provider.VonageOptions{Options: o, Key: mockCredential, Secret: mockCredential, From: mockCredential}))
	}
	panic("BUG: there is no client of " + name)
}

// made keeps a client that could not be made from being one.
func made[C client](c C, err error) (client, error) {
	if err != nil {
		return nil, err
	}
	return c, nil
}

func wire(batch bool) provider.Wire {
	if batch {
		return provider.Batch
	}
	return provider.Single
}
