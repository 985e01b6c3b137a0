package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/scenarios"
)

// TestLoadtestFindsALimit of a system that refuses all of a run beyond the first
// 300, which at two seconds a step are 150 a second.
func TestLoadtestFindsALimit(t *testing.T) {
	if testing.Short() {
		t.Skip("it loads a server for half a minute")
	}
	t.Parallel()
	target := startForeign(t, func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if sequence, err := strconv.Atoi(string(text)); err != nil || sequence >= 300 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})
	scenario := writeFile(t, "limit.yaml", "version: 1\nname: limit\nstages:\n  - {name: hold, rate: 100/s, for: 1h}\nchecks:\n"+
		"  - {name: errors, expect: errors = 0}\n  - {name: hold p99, expect: latency.p99 < 500ms, during: hold}\n")
	out := t.TempDir()
	code, stdout, stderr := loadtest(t.Context(), scenario, "--find-limit", "--plateau", "2s", "--profile", "full", "--target", target+"/send", "--body", writeFile(t, "body", "{{.Sequence}}"), "--header", "Content-Type: text/plain", "--up-to", "1K/s", "--quiet", "--out", out)
	if code != exitOK || !strings.Contains(stdout, "LIMIT   ") || !strings.Contains(stdout, "left out, being about stages or slopes: hold p99") {
		t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
	}
	text, err := os.ReadFile(filepath.Join(out, "capacity.json"))
	if err != nil {
		t.Fatal(err)
	}
	var found scenarios.CapacityResult
	if err := json.Unmarshal(text, &found); err != nil {
		t.Fatal(err)
	}
	if held, failed := *found.Held, *found.Failed; held > 150 || failed <= 150 || failed > held*1.06 || found.Tripped[0].Name != "errors" || found.Plateau != 2 {
		t.Errorf("found %s", text)
	}
	if first := resultIn(t, filepath.Join(out, "step-1")); first.Generator.Run != found.Steps[0].Run || first.Stages[0].Sent != 200 {
		t.Errorf("the first step is %+v", first)
	}
}

func TestLoadtestLimitFlagsAreChecked(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"--up-to 5K/s", "--up-to goes with --find-limit"},
		{"--plateau 5s", "--plateau goes with --find-limit"},
		{"--find-limit --plateau 1s", "--plateau 1s: accepted are 2s and more"},
		{"--find-limit --up-to many", "--up-to many: accepted is one rate"},
		{"--find-limit --up-to 1K/s..2K/s", "accepted is one rate"},
		{"--find-limit --start-at +30s", "--start-at is for one run"},
		{"--find-limit all", "--find-limit is for one scenario at a time"},
		{"--find-limit steady peak", "--find-limit is for one scenario at a time"},
		{"--find-limit batching", "batching is an experiment"},
		{"--find-limit nothing", `scenario "nothing"`},
	} {
		code, stdout, stderr := loadtest(t.Context(), strings.Fields(test.args)...)
		if code != exitUsage || !strings.Contains(stderr, test.want) || stdout != "" {
			t.Errorf("%s: exit %d, %q; want %q", test.args, code, stderr, test.want)
		}
	}
	code, stdout, stderr := loadtest(t.Context(), "--find-limit", "--dry-run", "--up-to", "5K/s")
	if code != exitOK || stdout != "steady against a system that is started for it: the most that holds, from 1200/s on and up to 5000/s, in steps of 10s\n" {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}
