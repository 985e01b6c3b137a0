package main_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"golang.org/x/sync/errgroup"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline/api"
)

const (
	// drainedWithin is how long a fleet may take for what it has accepted: after
	// a worker's crash its session has to run out, and retries wait a minute.
	drainedWithin = 3 * time.Minute
	// accountEvery is how often the account is read meanwhile.
	accountEvery = 100 * time.Millisecond
	// historySample is one in so many ids whose history is asked for.
	historySample = 20
	// lookups are made at once.
	lookups = 4
)

// figures is what a load came to.
type figures struct {
	api.Account
	Answered   int64 // notifications answered 202
	Failed     int64 // calls that were not
	Unique     int64 // notifications that the providers saw
	Duplicates int64 // acceptances of them beyond the first
}

func (f figures) String() string {
	return fmt.Sprintf("answered 202: %d (calls that were not: %d), accepted %d, delivered %d, ended otherwise %d, in flight %d; "+
		"providers saw %d, again %d, with %d ambiguous answers and %d takeovers",
		f.Answered, f.Failed, f.Accepted, f.Delivered, f.Ended()-f.Delivered, f.InFlight, f.Unique, f.Duplicates, f.Ambiguous, f.Takeovers)
}

// reckon waits until all loads of a fleet were answered and it has nothing left
// to do, and holds the fleet to its promise: by id, what was answered 202 was accepted
// by a provider and is delivered, nothing is counted that is not, and no
// provider accepted more than the fleet knows that it may have. What clients had
// to send again without a key that was kept may be there twice.
func (f *fleet) reckon(t *testing.T, loads ...*load) figures {
	t.Helper()
	var got figures
	var again int64
	for _, l := range loads {
		l.wait(t)
		got.Answered += l.answered.Load()
		got.Failed += l.failed.Load()
		again += l.again.Load()
	}
	account := f.awaitDrained(t)
	ledger, err := mockproviders.NewLedgerClient(f.mock.url, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	totals, err := ledger.Totals(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got.Account, got.Unique, got.Duplicates = account, int64(totals.Total.Unique), int64(totals.Total.Duplicates)
	t.Log(got)
	twice := account.Accepted - got.Answered
	if twice < 0 || twice > again {
		t.Errorf("accepted %d, but answered 202 %d, and sent again without a promise %d", account.Accepted, got.Answered, again)
	}
	if account.Delivered != account.Accepted {
		t.Errorf("delivered %d of %d accepted", account.Delivered, account.Accepted)
	}
	if got.Unique != got.Answered || !totals.Complete {
		t.Errorf("the providers saw %d notifications of %d; all of them told: %t", got.Unique, got.Answered, totals.Complete)
	}
	if got.Duplicates > account.Ambiguous+account.Takeovers+twice {
		t.Errorf("%d acceptances beyond the first, but %d ambiguous answers, %d takeovers and %d accepted twice", got.Duplicates, account.Ambiguous, account.Takeovers, twice)
	}
	for _, l := range loads {
		f.checkRun(t, l)
		f.checkIDs(t, l, ledger)
	}
	return got
}

// awaitDrained waits until nothing is in flight.
func (f *fleet) awaitDrained(t *testing.T) api.Account {
	t.Helper()
	return f.awaitAccount(t, func(a api.Account) bool { return a.InFlight == 0 })
}

// awaitAccount waits until a condition on the account holds, and has the account
// add up whenever it is read. An engine that is away or comes back may keep a
// process from telling.
func (f *fleet) awaitAccount(t *testing.T, holds func(api.Account) bool) api.Account {
	t.Helper()
	tick := time.NewTicker(accountEvery)
	defer tick.Stop()
	deadline := time.After(drainedWithin)
	for {
		status, err := f.status(t.Context())
		a := status.Account
		switch {
		case err != nil:
		case a.Accepted != a.Ended()+a.InFlight:
			t.Fatalf("accepted %d, but ended %d + in flight %d", a.Accepted, a.Ended(), a.InFlight)
		case holds(a):
			return a
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("after %v the account is %+v; %v; the queues are %+v", drainedWithin, a, err, status.Queues)
		}
	}
}

// checkRun compares a load by its sequences with the outcomes that the history
// has of it.
func (f *fleet) checkRun(t *testing.T, l *load) {
	t.Helper()
	outcomes, err := client(t, f.gateway(0)).RunOutcomes(t.Context(), l.run)
	if err != nil {
		t.Error(err)
		return
	}
	all := roaring.New()
	all.AddRange(0, uint64(len(l.requests)*keyedBatch))
	for state, sequences := range outcomes.Outcomes {
		if state != "delivered" && !sequences.IsEmpty() {
			t.Errorf("%d are %s", sequences.GetCardinality(), state)
		}
	}
	missing := all.Clone()
	if delivered := outcomes.Outcomes["delivered"]; delivered != nil {
		missing.AndNot(delivered)
	}
	if !missing.IsEmpty() {
		t.Errorf("the history's outcomes of the run lack %d of %d delivered, the first from %d", missing.GetCardinality(), all.GetCardinality(), missing.Minimum())
	}
}

// checkIDs compares each id that was answered with the providers' ledger, and
// some with the history.
func (f *fleet) checkIDs(t *testing.T, l *load, ledger *mockproviders.LedgerClient) {
	t.Helper()
	history := client(t, f.gateway(0))
	seen := map[string]bool{}
	check, ctx := errgroup.WithContext(t.Context())
	check.SetLimit(lookups)
	for _, r := range l.requests {
		for i, id := range r.ids {
			if seen[id] {
				t.Errorf("id %s was given twice", id)
			}
			seen[id] = true
			check.Go(func() error {
				sends, err := ledger.Lookup(ctx, id)
				if err == nil && (len(sends.Sends) > 1 || i%historySample == 0) {
					err = checkHistory(ctx, history, id, len(sends.Sends))
				}
				if err == nil && len(sends.Sends) == 0 {
					err = errors.New("it reached no provider")
				}
				if err != nil {
					return fmt.Errorf("%s, answered 202: %w", id, err)
				}
				return nil
			})
		}
	}
	if err := check.Wait(); err != nil {
		t.Error(err)
	}
}

// checkHistory says what is wrong with the history of a notification that was
// delivered, and that providers accepted so many times: what came more than once
// has an attempt whose end nobody knew.
func checkHistory(ctx context.Context, history *api.Client, id string, sends int) error {
	entry, err := history.Notification(ctx, id)
	if err != nil {
		return err
	}
	if entry.State != "delivered" {
		return fmt.Errorf("it is %s", entry.State)
	}
	unsure := 0
	for _, attempt := range entry.Attempts {
		if attempt.Result == "uncertain" || attempt.Result == "ambiguous" {
			unsure++
		}
	}
	if sends > 1+unsure {
		return fmt.Errorf("providers accepted it %d times, and its attempts are %+v", sends, entry.Attempts)
	}
	return nil
}
