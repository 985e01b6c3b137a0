package engine_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
)

// wants sets what a user wants by e-mail.
func (s *system) wants(user string, promotional bool, addresses ...string) {
	s.Helper()
	err := s.client.SetPreferences(s.Context(), user, api.Preferences{UserID: user, Channels: api.ChannelPreferences{
		Email: &api.Preference{Transactional: true, Promotional: promotional, Addresses: append([]string{}, addresses...)},
	}})
	if err != nil {
		s.Fatal(err)
	}
}

// promotion is a promotional e-mail.
func promotion(user, to string) api.Notification {
	return api.Notification{
		UserID: user, Channel: "email", Priority: "high", Category: "promotional", TemplateID: "welcome",
		To: to, Variables: map[string]string{"name": "Ada"},
	}
}

// Who opts out gets nothing that is sent after: not what was accepted before and
// still waits, and not what others send to the address.
func TestAnOptOutIsTheLastWord(t *testing.T) {
	providers, url := mocks(t)
	s := open(t, config(t, url))
	down := mockproviders.Fault{Provider: "sendgrid", Kind: mockproviders.Outage, RetryAfter: mockproviders.Duration(2 * time.Second)}
	if err := providers.SetFaults(mockproviders.Script{Faults: []mockproviders.Fault{down}}); err != nil {
		t.Fatal(err)
	}
	waiting := s.submit("", promotion("ada", "ada@example.com"), promotion("bob", "ada@example.com"), promotion("cyd", "cyd@example.com"))
	eventually(t, "each was tried once", func() bool {
		for _, r := range waiting {
			if len(s.entry(r.ID).Attempts) == 0 {
				return false
			}
		}
		return true
	})
	s.wants("ada", false, "ada@example.com")
	if err := providers.SetFaults(mockproviders.Script{}); err != nil {
		t.Fatal(err)
	}
	after := s.submit("", promotion("ada", ""), promotion("ada", "new@example.com"), promotion("bob", "ADA@example.com"), promotion("bob", "bob@example.com"))
	for i, want := range []string{"suppressed", "suppressed", "suppressed", "accepted"} {
		if after[i].Status != want {
			t.Errorf("notification %d after it was answered %+v, want %s", i, after[i], want)
		}
	}
	if a := s.settleDown(); a.Delivered != 2 || a.Suppressed != 5 {
		t.Errorf("the account is %+v", a)
	}
	for i, want := range []string{"suppressed", "suppressed", "delivered"} {
		if e := s.entry(waiting[i].ID); e.State != want {
			t.Errorf("notification %d from before ended %+v, want %s", i, e, want)
		}
	}
	s.drain()
}

func TestDailyLimitsHoldOverTheInterface(t *testing.T) {
	_, url := mocks(t)
	cfg := config(t, url)
	cfg.DailyLimits = pipeline.DailyLimits{Email: 2}
	s := open(t, cfg)
	results := s.submit("", promotion("ada", "a@b.com"), promotion("ada", "a@b.com"), promotion("ada", "a@b.com"), promotion("bob", "b@b.com"))
	for i, want := range []string{"accepted", "accepted", "rate_dropped", "accepted"} {
		if results[i].Status != want {
			t.Errorf("notification %d was answered %+v, want %s", i, results[i], want)
		}
	}
	if a := s.settleDown(); a.Delivered != 3 || a.RateDropped != 1 {
		t.Errorf("the account is %+v", a)
	}
	if e := s.entry(results[2].ID); e.State != "rate_dropped" || e.Reason != "daily_limit" {
		t.Errorf("it ended %+v", e)
	}
	s.drain()
}

// Users are moved from shard to shard while they change their minds and are
// written to: every answer is what was said last, and the directory keeps its
// new number of shards.
func TestReshardOverTheInterface(t *testing.T) {
	_, url := mocks(t)
	cfg := config(t, url)
	cfg.DataDir, cfg.Shards, cfg.Sharding = t.TempDir(), 3, pipeline.JumpHash
	s := open(t, cfg)
	const users = 60
	for i := range users {
		s.wants(fmt.Sprint("user", i), i%2 == 0)
	}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for round := 0; ctx.Err() == nil; round++ {
			user := fmt.Sprint("writer", round%7)
			s.wants(user, round%3 == 0)
			p, err := s.client.Preferences(t.Context(), user)
			if err != nil || p.Channels.Email.Promotional != (round%3 == 0) {
				t.Errorf("round %d: %+v, %v", round, p.Channels.Email, err)
			}
		}
	})
	for _, to := range []uint32{5, 2} {
		if err := s.client.Reshard(t.Context(), to); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the users have moved", func() bool {
			status, err := s.client.Status(t.Context())
			return err == nil && status.Shards.Shards == int(to) && status.Shards.Reshard.Phase == api.ReshardDone
		})
	}
	stop()
	wg.Wait()
	check := func() {
		t.Helper()
		for i := range users {
			if p, err := s.client.Preferences(t.Context(), fmt.Sprint("user", i)); err != nil || p.Channels.Email.Promotional != (i%2 == 0) {
				t.Errorf("user %d: %+v, %v", i, p.Channels.Email, err)
			}
		}
	}
	check()
	s.drain()
	s = open(t, cfg) // which asks for three shards
	check()
	if status, err := s.client.Status(t.Context()); err != nil || status.Shards.Shards != 2 || status.Shards.Sharding != "jump" {
		t.Errorf("after a restart: %+v, %v", status.Shards, err)
	}
	s.drain()
}

// The shards of the data directory are changed by this process alone, so that what
// it has of them is read once.
func TestCachedPreferencesOfOwnShardsStay(t *testing.T) {
	_, url := mocks(t)
	cfg := config(t, url)
	cfg.Preferences.L2TTL = time.Millisecond
	s := open(t, cfg)

	s.wants("user1", true)
	misses := func() (n int64) {
		status, err := s.client.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range status.Caches {
			if c.Name == telemetry.CachePreferencesL2 {
				n = c.Misses
			}
		}
		return n
	}
	read := func() {
		if _, err := s.client.Preferences(t.Context(), "user1"); err != nil {
			t.Fatal(err)
		}
	}
	read()
	misses() // whose check of the readiness reads some too
	before := misses()
	time.Sleep(10 * time.Millisecond)
	read()
	if n := misses() - before; n != 0 {
		t.Errorf("%d were read again", n)
	}
	s.drain()
}
