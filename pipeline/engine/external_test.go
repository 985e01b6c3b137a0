package engine_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/engine"
	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

// external is the configuration of a system that keeps everything in the real
// engines, under names of its own.
func external(t *testing.T, providers string) engine.Config {
	t.Helper()
	name := "t" + strings.ToLower(rand.Text()[:12])
	cfg := config(t, providers)
	cfg.Engines = engine.Engines{
		Kafka:     "kafka://" + pipelinetest.Engine(t, "kafka") + "?prefix=" + name,
		Redis:     pipelinetest.Engine(t, "redis") + "?prefix=" + name,
		Cassandra: pipelinetest.Engine(t, "cassandra") + "/" + name,
		Postgres:  []string{schema(t, "postgres-0", name), schema(t, "postgres-1", name)},
		Wait:      time.Minute, MinISR: 2, Retention: 24 * time.Hour, PostgresConnections: 4,
	}
	cfg.Engines.Replication.Kafka, cfg.Engines.Replication.Cassandra = 3, 3
	cfg.Templates.At = pipelinetest.Engine(t, "s3") + "&prefix=" + name + "/"
	if err := cfg.Engines.Check(engine.Gateway); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// schema makes a schema of a shard's database, until the test ends.
func schema(t *testing.T, engine, name string) string {
	t.Helper()
	dsn := pipelinetest.Engine(t, engine)
	run := func(statement string) {
		t.Helper()
		// The first of the hosts that takes writes.
		conn, err := pgx.Connect(context.Background(), dsn+"?target_session_attrs=primary")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background()) //nolint:errcheck // nothing is in it any more
		if _, err := conn.Exec(context.Background(), statement); err != nil {
			t.Error(err)
		}
	}
	run("CREATE SCHEMA " + name)
	t.Cleanup(func() { run("DROP SCHEMA " + name + " CASCADE") })
	return dsn + "?search_path=" + name
}

// thousand are notifications of every channel and priority, ten of them to each
// of a hundred users.
func thousand() []api.Notification {
	all := make([]api.Notification, 1000)
	for i := range all {
		all[i] = urgent([]string{"push", "email", "sms"}[i%3], i%100)
		all[i].Ref = fmt.Sprint("r", i)
		all[i].Priority = []string{"high", "normal", "low"}[i/3%3]
	}
	return all
}

// wantOnce holds what became of notifications to the providers' ledger.
func (s *system) wantOnce(results []api.Result, ledger *mockproviders.Ledger) {
	s.Helper()
	for i, r := range results {
		if e := s.entry(r.ID); e.State != "delivered" || e.Ref != fmt.Sprint("r", i) || len(e.Attempts) != 1 {
			s.Fatalf("notification %d ended %+v", i, e)
		}
		if n := len(ledger.Lookup(r.ID).Sends); n != 1 {
			s.Errorf("notification %d was sent %d times", i, n)
		}
	}
}

// Over the real engines a system delivers what it accepts, and another that
// comes after it knows all of it, though nothing lies in a directory.
func TestASystemOverTheRealEngines(t *testing.T) {
	providers, url := mocks(t)
	cfg := external(t, url)
	s := open(t, cfg)
	if dir, temporary := s.DataDir(); dir != "" || temporary {
		t.Errorf("with nothing embedded there is the directory %q", dir)
	}
	key := rand.Text() // Redis is everybody's
	results := s.submit(key, thousand()...)
	want := api.Account{Accepted: 1000, Delivered: 1000}
	if a := s.settleDown(); a != want {
		t.Errorf("the account is %+v, want %+v", a, want)
	}
	if err := s.client.SetPreferences(t.Context(), "user7", api.Preferences{
		UserID: "user7", Channels: api.ChannelPreferences{Email: &api.Preference{Addresses: []string{}}},
	}); err != nil {
		t.Error(err)
	}
	s.drain()

	s = open(t, cfg)
	defer s.drain()
	if a := s.account(); a != want {
		t.Errorf("after a restart the account is %+v, want %+v", a, want)
	}
	s.wantOnce(results, providers.Ledger())
	for i, again := range s.submit(key, thousand()...) {
		if again.ID != results[i].ID || !again.Replayed {
			t.Fatalf("with the same key notification %d is answered %+v, and was %+v", i, again, results[i])
		}
	}
	if r := s.submit("", urgent("email", 7)); r[0].Status != "suppressed" {
		t.Errorf("who had opted out before the restart is answered %+v", r[0])
	}
	status, err := s.client.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if status.Engines["feed"] != "kafka" || status.Engines["history"] != "cassandra" || status.Engines["preferences"] != "postgres" || status.Engines["templates"] != "bucket" {
		t.Errorf("the status names the engines %v", status.Engines)
	}
	for _, d := range status.Dependencies {
		if d.State != "up" || d.Address == "" || strings.Contains(d.Address, "password") {
			t.Errorf("a dependency stands %+v", d)
		}
	}
	if len(status.Dependencies) != 5 {
		t.Errorf("there are %d dependencies: %+v", len(status.Dependencies), status.Dependencies)
	}
}

// A gateway and two workers share the work, and each tells of itself.
func TestAGatewayAndTwoWorkers(t *testing.T) {
	providers, url := mocks(t)
	cfg := external(t, url)
	role := func(r engine.Role) *system {
		t.Helper()
		cfg := cfg
		cfg.Role = r
		return open(t, cfg)
	}
	gateway := role(engine.Gateway)
	defer gateway.drain()
	results := gateway.submit(rand.Text(), thousand()...)
	if a := gateway.account(); a.Accepted != 1000 || a.InFlight != 1000 {
		t.Errorf("without a worker the account is %+v", a)
	}
	one, two := role(engine.Worker), role(engine.Worker)
	if _, err := one.client.Submit(t.Context(), []api.Notification{urgent("push", 1)}, ""); status(err) != 404 {
		t.Errorf("a worker answers a submission with %v", err)
	}
	// Both see the same account, since it is nobody's own.
	want := api.Account{Accepted: 1000, Delivered: 1000}
	if a := gateway.settleDown(); a != want {
		t.Errorf("the account is %+v, want %+v", a, want)
	}
	if a := two.account(); a != want {
		t.Errorf("a worker says that the account is %+v, want %+v", a, want)
	}
	gateway.wantOnce(results, providers.Ledger())

	// What comes while a worker leaves is delivered by the other.
	more := gateway.submit("", urgent("push", 1), urgent("email", 2), urgent("sms", 3))
	one.drain()
	if a := gateway.settleDown(); a.Delivered != 1003 || a.Takeovers != 0 {
		t.Errorf("after a worker left the account is %+v", a)
	}
	for _, r := range more {
		if n := len(providers.Ledger().Lookup(r.ID).Sends); n != 1 {
			t.Errorf("%s was sent %d times", r.ID, n)
		}
	}
	two.drain()
}
