package reports

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/exp/golden"

	"github.com/notifyctl/notifyctl/reports/reportstest"
	"github.com/notifyctl/notifyctl/scenarios"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

func TestLoadTestTable(t *testing.T) {
	for name, terminal := range map[string]Terminal{
		"ascii": {Width: 80},
		"utf8":  {Width: 80, UTF8: true},
		"color": {Width: 80, UTF8: true, Color: true},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := LoadTest(&b, reportstest.Result(), terminal, "out/result.json"); err != nil {
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
		err := WriteFile(path, func(w io.Writer) error { return ResultJSON(w, reportstest.Result()) })
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
		if got := string(keys["shard"]); got != "null" {
			t.Errorf("what was not seen is %s, not null", got)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	below := filepath.Join(dir, ResultFile, "below-a-file", ResultFile)
	if err := WriteFile(below, func(w io.Writer) error { return ResultJSON(w, reportstest.Result()) }); err == nil {
		t.Error("no error for a directory that cannot be")
	}
}

// TestResultKeys keeps the keys of the contract below the top level.
func TestResultKeys(t *testing.T) {
	text, err := json.Marshal(reportstest.Result())
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
	has("ledger", result.Ledger, "accepted delivered suppressed expired rate_dropped dead in_flight duplicates lost unacknowledged ambiguous takeovers arrived")
	if len(result.Ledger) != 13 {
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
	want := "steady  00:12 of 00:24  hold  00:12 to go  offered 1,200/s  sent 1,200/s  p99 6.1 ms  accepted 14,300  failed 100  in flight 412"
	if got := StatusLine(s); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	s.System.Depths, s.System.Depth = []int64{9000, 8000, 7000}, 7000
	s.Phase = scenarios.Draining
	if got := StatusLine(s); !strings.Contains(got, "  draining  00:07 to go  ") {
		t.Errorf("got %s", got)
	}
	s.System.Depths, s.System.Depth = []int64{7000, 8000}, 8000 // which never ends
	if got := StatusLine(s); strings.Contains(got, "to go") {
		t.Errorf("got %s", got)
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

// TestEveryKeyIsDocumented keeps docs/results.md complete: every key of a result
// stands in it.
func TestEveryKeyIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/results.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[reflect.Type]bool{}
	var visit func(kind reflect.Type)
	visit = func(kind reflect.Type) {
		switch kind.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			visit(kind.Elem())
			return
		case reflect.Struct:
		default:
			return
		}
		if seen[kind] {
			return
		}
		seen[kind] = true
		for _, field := range reflect.VisibleFields(kind) {
			key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if key != "" && key != "-" && !strings.Contains(string(page), "`"+key+"`") {
				t.Errorf("%s of %s is not documented", key, kind)
			}
			if field.IsExported() {
				visit(field.Type)
			}
		}
	}
	visit(reflect.TypeFor[scenarios.Result]())
	if len(seen) < 15 {
		t.Errorf("only %d types were looked at", len(seen))
	}
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
		if got := System(&c.environment); got != c.want {
			t.Errorf("%+v is called %q, want %q", c.environment, got, c.want)
		}
	}
}
