package scenarios

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/scenarios/load"
	"github.com/notifyctl/notifyctl/scenarios/scenariotest"
)

func do(t *testing.T, s *scenariotest.System) *Result {
	t.Helper()
	result, err := smokeRun(t).Do(t.Context(), benchOf(t, s))
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestASoundSystemPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		result := do(t, &scenariotest.System{Takes: 300 * time.Millisecond, Latency: func(int) time.Duration { return 5 * time.Millisecond }})
		if result.Verdict != Pass || verdicts(result.Checks) != "" {
			t.Errorf("verdict %s: %s", result.Verdict, verdicts(result.Checks))
		}
		l := result.Ledger
		const n = 12 * 24.12 * 100 // a tenth of 12,000/s for 0.0067 of an hour, in whole requests
		if l.Accepted < n || l.Accepted > n+100 || *l.Delivered != l.Accepted || *l.InFlight != 0 || *l.Lost != 0 || *l.Duplicates != 0 || *l.Unacknowledged != 0 {
			t.Errorf("ledger %s", asJSON(t, l))
		}
		s := result.Stages[0]
		if s.Offered != uint64(l.Accepted) || s.Requests.Sent*100 != s.Sent || s.Latency.P99 < 5 || s.Latency.P99 > 5.1 || s.To != 24.12 {
			t.Errorf("stage %s", asJSON(t, s))
		}
		e := result.EndToEnd[0]
		if e.Count != l.Accepted || e.Latency.P99 != 300 || e.Stages["batch"] != 0.75 {
			t.Errorf("end to end %s", asJSON(t, e))
		}
	})
}

// TestNegativeControls: each fault fails the check that is about it, and no
// other.
func TestNegativeControls(t *testing.T) {
	for _, test := range []struct {
		name    string
		fake    *scenariotest.System
		want    string
		verdict Verdict
	}{
		{"503 to 1 in 250", &scenariotest.System{Answer: func(n int) int {
			if n%250 == 0 {
				return http.StatusServiceUnavailable
			}
			return http.StatusAccepted
		}}, "errors: fail", Fail},
		{"p99 of 700 ms", &scenariotest.System{Latency: func(n int) time.Duration {
			if n%50 == 0 {
				return 700 * time.Millisecond
			}
			return time.Millisecond
		}}, "api p99: fail", Fail},
		{"3 are lost", &scenariotest.System{Lose: 3}, "lost: fail", Fail},
		{"3 are called delivered and were not sent", &scenariotest.System{Unknown: 3}, "lost: fail", Fail},
		{"5 are sent twice", &scenariotest.System{Twice: 5}, "duplicates: fail", Fail},
		{"slow delivery", &scenariotest.System{Takes: 11 * time.Second}, "high end to end p99: fail", Fail},
		{"2 never end", &scenariotest.System{Stuck: 2}, "drained: fail, lost: inconclusive", Fail},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				result := do(t, test.fake)
				if got := verdicts(result.Checks); got != test.want || result.Verdict != test.verdict {
					t.Errorf("%s: %s, want %s: %s", result.Verdict, got, test.verdict, test.want)
				}
			})
		})
	}
}

// A system that ran before has an account that does not begin with nothing, and
// may still have something in flight.
func TestWhatWasThereBeforeIsNotTheRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &scenariotest.System{Account: api.Account{Accepted: 1000, Delivered: 980, InFlight: 20, Ambiguous: 7, Takeovers: 5}}
		bench, began := benchOf(t, f), time.Now()
		time.AfterFunc(5*time.Second, func() {
			f.Change(func(a *api.Account) { a.Delivered, a.InFlight, a.Takeovers = 1000, 0, 25 })
		})
		result, err := smokeRun(t).Do(t.Context(), bench)
		if err != nil {
			t.Fatal(err)
		}
		if waited := result.Started.Sub(began); waited < 5*time.Second || waited > 6*time.Second {
			t.Errorf("it began after %v, and what was in flight took 5 s", waited)
		}
		if l := result.Ledger; *l.Ambiguous != 0 || *l.Takeovers != 0 || *l.InFlight != 0 || *l.Lost != 0 || *l.Delivered != l.Accepted {
			t.Errorf("ledger %s", asJSON(t, l))
		}
		if result.Verdict != Pass {
			t.Errorf("%s: %s", result.Verdict, verdicts(result.Checks))
		}
	})
}

// What does not end is waited for as long as the scenario allows, and is said.
func TestWhatDoesNotEndBeforeTheRunIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &scenariotest.System{Account: api.Account{Accepted: 20, InFlight: 20}}
		var said strings.Builder
		bench, began := benchOf(t, f), time.Now()
		bench.Log = slog.New(slog.NewTextHandler(&said, nil))
		result, err := smokeRun(t).Do(t.Context(), bench)
		if err != nil {
			t.Fatal(err)
		}
		if waited := result.Started.Sub(began); waited < named(t, "steady").Drain {
			t.Errorf("it began after %v", waited)
		}
		if !strings.Contains(said.String(), "in_flight=20") || !strings.Contains(said.String(), "notifications of others in flight") {
			t.Errorf("it said %q", &said)
		}
		if got := verdicts(result.Checks); got != "drained: fail" {
			t.Errorf("%s: %s", result.Verdict, got)
		}
	})
}

func TestLostAndDuplicatesAreCountedByID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Three lost and three sent twice would cancel out in sums.
		l := do(t, &scenariotest.System{Lose: 3, Twice: 3, Unknown: 2}).Ledger
		if *l.Lost != 5 || *l.Duplicates != 3 || *l.Delivered != l.Accepted-3 {
			t.Errorf("ledger %s", asJSON(t, l))
		}
	})
}

func TestWhatWasNotAcknowledgedIsNotNettedAgainstLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &scenariotest.System{Lose: 4}
		f.Answer = func(n int) int {
			if n != 20 {
				return http.StatusAccepted
			}
			// It is delivered all the same, although the client is told otherwise.
			run := f.RunName()
			for i := range 4 {
				f.Accept(run + "-190" + string(rune('0'+i)))
			}
			return http.StatusServiceUnavailable
		}
		l := do(t, f).Ledger
		if *l.Lost != 4 || *l.Unacknowledged != 4 {
			t.Errorf("ledger %s", asJSON(t, l))
		}
	})
}

func TestInterruptGivesWhatIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		result, err := smokeRun(t).Do(ctx, benchOf(t, &scenariotest.System{Takes: time.Second}))
		if err != nil {
			t.Fatal(err)
		}
		if result.Verdict != Interrupted {
			t.Errorf("verdict %s", result.Verdict)
		}
		if l := result.Ledger; l.Accepted != 12100 && l.Accepted != 12000 || *l.Lost != 0 || *l.InFlight != 0 {
			t.Errorf("ledger %s", asJSON(t, l))
		}
		if took := time.Since(began); took > 12*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestInterruptDuringTheDrainEndsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // the load takes 24 s
		defer cancel()
		began := time.Now()
		result, err := smokeRun(t).Do(ctx, benchOf(t, &scenariotest.System{Stuck: 1}))
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); result.Verdict != Interrupted || took > 31*time.Second {
			t.Errorf("%s after %v", result.Verdict, took)
		}
	})
}

func TestAForeignTargetIsSeenFromOutsideAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bench := benchOf(t, &scenariotest.System{NoStatus: true})
		bench.Ledger = nil
		result, err := smokeRun(t).Do(t.Context(), bench)
		if err != nil {
			t.Fatal(err)
		}
		want := "high end to end p99: not_observed, drained: not_observed, lost: not_observed, duplicates: not_observed"
		if got := verdicts(result.Checks); got != want || result.Verdict != Pass {
			t.Errorf("%s: %s", result.Verdict, got)
		}
		text := asJSON(t, result)
		for _, null := range []string{`"lost":null`, `"duplicates":null`, `"delivered":null`, `"in_flight":null`, `"queue":null`, `"end_to_end":null`, `"workers":null`} {
			if !strings.Contains(text, null) {
				t.Errorf("no %s in %s", null, text)
			}
		}
	})
}

func TestATargetThatAnswersHTMLFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bench := benchOf(t, &scenariotest.System{HTML: true})
		bench.Ledger = nil
		result, err := smokeRun(t).Do(t.Context(), bench)
		if err != nil {
			t.Fatal(err)
		}
		if got := verdicts(result.Checks); !strings.HasPrefix(got, "errors: fail, high") || result.Verdict != Fail {
			t.Errorf("%s: %s", result.Verdict, got)
		}
		if n := result.Generator.Answers["malformed"]; n == 0 || result.Ledger.Accepted != 0 {
			t.Errorf("answers %v", result.Generator.Answers)
		}
	})
}

func TestATargetThatDoesNotAnswerIsNotLoaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bench, pipes := benchAndPipes(t, &scenariotest.System{})
		_ = pipes.Close()
		var none *NoAnswerError
		if _, err := smokeRun(t).Do(t.Context(), bench); !errors.As(err, &none) || none.Target != "http://fake:80" {
			t.Errorf("got %v", err)
		}
	})
}

func TestATargetThatDiesGivesAResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &scenariotest.System{}
		bench := benchOf(t, f)
		dial := bench.Target.Dial
		died := time.Now().Add(10 * time.Second)
		bench.Target.Dial = func(ctx context.Context, network string) (net.Conn, error) {
			if time.Now().After(died) {
				return nil, &net.OpError{Op: "dial", Err: net.ErrClosed}
			}
			return dial(ctx, network)
		}
		f.Answer = func(int) int {
			if time.Now().After(died) {
				panic(http.ErrAbortHandler)
			}
			return http.StatusAccepted
		}
		result, err := smokeRun(t).Do(t.Context(), bench)
		if err != nil {
			t.Fatal(err)
		}
		if result.Verdict != Fail || !strings.Contains(verdicts(result.Checks), "errors: fail") {
			t.Errorf("%s: %s", result.Verdict, verdicts(result.Checks))
		}
	})
}

func TestSnapshotFollowsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run := smokeRun(t)
		if s := run.Snapshot(); s.Phase != Starting || s.Report != nil {
			t.Errorf("before: %+v", s)
		}
		bench := benchOf(t, &scenariotest.System{Takes: 2 * time.Second})
		over := make(chan struct{})
		go func() {
			defer close(over)
			if _, err := run.Do(t.Context(), bench); err != nil {
				t.Error(err)
			}
		}()
		time.Sleep(10*time.Second + 500*time.Millisecond)
		s := run.Snapshot()
		if s.Phase != Running || s.Stage != "hold" || s.Report.Total.Sent < 120 || len(s.Seconds) != 10 {
			t.Errorf("during: %s %s, %d sent, %d seconds", s.Phase, s.Stage, s.Report.Total.Sent, len(s.Seconds))
		}
		if s.System == nil || s.System.Depth < 2000 || s.System.Account.Accepted < 10_000 {
			t.Errorf("during: system %+v", s.System)
		}
		if got := verdicts(s.Checks); got != "drained: inconclusive, lost: inconclusive, duplicates: inconclusive" {
			t.Errorf("during: %s", got)
		}
		<-over
		if s := run.Snapshot(); s.Phase != Over || s.Result == nil || verdicts(s.Checks) != "" {
			t.Errorf("after: %s, %s", s.Phase, verdicts(s.Checks))
		}
	})
}

func TestNewRunRefuses(t *testing.T) {
	scenario := named(t, "steady")
	base := smokeRun(t).options
	for name, change := range map[string]func(*Options){
		"rate scale": func(o *Options) { o.Scale.Rate = 0 },
		"time scale": func(o *Options) { o.Scale.Time = -1 },
		"batch":      func(o *Options) { o.Batch = 1001 },
		"no batch":   func(o *Options) { o.Batch = 0 },
		"users":      func(o *Options) { o.Users = -1 },
		"keys":       func(o *Options) { o.Keys = "" },
		"too much":   func(o *Options) { o.Scale = Scale{Rate: 1000, Time: 1000} },
	} {
		options := base
		options.Scenario = scenario
		change(&options)
		if _, err := NewRun(options); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if base.Keys != load.KeyPerRequest {
		t.Error("the base options were changed")
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
