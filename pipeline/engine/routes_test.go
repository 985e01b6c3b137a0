package engine_test

import (
	"testing"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline/engine"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

// backed is a system with a backup behind every provider.
func backed(t *testing.T, providers string) engine.Config {
	cfg := config(t, providers)
	p := &cfg.Providers
	p.SES, p.APNs, p.Vonage = providers+"/ses", providers+"/apns", providers+"/vonage"
	p.Push = engine.ProviderChoice{Primary: catalog.FCM, Backup: catalog.APNs}
	p.Email = engine.ProviderChoice{Primary: catalog.SendGrid, Backup: catalog.SES}
	p.SMS = engine.ProviderChoice{Primary: catalog.Twilio, Backup: catalog.Vonage}
	return cfg
}

// The primaries are away from the start: every channel is served by its backup,
// over real sockets, and nobody hears anything twice.
func TestBackupsTakeOver(t *testing.T) {
	server, url := mocks(t)
	err := server.SetFaults(mockproviders.Script{Faults: []mockproviders.Fault{
		{Provider: catalog.FCM, Kind: mockproviders.Outage},
		{Provider: catalog.SendGrid, Kind: mockproviders.Outage},
		{Provider: catalog.Twilio, Kind: mockproviders.Outage},
	}})
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, backed(t, url))
	ids := map[string][]string{} // by channel
	for _, channel := range []string{catalog.Push, catalog.Email, catalog.SMS} {
		for user := range 40 {
			n := urgent(channel, user)
			if channel == catalog.Push {
				n.To = deviceToken
			}
			ids[channel] = append(ids[channel], s.submit("", n)[0].ID)
		}
	}
	if a := s.settleDown(); a.Delivered != 120 {
		t.Errorf("the account is %+v, want all 120 delivered", a)
	}
	for channel, backup := range map[string]string{catalog.Push: catalog.APNs, catalog.Email: catalog.SES, catalog.SMS: catalog.Vonage} {
		for _, id := range ids[channel] {
			e := s.entry(id)
			if last := e.Attempts[len(e.Attempts)-1]; last.Provider != backup {
				t.Fatalf("%s of %s was sent by %s, want %s: %+v", id, channel, last.Provider, backup, e.Attempts)
			}
		}
	}
	s.drain()
}

// deviceToken is one of APNs.
const deviceToken = "00000000000000000000000000000000000000000000000000000000000000ff"

// Any of a channel's providers may be the primary.
func TestTheOtherProvidersServeAsWell(t *testing.T) {
	_, url := mocks(t)
	cfg := backed(t, url)
	for _, choice := range []*engine.ProviderChoice{&cfg.Providers.Push, &cfg.Providers.Email, &cfg.Providers.SMS} {
		choice.Primary, choice.Backup = choice.Backup, choice.Primary
	}
	s := open(t, cfg)
	for channel, provider := range map[string]string{catalog.Push: catalog.APNs, catalog.Email: catalog.SES, catalog.SMS: catalog.Vonage} {
		n := urgent(channel, 1)
		if channel == catalog.Push {
			n.To = deviceToken
		}
		id := s.submit("", n)[0].ID
		s.settleDown()
		if e := s.entry(id); e.State != "delivered" || e.Attempts[0].Provider != provider {
			t.Errorf("%s: %+v, want it delivered by %s", channel, e, provider)
		}
	}
	// What APNs knows nothing of goes to FCM, though APNs works.
	n := urgent(catalog.Push, 2)
	id := s.submit("", n)[0].ID
	s.settleDown()
	if e := s.entry(id); e.State != "delivered" || e.Attempts[0].Provider != catalog.FCM {
		t.Errorf("a token that is none of APNs: %+v, want it delivered by fcm", e)
	}
	s.drain()
}

func TestAProviderOfAnotherChannel(t *testing.T) {
	cfg := config(t, "http://127.0.0.1:1")
	cfg.Providers.Email = engine.ProviderChoice{Primary: catalog.Twilio}
	wantRefusal(t, cfg, "twilio sends sms, and not email")
}
