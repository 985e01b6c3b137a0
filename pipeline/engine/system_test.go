package engine_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline/api"
)

func TestASubmissionEndsDelivered(t *testing.T) {
	providers, url := mocks(t)
	s := open(t, config(t, url))
	if ready, err := s.client.Ready(t.Context()); err != nil || ready.Status != "ready" || len(ready.Checks) != 3 {
		t.Errorf("readiness: %+v, %v", ready, err)
	}
	results := s.submit("", urgent("push", 1), urgent("email", 2), urgent("sms", 3))
	if a := s.settleDown(); a.Accepted != 3 || a.Delivered != 3 {
		t.Errorf("the account is %+v", a)
	}
	for i, r := range results {
		e := s.entry(r.ID)
		provider := []string{"fcm", "sendgrid", "twilio"}[i]
		if e.State != "delivered" || len(e.Attempts) != 1 || e.Attempts[0].Provider != provider || e.Attempts[0].Result != "sent" {
			t.Errorf("notification %d ended %+v", i, e)
		}
		if sends := providers.Ledger().Lookup(r.ID).Sends; len(sends) != 1 || sends[0].Provider != provider {
			t.Errorf("notification %d was accepted by %+v", i, sends)
		}
	}
	s.drain()
}

// Every outcome, and at every moment the account adds up.
func TestTheAccountIsAnEquation(t *testing.T) {
	_, url := mocks(t)
	s := open(t, config(t, url))
	if err := s.client.SetPreferences(t.Context(), "user1", api.Preferences{
		UserID: "user1", Channels: api.ChannelPreferences{Email: &api.Preference{Addresses: []string{}}},
	}); err != nil {
		t.Fatal(err)
	}
	expired, nowhere := urgent("email", 2), urgent("email", 3)
	expired.ExpiresAt = time.Now().Add(-time.Minute)
	nowhere.To = ""
	all := []api.Notification{urgent("email", 1), expired, nowhere}
	for i := range 100 {
		all = append(all, urgent([]string{"push", "email", "sms"}[i%3], 10+i))
	}
	results := s.submit("", all...)
	for i, want := range []string{"suppressed", "expired", "accepted", "accepted"} {
		if results[i].Status != want {
			t.Errorf("notification %d was answered %+v, want %s", i, results[i], want)
		}
	}
	a := s.settleDown()
	want := api.Account{Accepted: 103, Delivered: 100, Suppressed: 1, Expired: 1, Dead: 1}
	if a != want {
		t.Errorf("the account is %+v, want %+v", a, want)
	}
	if e := s.entry(results[2].ID); e.State != "dead" || e.Reason != "no_address" {
		t.Errorf("without an address it ended %+v", e)
	}
	s.drain()
}

func TestATemporarySystemSendsWhatIsQueuedAndLeavesNothing(t *testing.T) {
	providers, url := mocks(t)
	s := open(t, config(t, url))
	dir, temporary := s.DataDir()
	if _, err := os.Stat(dir); !temporary || err != nil {
		t.Fatalf("%s is temporary: %v, %v", dir, temporary, err)
	}
	results := s.submit("", bulk(1), bulk(2), bulk(3))
	done := s.Done()
	s.drain()
	<-done
	for _, r := range results {
		if n := len(providers.Ledger().Lookup(r.ID).Sends); n != 1 {
			t.Errorf("%s was sent %d times", r.ID, n)
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", dir, err)
	}
}

// What cannot be sent in time is lost with a temporary directory, and that is
// said.
func TestATemporarySystemSaysWhatItLost(t *testing.T) {
	providers, url := mocks(t)
	if err := providers.SetFaults(mockproviders.Script{Faults: []mockproviders.Fault{{Kind: mockproviders.Outage, RetryAfter: mockproviders.Duration(time.Hour)}}}); err != nil {
		t.Fatal(err)
	}
	s := open(t, config(t, url))
	dir, _ := s.DataDir()
	results := s.submit("", urgent("email", 1), urgent("sms", 2))
	eventually(t, "the outage was met", func() bool {
		return s.entry(results[0].ID).State == "retrying" && s.entry(results[1].ID).State == "retrying"
	})
	s.client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := s.Drain(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "2 notifications were still queued") {
		t.Errorf("drain: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", dir, err)
	}
}

func TestALastingDirectoryKeepsEverything(t *testing.T) {
	providers, url := mocks(t)
	cfg := config(t, url)
	cfg.DataDir = t.TempDir()
	s := open(t, cfg)
	if dir, temporary := s.DataDir(); dir != cfg.DataDir || temporary {
		t.Errorf("its directory is %s, temporary: %v", dir, temporary)
	}
	done := s.submit("done", urgent("email", 1), urgent("push", 2))
	s.settleDown()
	before := s.entry(done[0].ID)
	queued := s.submit("queued", bulk(3), bulk(4)) // for a second more than the drain takes
	s.drain()

	s = open(t, cfg)
	if after := s.entry(done[0].ID); after.State != "delivered" || !after.EndedAt.Equal(before.EndedAt) || after.UserID != "user1" {
		t.Errorf("%+v became %+v", before, after)
	}
	for i, r := range s.submit("queued", bulk(3), bulk(4)) {
		if r.ID != queued[i].ID || !r.Replayed {
			t.Errorf("the repeated request got %+v, want a replay of %+v", r, queued[i])
		}
	}
	if a := s.settleDown(); a.Accepted != 4 || a.Delivered != 4 || a.Ambiguous != 0 || a.Takeovers != 0 {
		t.Errorf("the account is %+v", a)
	}
	for _, r := range append(done, queued...) {
		if e := s.entry(r.ID); e.State != "delivered" {
			t.Errorf("%s is %s", r.ID, e.State)
		}
	}
	if total := providers.Ledger().Totals().Total; total.Unique != 4 || total.Duplicates != 0 {
		t.Errorf("the providers accepted %+v", total)
	}
	s.drain()
	if _, err := os.Stat(cfg.DataDir); err != nil {
		t.Error(err)
	}
}

// Under another key the ids of a directory are nobody's.
func TestAnotherIDKeyKnowsNoID(t *testing.T) {
	_, url := mocks(t)
	cfg := config(t, url)
	cfg.DataDir = t.TempDir()
	cfg.IDKey = strings.Repeat("0f", 16)
	s := open(t, cfg)
	id := s.submit("", urgent("email", 1))[0].ID
	s.settleDown()
	s.drain()

	s = open(t, cfg)
	if e := s.entry(id); e.State != "delivered" {
		t.Errorf("under the same key it is %+v", e)
	}
	s.drain()
	cfg.IDKey = strings.Repeat("f0", 16)
	s = open(t, cfg)
	if _, err := s.client.Notification(t.Context(), id); status(err) != 404 {
		t.Errorf("under another key it gave %v, want 404", err)
	}
	s.drain()
}

// A system that is drained keeps no goroutine and no connection.
func TestADrainLeavesNothingRunning(t *testing.T) {
	_, url := mocks(t)
	cfg := config(t, url)
	before := runtime.NumGoroutine()
	s := open(t, cfg)
	s.submit("", urgent("push", 1), urgent("email", 2), urgent("sms", 3))
	s.drain()
	eventually(t, "what was opened has ended", func() bool { return runtime.NumGoroutine() <= before })
}

func TestNothingIsTakenAfterADrain(t *testing.T) {
	_, url := mocks(t)
	s := open(t, config(t, url))
	s.submit("", urgent("email", 1))
	s.drain()
	if _, err := s.client.Submit(t.Context(), []api.Notification{urgent("email", 2)}, ""); err == nil {
		t.Error("a drained system took a submission")
	}
}
