package main_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline/api"
)

// durabilityTotal is how many notifications the test sends.
const durabilityTotal = 20_000

// requestEvery paces each of the clients, so that at any moment some
// notifications are being accepted, some sent and some settled.
const requestEvery = 50 * time.Millisecond

// postAll sends requests by a few clients until all are answered, or one is
// not.
func postAll(ctx context.Context, url string, requests []*keyedRequest) {
	var wg sync.WaitGroup
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	queue := make(chan *keyedRequest, len(requests))
	for _, r := range requests {
		queue <- r
	}
	close(queue)
	for range 8 {
		wg.Go(func() {
			pace := time.NewTicker(requestEvery)
			defer pace.Stop()
			for r := range queue {
				<-pace.C
				if _, err := r.post(ctx, url); err != nil {
					stop() // what is left comes after the restart
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestKilledServerLosesNothing kills a server twice while clients write to it,
// and then holds it to the promise: what was answered 202 ends in exactly one
// outcome, a repeated key gives the stored answer, and the providers saw no id
// twice but those that the server reports as taken over.
func TestKilledServerLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills real processes")
	}
	data := filepath.Join(t.TempDir(), "data")
	mock := startProcess(t, "mock", "--listen", "127.0.0.1:0")
	serve := func() *process {
		return startProcess(t, "serve", "--listen", "127.0.0.1:0", "--data", data, "--providers", mock.url)
	}
	requests := keyedRequests("durable", durabilityTotal)
	server := serve()
	for kills, until := range []int{len(requests) / 3, 2 * len(requests) / 3} {
		victim := server
		done := make(chan struct{})
		go func() {
			defer close(done)
			postAll(t.Context(), victim.url, requests[:until])
			// The middle of the delivery: what was just answered is being sent.
			postAll(t.Context(), victim.url, requests[until:])
		}()
		waitAccepted(t, victim.url, int64(until*keyedBatch))
		victim.kill(t)
		<-done
		t.Logf("kill %d after %d of %d requests were answered", kills+1, answered(requests), len(requests))
		server = serve()
		checkReplay(t, server.url, requests)
	}
	for answered(requests) < len(requests) {
		postAll(t.Context(), server.url, unanswered(requests))
	}
	account := waitDrained(t, server.url)
	if account.Accepted != durabilityTotal || account.Ended() != durabilityTotal || account.Delivered != durabilityTotal {
		t.Errorf("the account is %+v, want %d accepted and delivered", account, durabilityTotal)
	}
	checkOutcomes(t, server.url, mock.url, requests, account)
	server.end(t)
}

func answered(requests []*keyedRequest) int { return len(requests) - len(unanswered(requests)) }

func client(t *testing.T, url string) *api.Client {
	t.Helper()
	c, err := api.NewClient(url, api.ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// await polls until a condition on the account holds.
func await(t *testing.T, url string, holds func(api.Account) bool) api.Account {
	t.Helper()
	c := client(t, url)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for {
		status, err := c.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if a := status.Account; holds(a) {
			return a
		} else if a.Accepted != a.Ended()+a.InFlight {
			t.Fatalf("accepted %d, but ended %d + in flight %d", a.Accepted, a.Ended(), a.InFlight)
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("after a minute the account is %+v", status.Account)
		}
	}
}

func waitAccepted(t *testing.T, url string, n int64) {
	t.Helper()
	await(t, url, func(a api.Account) bool { return a.Accepted >= n })
}

func waitDrained(t *testing.T, url string) api.Account {
	t.Helper()
	return await(t, url, func(a api.Account) bool { return a.InFlight == 0 })
}

// checkReplay repeats a few answered requests: each gives its stored answer.
func checkReplay(t *testing.T, url string, requests []*keyedRequest) {
	t.Helper()
	repeated := 0
	for _, r := range requests {
		if r.ids == nil || repeated == 20 {
			continue
		}
		repeated++
		replayed, err := r.post(t.Context(), url)
		if err != nil || !replayed {
			t.Fatalf("request %s, answered before the kill, was now replayed: %v, %v", r.key, replayed, err)
		}
	}
	if repeated == 0 {
		t.Fatal("nothing was answered before the kill")
	}
}

// checkOutcomes compares, by id, what was answered, what became of it, and what
// the providers saw.
func checkOutcomes(t *testing.T, url, mock string, requests []*keyedRequest, account api.Account) {
	t.Helper()
	ledger, err := mockproviders.NewLedgerClient(mock, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	totals, err := ledger.Totals(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if totals.Total.Unique != durabilityTotal {
		t.Errorf("the providers saw %d ids, want %d", totals.Total.Unique, durabilityTotal)
	}
	duplicates, err := ledger.Duplicates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	twice := map[string]bool{}
	for _, id := range duplicates {
		twice[id] = true
	}
	t.Logf("takeovers %d, ambiguous %d, seen twice %d", account.Takeovers, account.Ambiguous, len(twice))
	if int64(totals.Total.Duplicates) > account.Takeovers+account.Ambiguous {
		t.Errorf("%d acceptances beyond the first, but %d takeovers and %d ambiguous answers", totals.Total.Duplicates, account.Takeovers, account.Ambiguous)
	}
	c := client(t, url)
	seen := map[string]bool{}
	for _, r := range requests {
		for _, id := range r.ids {
			if seen[id] {
				t.Fatalf("id %s was given twice", id)
			}
			seen[id] = true
			entry, err := c.Notification(t.Context(), id)
			if err != nil {
				t.Fatalf("%s, answered 202: %v", id, err)
			}
			if entry.State != "delivered" {
				t.Fatalf("%s is %s", id, entry.State)
			}
			uncertain := 0
			for _, attempt := range entry.Attempts {
				if attempt.Result == "uncertain" || attempt.Result == "ambiguous" {
					uncertain++
				}
			}
			if twice[id] && uncertain == 0 {
				t.Errorf("%s was seen twice and the server does not know of it: %+v", id, entry.Attempts)
			}
		}
	}
}
