package reports

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/exp/golden"

	"github.com/notifyctl/notifyctl/scenarios"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

func of[T any](v T) *T { return &v }

// sample is a result with something of everything.
func sample() *scenarios.Result {
	counts := scenarios.Counts{Offered: 28900, Sent: 28900, Accepted: 28800, Refused: 100}
	requests := scenarios.Counts{Offered: 289, Sent: 289, Accepted: 288, Refused: 1}
	latency := &scenarios.Latencies{P50: 1.9, P90: 3.4, P95: 4, P99: 612.4, Max: 1402}
	return &scenarios.Result{
		Schema: scenarios.Schema, Scenario: "steady", Profile: "smoke", RateScale: 0.1, TimeScale: 0.0067,
		Plan:        scenarios.PlanName{Name: "reference", Hash: "00"},
		Environment: scenarios.Environment{CPUs: 2, Go: "go1.26", OS: "linux", Arch: "amd64", Version: "test", Target: "http://127.0.0.1:8080", Embedded: true},
		Started:     time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC),
		Generator: scenarios.Generator{
			Run: "run1", Seed: 7, Batch: 100, Users: 1000, Keys: load.KeyPerRequest, Connections: 60, Seconds: 24.12, Achieved: 1,
			Late: 40, LateHeld: 39, Answers: map[string]uint64{"accepted": 288, "refused": 1},
			Latency: latency, Service: &scenarios.Latencies{P50: 1.2, P90: 2.1, P95: 2.2, P99: 5.84, Max: 1001},
		},
		Stages: []scenarios.StageResult{{Name: "hold", To: 24.12, Counts: counts, Requests: requests, Latency: latency}},
		EndToEnd: []scenarios.EndToEnd{
			{Priority: "high", Channel: "push", Count: 6000, Latency: &scenarios.Latencies{P99: 262}, Stages: map[string]float64{"batch": 0.2, "send": 0.8}},
			{Priority: "low", Channel: "sms", Count: 22800, Latency: &scenarios.Latencies{P99: 1310}, Stages: map[string]float64{"batch": 0.7, "send": 0.3}},
		},
		Checks: []scenarios.Check{
			{Name: "api p99", Subject: "latency.p99", Op: "<", Limit: 500, Measured: of(612.4), Unit: "ms", Verdict: scenarios.Fail},
			{Name: "errors", Subject: "errors", Op: "<", Limit: 1000, Measured: of(346.02), Unit: "ppm", Verdict: scenarios.Pass},
			{Name: "load sent", Subject: "achieved", Op: ">=", Limit: 99, Measured: of(98.996), Unit: "%", Verdict: scenarios.Inconclusive, Why: "only 98.9 % of the load was sent"},
			{Name: "lost", Subject: "lost", Op: "=", Limit: 0, Measured: of(0.0), Verdict: scenarios.Pass},
			{Name: "gateway scale-up", Subject: "x", Op: "<", Limit: 2, Verdict: scenarios.NotObserved, Why: "nothing asked for it\x1b[31m"},
		},
		Ledger: scenarios.Account{
			Accepted: 28800, Delivered: of(int64(28790)), Suppressed: of(int64(10)), Expired: of(int64(0)), RateDropped: of(int64(0)), Dead: of(int64(0)),
			InFlight: of(int64(0)), Lost: of(int64(0)), Ambiguous: of(int64(0)), Takeovers: of(int64(0)), Unacknowledged: of(int64(100)),
		},
		Resources: scenarios.Resources{CPUPerNotification: of(31.44), System: &scenarios.SystemResources{RSSBytes: of(int64(182_400_000))}},
		Verdict:   scenarios.Fail,
	}
}

func TestLoadTestTable(t *testing.T) {
	for name, terminal := range map[string]Terminal{
		"ascii": {Width: 80},
		"utf8":  {Width: 80, UTF8: true},
		"color": {Width: 80, UTF8: true, Color: true},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := LoadTest(&b, sample(), terminal, "out/result.json"); err != nil {
				t.Fatal(err)
			}
			golden.RequireEqual(t, b.String())
			if !terminal.Color && strings.Contains(b.String(), "\x1b") {
				t.Error("it has escape sequences")
			}
		})
	}
}

func TestWriteResult(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out", "steady")
	for range 2 { // also over an older one
		path := filepath.Join(dir, ResultFile)
		err := WriteFile(path, func(w io.Writer) error { return ResultJSON(w, sample()) })
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var keys map[string]json.RawMessage
		if err := json.Unmarshal(text, &keys); err != nil {
			t.Fatal(err)
		}
		for _, key := range strings.Fields("schema scenario profile rate_scale time_scale plan environment started stages end_to_end checks ledger workers queue providers caches resources cost verdict") {
			if _, ok := keys[key]; !ok {
				t.Errorf("no key %s", key)
			}
		}
		if got := string(keys["queue"]); got != "null" {
			t.Errorf("what was not seen is %s, not null", got)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	below := filepath.Join(dir, ResultFile, "below-a-file", ResultFile)
	if err := WriteFile(below, func(w io.Writer) error { return ResultJSON(w, sample()) }); err == nil {
		t.Error("no error for a directory that cannot be")
	}
}

// TestResultKeys keeps the keys of the contract below the top level.
func TestResultKeys(t *testing.T) {
	text, err := json.Marshal(sample())
	if err != nil {
		t.Fatal(err)
	}
	var result struct {
		Stages []map[string]any `json:"stages"`
		Checks []map[string]any `json:"checks"`
		Ledger map[string]any   `json:"ledger"`
	}
	if err := json.Unmarshal(text, &result); err != nil {
		t.Fatal(err)
	}
	has := func(where string, m map[string]any, keys string) {
		for _, key := range strings.Fields(keys) {
			if _, ok := m[key]; !ok {
				t.Errorf("%s has no %s", where, key)
			}
		}
	}
	counts := "offered sent dropped unsent accepted refused errors"
	has("stages", result.Stages[0], "name from_s to_s requests latency service_latency "+counts)
	requests, ok := result.Stages[0]["requests"].(map[string]any)
	if !ok {
		t.Fatal("requests is no object")
	}
	has("requests", requests, counts)
	has("checks", result.Checks[0], "name subject op limit measured unit verdict why")
	has("ledger", result.Ledger, "accepted delivered suppressed expired rate_dropped dead in_flight duplicates lost unacknowledged ambiguous takeovers")
	if len(result.Ledger) != 12 {
		t.Errorf("the ledger has %d keys", len(result.Ledger))
	}
}

func TestStatusLine(t *testing.T) {
	s := scenarios.Snapshot{Scenario: "steady", Phase: scenarios.Running, Stage: "hold", Elapsed: 12 * time.Second, Total: 24 * time.Second, Batch: 100}
	s.Report = &load.Report{}
	s.Report.Total.Kinds[load.Accepted], s.Report.Total.Kinds[load.Timeout] = 143, 1
	s.Seconds = []load.Second{{Offered: 12, Sent: 12, Response: load.Latency{Count: 12, P99: 6100 * time.Microsecond}}}
	s.System = &scenarios.SystemView{}
	s.System.Account.InFlight = 412
	want := "steady  00:12 of 00:24  hold  offered 1,200/s  sent 1,200/s  p99 6.1 ms  accepted 14,300  failed 100  in flight 412"
	if got := StatusLine(s); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	s.Phase, s.Elapsed, s.Total = scenarios.Draining, 2*time.Hour, 2*time.Hour
	if got := StatusLine(s); !strings.HasPrefix(got, "steady  2:00:00 of 2:00:00  draining  accepted") {
		t.Errorf("got %s", got)
	}
}

func TestMilliseconds(t *testing.T) {
	for ms, want := range map[float64]string{
		0: "0.0 ms", 0.04: "0.0 ms", 1.96: "2.0 ms", 9.94: "9.9 ms", 9.96: "10 ms", 612.4: "612 ms", 999.4: "999 ms", 999.6: "1 s", 1310: "1.31 s", 99_990: "100 s", 120_000: "2m0s",
	} {
		if got := Milliseconds(ms); got != want {
			t.Errorf("%g is %s, want %s", ms, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567", 1_000_000_000: "1,000,000,000"} {
		if got := Count(n); got != want {
			t.Errorf("%d is %s", n, got)
		}
	}
}

// TestEveryKeyIsDocumented keeps docs/results.md complete.
func TestEveryKeyIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/results.md")
	if err != nil {
		t.Fatal(err)
	}
	full := sample()
	full.Generator.Answers = nil // its keys are the kinds of answers
	full.Queue = &scenarios.Queue{}
	full.Workers = map[string]scenarios.Workers{"": {}}
	full.Providers = map[string]scenarios.Provider{"": {}}
	full.Caches = map[string]scenarios.Cache{"": {}}
	text, err := json.Marshal(full)
	if err != nil {
		t.Fatal(err)
	}
	var result map[string]any
	if err := json.Unmarshal(text, &result); err != nil {
		t.Fatal(err)
	}
	var visit func(v any)
	visit = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, below := range v {
				if key != "" && !strings.Contains(string(page), "`"+key+"`") {
					t.Errorf("%s is not documented", key)
				}
				visit(below)
			}
		case []any:
			for _, below := range v {
				visit(below)
			}
		}
	}
	visit(result)
}

func TestWhatWasLoadedIsNamed(t *testing.T) {
	for _, c := range []struct {
		environment scenarios.Environment
		want        string
	}{
		{scenarios.Environment{Target: "http://h:1"}, "http://h:1"},
		{scenarios.Environment{Embedded: true, Engines: map[string]string{"intake": "pebble", "preferences": "sqlite"}}, "embedded"},
		{scenarios.Environment{Embedded: true, Engines: map[string]string{"intake": "redis, kafka", "history": "cassandra", "preferences": "sqlite"}}, "over kafka, redis, cassandra"},
	} {
		if got := system(&c.environment); got != c.want {
			t.Errorf("%+v is called %q, want %q", c.environment, got, c.want)
		}
	}
}
