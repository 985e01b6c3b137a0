package scenarios

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/scenarios/load"
	"github.com/notifyctl/notifyctl/scenarios/scenariotest"
)

// controlScenario has every check of the scenarios that come with the program which
// can be asked of one stage without a fault.
func controlScenario(t *testing.T) *Scenario {
	t.Helper()
	const length = 260 * time.Second // at a tenth of its time
	s := &Scenario{
		Name: "control", Drain: 10 * time.Second,
		Stages: []Stage{{Name: "hold", From: 50, To: 50, For: length}},
		Mix:    Mix{Categories: map[pipeline.Category]float64{pipeline.Transactional: 1}},
	}
	for _, name := range Standard() {
		for _, x := range named(t, name).Checks {
			family, _, _ := strings.Cut(x.Metric, ".")
			known := slices.ContainsFunc(s.Checks, func(other Expectation) bool { return other.Metric == x.Metric })
			if known || slices.Contains([]string{"breaker", "failed_over", "isolation"}, family) {
				continue
			}
			if x.During != "" && x.During != Drain {
				x.During = "hold"
			}
			x.Name = x.Metric
			s.Checks = append(s.Checks, x)
		}
	}
	return s
}

// TestControlsOverSockets: each fault of a system fails the checks that are about
// it, and no other, over real connections and in real time. What a machine that is
// too busy cannot tell is inconclusive, and tried again.
func TestControlsOverSockets(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	scenario := controlScenario(t)
	var pending []string
	for _, control := range scenariotest.Controls() {
		pending = append(pending, control.Name)
	}
	const attempts = 3
	for attempt := 1; len(pending) > 0 && attempt <= attempts; attempt++ {
		results := map[string]*Result{}
		var mu sync.Mutex
		var running sync.WaitGroup
		controls := scenariotest.Controls()
		controls = slices.DeleteFunc(controls, func(c scenariotest.Control) bool { return !slices.Contains(pending, c.Name) })
		for _, control := range controls {
			running.Go(func() {
				result := runControl(t, scenario, control.System)
				mu.Lock()
				defer mu.Unlock()
				results[control.Name] = result
			})
		}
		running.Wait()
		pending = nil
		for _, control := range controls {
			if told := holdControl(t, control, results[control.Name]); !told {
				pending = append(pending, control.Name)
			}
		}
	}
	if len(pending) > 0 {
		t.Skipf("the machine was too busy %d times to tell: %v", attempts, pending)
	}
}

// holdControl holds the result of a control against what must fail; told is false
// when some of that is inconclusive.
func holdControl(t *testing.T, control scenariotest.Control, result *Result) (told bool) {
	t.Helper()
	if result == nil {
		t.Fatalf("%s: no result", control.Name)
	}
	failed, open := failures(result.Checks)
	told = true
	for _, metric := range control.Metrics {
		switch {
		case slices.Contains(failed, metric):
		case slices.Contains(open, metric):
			t.Logf("%s: %s is inconclusive", control.Name, metric)
			told = false
		default:
			t.Errorf("%s: the check of %s did not fail: %s", control.Name, metric, asJSON(t, result.Checks))
		}
	}
	for _, metric := range failed {
		if !slices.Contains(control.Metrics, metric) {
			t.Errorf("%s: the check of %s failed: %s", control.Name, metric, asJSON(t, result.Checks))
		}
	}
	if len(failed) > 0 && result.Verdict != Fail {
		t.Errorf("%s: verdict %s", control.Name, result.Verdict)
	}
	return told
}

// failures gives the metrics that checks failed about, and those that are
// inconclusive.
func failures(checks []Check) (failed, open []string) {
	for _, c := range checks {
		switch c.Verdict {
		case Fail:
			failed = append(failed, c.Subject)
		case Inconclusive:
			open = append(open, c.Subject)
		case Pass, NotObserved, Interrupted:
		}
	}
	return failed, open
}

// runControl runs a scenario against a system over loopback; nil is for a run that
// could not be, which is an error of the test.
func runControl(t *testing.T, scenario *Scenario, system *scenariotest.System) *Result {
	server := httptest.NewServer(system.Handler())
	defer server.Close()
	target, err := load.Resolve(context.Background(), server.URL, nil)
	if err != nil {
		t.Error(err)
		return nil
	}
	client, err := api.NewClient(server.URL, api.ClientOptions{})
	if err != nil {
		t.Error(err)
		return nil
	}
	defer client.Close()
	ledger, err := mockproviders.NewLedgerClient(server.URL, "", nil)
	if err != nil {
		t.Error(err)
		return nil
	}
	run, err := NewRun(Options{
		Scenario: scenario, Profile: Full, Scale: Scale{Rate: 1, Time: 0.1}, Plan: planner.Reference(),
		Batch: 1, Users: 1000, Keys: load.KeyPerRequest, Seed: 7, Version: "test",
	})
	if err != nil {
		t.Error(err)
		return nil
	}
	result, err := run.Do(t.Context(), Bench{Target: target, System: client, Ledger: ledger, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Error(err)
		return nil
	}
	return result
}
