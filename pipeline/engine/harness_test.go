package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/engine"
)

const anyPort = "127.0.0.1:0"

// poll is how often a test looks at a running system.
const poll = 5 * time.Millisecond

// eventually waits until something holds, at most as long as a slow machine
// needs.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("it did not come to be that %s", what)
		}
	}
}

// mocks serves providers that answer at once, until the test ends.
func mocks(t testing.TB) (*mockproviders.Server, string) {
	t.Helper()
	server, err := mockproviders.New(mockproviders.Options{})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		if err := server.Serve(listener); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		if err := server.Close(context.Background()); err != nil {
			t.Error(err)
		}
		served.Wait()
	})
	return server, "http://" + listener.Addr().String()
}

// config is of a small system over the providers at a URL.
func config(t testing.TB, providers string) engine.Config {
	return engine.Config{
		Listen: anyPort, Partitions: 2, Shards: 2, Sharding: pipeline.JumpHash,
		Workers:     map[pipeline.Channel]int{pipeline.Push: 4, pipeline.Email: 4, pipeline.SMS: 4},
		Preferences: engine.Preferences{L1Entries: 100, L1TTL: time.Minute, L2TTL: time.Minute, L2Bytes: 1 << 20},
		Templates:   engine.Templates{TTL: time.Hour},
		Providers: engine.Providers{
			SendGrid: providers + "/sendgrid", FCM: providers + "/fcm", Twilio: providers + "/twilio",
			SES: providers + "/ses", APNs: providers + "/apns", Vonage: providers + "/vonage", Connections: 4,
		},
		Version: "test", Log: slog.New(slog.DiscardHandler),
		Fatal: func(err error) {
			t.Errorf("the store can promise nothing any more: %v", err)
			runtime.Goexit() // it must not return
		},
	}
}

// system is a running pipeline and a client of its HTTP interface.
type system struct {
	*testing.T
	*engine.System
	client *api.Client
}

func open(t *testing.T, cfg engine.Config) *system {
	t.Helper()
	s, err := engine.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return withClient(t, s)
}

func withClient(t *testing.T, s *engine.System) *system {
	t.Helper()
	client, err := api.NewClient(s.URL(), api.ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return &system{t, s, client}
}

// drain ends the system in order.
func (s *system) drain() {
	s.Helper()
	s.client.Close()
	if err := s.Drain(s.Context()); err != nil {
		s.Errorf("drain: %v", err)
	}
}

func (s *system) submit(key string, notifications ...api.Notification) []api.Result {
	s.Helper()
	accepted, err := s.client.Submit(s.Context(), notifications, key)
	if err != nil {
		s.Fatal(err)
	}
	return accepted.Results
}

// account reads the account and holds it to its equation.
func (s *system) account() api.Account {
	s.Helper()
	status, err := s.client.Status(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	a := status.Account
	if sum := a.Delivered + a.Suppressed + a.Expired + a.RateDropped + a.Dead + a.InFlight; sum != a.Accepted {
		s.Errorf("%d were accepted, and %d have ended or are in flight: %+v", a.Accepted, sum, a)
	}
	return a
}

// settleDown waits until nothing is in flight.
func (s *system) settleDown() api.Account {
	s.Helper()
	var a api.Account
	eventually(s.T, "nothing is in flight", func() bool {
		a = s.account()
		return a.InFlight == 0
	})
	return a
}

// entry reads what became of a notification.
func (s *system) entry(id string) api.Entry {
	s.Helper()
	e, err := s.client.Notification(s.Context(), id)
	if err != nil {
		s.Fatalf("%s: %v", id, err)
	}
	return e
}

// urgent is a notification that leaves at once, for each channel.
func urgent(channel string, user int) api.Notification {
	to := map[string]string{"email": "ada@example.com", "sms": "+4915112345678", "push": "token-1"}[channel]
	return api.Notification{
		Ref: fmt.Sprintf("%s-%d", channel, user), UserID: fmt.Sprint("user", user), Channel: channel, Priority: "high",
		TemplateID: "welcome", Variables: map[string]string{"name": "Ada"}, To: to,
	}
}

// bulk is a notification that waits a second for others.
func bulk(user int) api.Notification {
	n := urgent("email", user)
	n.Priority = "low"
	return n
}

// status is the status of an error of the client, or 0.
func status(err error) int {
	if p, ok := errors.AsType[*api.Problem](err); ok {
		return p.Status
	}
	return 0
}

// storeOf is where a data directory keeps its store.
func storeOf(dir string) string { return filepath.Join(dir, "store") }
