package engine_test

import (
	"testing"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/engine"
)

// A gateway accepts and sends nothing; what it queued is sent by whoever
// delivers, here the same directory's next process.
func TestAGatewayDeliversNothing(t *testing.T) {
	providers, url := mocks(t)
	cfg := config(t, url)
	cfg.DataDir, cfg.Role = t.TempDir(), engine.Gateway
	s := open(t, cfg)
	ready, err := s.client.Ready(t.Context())
	if _, delivers := ready.Checks["delivery"]; err != nil || ready.Status != "ready" || delivers {
		t.Errorf("a gateway's readiness is %+v, %v", ready, err)
	}
	results := s.submit("", urgent("push", 1), urgent("email", 2), urgent("sms", 3))
	status, err := s.client.Status(t.Context())
	if err != nil || status.Role != "gateway" || status.Account.InFlight != 3 || len(status.Regions) == 0 {
		t.Errorf("its status is %+v, %v", status, err)
	}
	for _, g := range status.Scaling.Groups {
		if g.Kind == "workers" {
			t.Errorf("it scales workers: %+v", g)
		}
	}
	s.drain()

	cfg.Role = engine.All
	s = open(t, cfg)
	defer s.drain()
	if a := s.settleDown(); a.Delivered != 3 {
		t.Errorf("the account is %+v", a)
	}
	for _, r := range results {
		if n := len(providers.Ledger().Lookup(r.ID).Sends); n != 1 {
			t.Errorf("%s was sent %d times", r.ID, n)
		}
	}
}

// A worker delivers what is queued, and of the interface it has what tells of
// itself.
func TestAWorkerAcceptsNothing(t *testing.T) {
	_, url := mocks(t)
	cfg := config(t, url)
	cfg.DataDir, cfg.Role = t.TempDir(), engine.Gateway
	s := open(t, cfg)
	id := s.submit("", urgent("push", 1))[0].ID
	s.drain()

	cfg.Role = engine.Worker
	s = open(t, cfg)
	defer s.drain()
	if _, err := s.client.Submit(t.Context(), []api.Notification{urgent("push", 1)}, ""); status(err) != 404 {
		t.Errorf("a submission is answered %v", err)
	}
	if _, err := s.client.Notification(t.Context(), id); status(err) != 404 {
		t.Errorf("a look-up is answered %v", err)
	}
	if a := s.settleDown(); a.Delivered != 1 {
		t.Errorf("the account is %+v", a)
	}
	got, err := s.client.Status(t.Context())
	if err != nil || got.Role != "worker" || !got.Ready || len(got.Regions) != 0 {
		t.Errorf("its status is %+v, %v", got, err)
	}
	if _, text := s.scrape("text/plain"); text == "" {
		t.Error("it has no metrics")
	}
}
