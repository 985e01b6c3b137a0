package scenarios

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/scenarios/load"
	"github.com/notifyctl/notifyctl/scenarios/scenariotest"
)

// pipes is a listener that is reached without sockets, so that a system runs in a
// bubble of synthetic time.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

// serve serves a system until the test ends.
func serve(t *testing.T, system http.Handler) (*load.Endpoint, *pipes) {
	t.Helper()
	p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: system}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(p) })
	t.Cleanup(func() {
		_ = server.Close()
		serving.Wait()
	})
	return &load.Endpoint{URL: &url.URL{Scheme: "http", Host: "fake:80"}, Dial: p.dial}, p
}

func (p *pipes) dial(ctx context.Context, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.done:
		return nil, &net.OpError{Op: "dial", Err: net.ErrClosed}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// benchOf is what a run against a system is held against.
func benchOf(t *testing.T, s *scenariotest.System) Bench {
	t.Helper()
	bench, _ := benchAndPipes(t, s)
	return bench
}

func benchAndPipes(t *testing.T, s *scenariotest.System) (Bench, *pipes) {
	t.Helper()
	target, p := serve(t, s.Handler())
	client, err := api.NewClient("http://fake:80", api.ClientOptions{DialContext: target.DialContext})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return Bench{Target: target, System: client, Ledger: s, Log: slog.New(slog.DiscardHandler)}, p
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
