package scenarios

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/scenarios/load"
	"github.com/notifyctl/notifyctl/scenarios/scenariotest"
)

// runVariants runs an experiment, each variant against a system that answers in
// its time.
func runVariants(t *testing.T, s *Scenario, answers map[string]time.Duration) []*Result {
	t.Helper()
	var runs []*Run
	var results []*Result
	for i := range s.Variants {
		v := &s.Variants[i]
		run, err := NewRun(Options{
			Scenario: s, Variant: v, Earlier: runs, Profile: Full, Scale: Scale{1, 1}, Plan: planner.Reference(),
			Batch: 100, Users: 1000, Keys: load.KeyPerRequest, Seed: 7, Version: "test",
		})
		if err != nil {
			t.Fatal(err)
		}
		system := &scenariotest.System{Latency: func(int) time.Duration { return answers[v.Name] }}
		result, err := run.Do(t.Context(), benchOf(t, system))
		if err != nil {
			t.Fatal(err)
		}
		runs, results = append(runs, run), append(results, result)
	}
	return results
}

func TestAnExperimentComparesItsVariants(t *testing.T) {
	for _, test := range []struct {
		large   time.Duration
		ratio   float64
		verdict Verdict
	}{
		{20 * time.Millisecond, 0.2, Pass},
		{60 * time.Millisecond, 0.6, Fail},
	} {
		synctest.Test(t, func(t *testing.T) {
			results := runVariants(t, parse(t, experiment), map[string]time.Duration{"small": 100 * time.Millisecond, "large": test.large})
			if r := results[0]; r.Scenario != "experiment/small" || len(r.Checks) != 1 || r.Verdict != Pass || r.Stages[0].Offered != 1000 {
				t.Errorf("the first: %s", asJSON(t, r.Checks))
			}
			r := results[1]
			if r.Scenario != "experiment/large" || len(r.Checks) != 2 || r.Verdict != test.verdict || r.Stages[0].Offered != 10_000 {
				t.Fatalf("the second: %s", asJSON(t, r.Checks))
			}
			c := r.Checks[1]
			if c.Name != "twice as fast" || c.Unit != "x" || c.Verdict != test.verdict || *c.Measured < test.ratio*0.99 || *c.Measured > test.ratio*1.01 {
				t.Errorf("check %s", asJSON(t, c))
			}
		})
	}
}
