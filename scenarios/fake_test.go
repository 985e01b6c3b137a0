package scenarios

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/catalog"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

// fake is a notification system with its provider, as seen from outside, that
// does what a test tells it to. It is reached without sockets, so that it runs
// in a bubble of synthetic time.
type fake struct {
	answer   func(request int) (status int) // nil: 202 always
	latency  func(request int) time.Duration
	lose     int // accepted, and never heard of again
	unknown  int // called delivered, and never sent
	twice    int // sent twice
	stuck    int // kept in flight for ever
	noStatus bool
	html     bool
	takes    time.Duration // from acceptance to delivery
	busy     float64       // how busy the provider says that it is

	conns chan net.Conn
	done  chan struct{}

	mu        sync.Mutex
	requests  int
	run       string
	delivered *roaring.Bitmap
	sent      *roaring.Bitmap
	repeats   uint64
	account   api.Account
}

// start serves it until the test ends.
func (f *fake) start(t *testing.T) *load.Endpoint {
	t.Helper()
	f.conns, f.done = make(chan net.Conn), make(chan struct{})
	f.delivered, f.sent = roaring.New(), roaring.New()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/notifications", f.submit)
	mux.HandleFunc("GET /v1/status", f.status)
	mux.HandleFunc("GET /v1/runs/{run}/outcomes", f.outcomes)
	server := &http.Server{Handler: mux}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(f) })
	t.Cleanup(func() {
		_ = server.Close()
		serving.Wait()
	})
	return &load.Endpoint{
		URL: &url.URL{Scheme: "http", Host: "fake:80"},
		Dial: func(ctx context.Context, _ string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			select {
			case f.conns <- theirs:
				return ours, nil
			case <-f.done:
				return nil, &net.OpError{Op: "dial", Err: net.ErrClosed}
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		},
	}
}

func (f *fake) Accept() (net.Conn, error) {
	select {
	case c := <-f.conns:
		return c, nil
	case <-f.done:
		return nil, net.ErrClosed
	}
}

func (f *fake) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.done:
	default:
		close(f.done)
	}
	return nil
}

func (f *fake) Addr() net.Addr { return &net.TCPAddr{} }

func (f *fake) submit(w http.ResponseWriter, r *http.Request) {
	var body api.Submission
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	f.requests++
	n := f.requests
	f.mu.Unlock()
	if f.latency != nil {
		time.Sleep(f.latency(n))
	}
	if f.html {
		_, _ = w.Write([]byte("<html><h1>It works!</h1></html>"))
		return
	}
	if f.answer != nil {
		if status := f.answer(n); status != http.StatusAccepted {
			w.WriteHeader(status)
			return
		}
	}
	var answer api.Accepted
	for _, entry := range body.Notifications {
		f.accept(entry.Ref)
		answer.Results = append(answer.Results, api.Result{ID: "id", Status: "accepted"})
	}
	w.WriteHeader(http.StatusAccepted)
	_ = json.NewEncoder(w).Encode(answer)
}

// accept decides on the fate of a notification.
func (f *fake) accept(ref string) {
	run, sequence, ok := catalog.ParseRunRef(ref)
	if !ok {
		panic("BUG: a load run's ref is no such ref: " + ref)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.run = run
	f.account.Accepted++
	switch {
	case f.lose > 0:
		f.lose--
		return
	case f.stuck > 0:
		f.stuck--
		f.account.InFlight++
		return
	}
	f.account.InFlight++
	time.AfterFunc(f.takes, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.account.InFlight--
		f.account.Delivered++
		f.delivered.Add(sequence)
		if f.unknown > 0 {
			f.unknown--
			return
		}
		f.sent.Add(sequence)
		if f.twice > 0 {
			f.twice--
			f.repeats++
		}
	})
}

func (f *fake) status(w http.ResponseWriter, _ *http.Request) {
	if f.noStatus || f.html {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	depth := f.account.InFlight
	_ = json.NewEncoder(w).Encode(api.Status{
		Account: f.account,
		Queues:  []api.Queue{{Channel: "push", Priority: "high", Waiting: depth, OldestAgeMS: min(depth, 1) * f.takes.Milliseconds()}},
		EndToEnd: []api.EndToEnd{{
			Channel: "push", Priority: "high",
			Total: api.Histogram{{f.takes.Microseconds(), 1 + f.account.Delivered}},
			Stages: api.Stages{
				Queue: api.Histogram{{f.takes.Microseconds() / 4, 1 + f.account.Delivered}},
				Batch: api.Histogram{{f.takes.Microseconds() * 3 / 4, 1 + f.account.Delivered}},
			},
		}},
		Workers:   []api.Workers{{Channel: "push", Desired: 2, Running: 2}},
		Providers: []api.Provider{{Name: "fcm", Channel: "push", Sent: f.account.Delivered, Entries: f.account.Delivered}},
		Engines:   map[string]string{"queue": "fake"},
	})
}

func (f *fake) outcomes(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.noStatus || r.PathValue("run") != f.run {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	_ = json.NewEncoder(w).Encode(api.RunOutcomes{Run: f.run, Outcomes: map[string]*roaring.Bitmap{"delivered": f.delivered}})
}

// Run is the provider's ledger.
func (f *fake) Run(_ context.Context, run string) (mockproviders.Run, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := mockproviders.Run{Run: run, Complete: true, Providers: map[string]mockproviders.RunProvider{}}
	if run == f.run {
		out.Providers["fcm"] = mockproviders.RunProvider{Sequences: f.sent.Clone()}
		out.Total.Unique, out.Total.Duplicates = f.sent.GetCardinality(), f.repeats
		out.Total.Sends = out.Total.Unique + out.Total.Duplicates
	}
	return out, nil
}

// Activity is how busy the provider is.
func (f *fake) Activity(context.Context) (mockproviders.Activity, error) {
	return mockproviders.Activity{Busy: f.busy}, nil
}

// benchOf is what a run against the fake is held against.
func benchOf(t *testing.T, f *fake) Bench {
	t.Helper()
	target := f.start(t)
	client, err := api.NewClient("http://fake:80", api.ClientOptions{DialContext: target.DialContext})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return Bench{Target: target, System: client, Ledger: f, Log: slog.New(slog.DiscardHandler)}
}

// smokeRun is a smoke run of steady.
func smokeRun(t *testing.T) *Run {
	t.Helper()
	return runOf(t, named(t, "steady"), Smoke, 100)
}

func named(t *testing.T, name string) *Scenario {
	t.Helper()
	s, err := Named(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func runOf(t *testing.T, s *Scenario, profile string, batch int) *Run {
	t.Helper()
	scale, err := s.Scale(profile)
	if err != nil {
		t.Fatal(err)
	}
	run, err := NewRun(Options{
		Scenario: s, Profile: profile, Scale: scale, Plan: planner.Reference(),
		Batch: batch, Users: 1000, Keys: load.KeyPerRequest, Seed: 7, Version: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// verdicts gives the checks that did not pass, as "name: verdict".
func verdicts(checks []Check) string {
	var list []string
	for _, c := range checks {
		if c.Verdict != Pass {
			list = append(list, c.Name+": "+string(c.Verdict))
		}
	}
	return strings.Join(list, ", ")
}
