package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/engine"
	"github.com/notifyctl/notifyctl/pipeline/policy"
)

// group finds what is scaled by its name.
func (s *system) group(name string) api.ScaledGroup {
	s.Helper()
	status, err := s.client.Status(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	for _, g := range status.Scaling.Groups {
		if g.Name == name {
			return g
		}
	}
	s.Fatalf("nothing is called %s in %+v", name, status.Scaling)
	return api.ScaledGroup{}
}

// A backlog brings workers, and they go when it is gone; everything is delivered
// once meanwhile.
func TestWorkersFollowTheLoad(t *testing.T) {
	providers, url := mocks(t)
	if err := providers.SetFaults(mockproviders.Script{Faults: []mockproviders.Fault{{Kind: mockproviders.Slow, Delay: mockproviders.Duration(300 * time.Millisecond)}}}); err != nil {
		t.Fatal(err)
	}
	cfg := config(t, url)
	cfg.Providers.Connections = 32
	cfg.Workers = map[pipeline.Channel]int{pipeline.Push: 4, pipeline.Email: 4, pipeline.SMS: 4}
	cfg.Scaling = engine.Scaling{
		Elasticity: 4, StartDelay: time.Second, TimeScale: 0.001,
		Utilisation: 0.7, Lag: time.Second, Policy: "arrivals",
	}
	s := open(t, cfg)
	const all = 3000
	for i := range all / 100 {
		var some []api.Notification
		for j := range 100 {
			some = append(some, urgent("sms", i*100+j))
		}
		s.submit("", some...)
	}
	eventually(t, "more workers serve", func() bool { return s.group("sms").Running > 4 })
	if a := s.settleDown(); a.Delivered != all {
		t.Errorf("the account is %+v", a)
	}
	eventually(t, "the workers are gone again", func() bool { g := s.group("sms"); return g.Desired == g.Min && g.Running == 1 })
	status, err := s.client.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if said := fmt.Sprint(status.Scaling.Events); !strings.Contains(said, "sms wants") || !strings.Contains(said, "serve") || !strings.Contains(said, "stop") {
		t.Errorf("the events are %s", said)
	}
	if total := providers.Ledger().Totals().Total; total.Unique != all || total.Duplicates != 0 {
		t.Errorf("the providers accepted %+v", total)
	}
	s.drain()
}

// A region is lost and comes back; nobody who has a key notices.
func TestALostRegionIsNotNoticed(t *testing.T) {
	_, url := mocks(t)
	cfg := config(t, url)
	cfg.Scaling = engine.Scaling{Regions: 2, Gateways: 2}
	s := open(t, cfg)
	sent := 0
	submit := func() {
		for range 20 {
			sent++
			s.submit(fmt.Sprint("key", sent), urgent("push", sent))
		}
	}
	submit()
	if err := s.Lose("region-1"); err != nil {
		t.Fatal(err)
	}
	submit()
	if err := s.Restore("region-1"); err != nil {
		t.Fatal(err)
	}
	submit()
	if a := s.settleDown(); a.Accepted != int64(sent) || a.Delivered != int64(sent) {
		t.Errorf("of %d the account has %+v", sent, a)
	}
	status, err := s.client.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	given := int64(0)
	for _, r := range status.Regions {
		given += r.Notifications
	}
	if len(status.Regions) != 2 || given != int64(sent) || status.Regions[0].Notifications == 0 || status.Regions[1].Notifications < 30 {
		t.Errorf("the regions are %+v", status.Regions)
	}
	s.drain()
}

// Without any region submissions are refused, and the process still answers for
// itself.
func TestTheProcessOutlivesItsRegions(t *testing.T) {
	_, url := mocks(t)
	s := open(t, config(t, url))
	if err := s.Lose("region-1"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.Submit(t.Context(), []api.Notification{urgent("push", 1)}, ""); status(err) != 503 || !strings.Contains(err.Error(), "unavailable") {
		t.Errorf("a submission gave %v", err)
	}
	if ready, err := s.client.Ready(t.Context()); err != nil || ready.Status != "ready" {
		t.Errorf("the process is %+v, %v", ready, err)
	}
	if a := s.account(); a.Accepted != 0 {
		t.Errorf("the account is %+v", a)
	}
	s.drain()
}

// Above its rate a gateway refuses; more gateways take it.
func TestGatewaysRefuseAboveTheirRateAndGrow(t *testing.T) {
	_, url := mocks(t)
	cfg := config(t, url)
	cfg.Scaling = engine.Scaling{
		GatewayRate: 100, Elasticity: 4, StartDelay: time.Second, TimeScale: 0.001,
		Utilisation: 0.7, Lag: time.Second,
		Fleet: policy.FleetTargets{Utilisation: 0.7, UpUtilisation: 0.7, UpAfter: 2 * time.Minute, UpP99: time.Minute, DownUtilisation: 0.3, DownAfter: time.Hour},
	}
	s := open(t, cfg)
	refused := false
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	eventually(t, "it refused, and there are more gateways", func() bool {
		<-ticker.C
		var some []api.Notification
		for i := range 10 {
			some = append(some, urgent("push", i))
		}
		_, err := s.client.Submit(t.Context(), some, "")
		refused = refused || status(err) == 503 && strings.Contains(err.Error(), "admission")
		if err != nil && status(err) != 503 {
			t.Fatal(err)
		}
		return refused && s.group("region-1").Running > 1
	})
	s.settleDown()
	s.drain()
}

func TestAnUnknownPolicyIsRefused(t *testing.T) {
	_, url := mocks(t)
	cfg := config(t, url)
	cfg.Scaling.Policy = "guess"
	if _, err := engine.Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "arrivals steps drain") {
		t.Errorf("opened with a policy called guess: %v", err)
	}
}
