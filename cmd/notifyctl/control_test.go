package main

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/notifyctl/notifyctl/scenarios"
	"github.com/notifyctl/notifyctl/scenarios/scenariotest"
)

// controlled asks a foreign server for all that the controls can have wrong.
const controlled = `version: 1
name: controlled
about: half a minute of little
stages:
  - {name: hold, rate: 50/s, for: 260s}
drain: 10s
checks:
  - {name: latency.p99, expect: latency.p99 < 500ms}
  - {name: errors, expect: errors < 0.1%}
  - {name: refused, expect: refused = 0}
  - {name: end_to_end.p99, expect: end_to_end.p99 < 10s}
  - {name: scaling.asked, expect: scaling.asked >= 1}
  - {name: scaling.time, expect: scaling.time < 2m}
  - {name: scaling.deviation, expect: scaling.deviation < 10%}
  - {name: slope.heap, expect: slope.heap < 10%, during: hold}
  - {name: slope.goroutines, expect: slope.goroutines < 10%, during: hold}
  - {name: in_flight, expect: in_flight = 0}
  - {name: lost, expect: lost = 0}
  - {name: duplicates, expect: duplicates = 0}
`

// TestControlsExit: the command says by its exit code that a system has something
// wrong with it, and which checks found it.
func TestControlsExit(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	file := filepath.Join(t.TempDir(), "controlled.yaml")
	if err := os.WriteFile(file, []byte(controlled), 0o600); err != nil {
		t.Fatal(err)
	}
	controls := scenariotest.Controls()
	codes, outs := make([]int, len(controls)), make([]string, len(controls))
	dir := t.TempDir()
	var running sync.WaitGroup
	for i, control := range controls {
		server := httptest.NewServer(control.System.Handler())
		defer server.Close()
		running.Go(func() {
			codes[i], _, outs[i] = loadtest(t.Context(), file, "--target", server.URL, "--mock", server.URL,
				"--profile", "full", "--time-scale", "0.1", "--batch", "1", "--users", "1000", "--quiet",
				"--out", filepath.Join(dir, strconv.Itoa(i)))
		})
	}
	running.Wait()
	for i, control := range controls {
		t.Run(control.Name, func(t *testing.T) {
			holdControl(t, control, codes[i], filepath.Join(dir, strconv.Itoa(i), "result.json"), outs[i])
		})
	}
}

// holdControl holds what the command did of a control against what must fail. A
// machine that is too busy to tell makes no failure.
func holdControl(t *testing.T, control scenariotest.Control, code int, file, stderr string) {
	result, err := readResult(nil, file)
	if err != nil {
		t.Fatalf("exit %d, %v: %s", code, err, stderr)
	}
	var failed []string
	open := false
	for _, check := range result.Checks {
		wanted := slices.Contains(control.Metrics, check.Subject)
		switch {
		case check.Verdict == scenarios.Fail:
			failed = append(failed, check.Subject)
			if !wanted {
				t.Errorf("the check of %s failed", check.Subject)
			}
		case check.Verdict == scenarios.Inconclusive:
			open = true
		case wanted:
			t.Errorf("the check of %s is %s", check.Subject, check.Verdict)
		}
	}
	want := exitOK
	switch {
	case len(failed) > 0:
		want = exitCheck
	case open:
		want = exitInconclusive
	}
	if code != want {
		t.Errorf("exit %d, want %d: failed %v", code, want, failed)
	}
	if len(failed) < len(control.Metrics) {
		t.Skipf("the machine was too busy to tell: only %v failed", failed)
	}
}
