package main_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/reports"
	"github.com/notifyctl/notifyctl/scenarios"
)

// divided is a scenario of three seconds that judges nothing that depends on how
// busy the machine is.
const divided = `version: 1
name: divided
stages:
  - {name: up, from: 100/s, to: 2K/s, for: 2s}
  - {name: hold, rate: 2K/s, for: 2s}
checks:
  - {name: errors, expect: errors = 0}
  - {name: drained, expect: in_flight = 0}
  - {name: lost, expect: lost = 0}
  - {name: duplicates, expect: duplicates = 0}
  - {name: unacknowledged, expect: unacknowledged = 0}
`

// TestShardsOfAServer loads one server by four processes at once, and puts their
// results together.
func TestShardsOfAServer(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts processes")
	}
	t.Parallel()
	const of = 4
	mock := startProcess(t, "mock", "--listen", "127.0.0.1:0", "--latency", "5ms")
	server := startProcess(t, "serve", "--listen", "127.0.0.1:0", "--providers", mock.url)
	dir := t.TempDir()
	scenario := filepath.Join(dir, "divided.yaml")
	if err := os.WriteFile(scenario, []byte(divided), 0o600); err != nil {
		t.Fatal(err)
	}
	start := time.Now().Add(5 * time.Second).UTC().Format(time.RFC3339Nano)
	var running sync.WaitGroup
	args := []string{"report", "merge", "--out", filepath.Join(dir, "whole")}
	for i := 1; i <= of; i++ {
		out := filepath.Join(dir, fmt.Sprint(i))
		args = append(args, out)
		running.Go(func() {
			output, err := exec.CommandContext(t.Context(), "notifyctl", "loadtest", scenario, "--profile", "full", "--batch", "10",
				"--target", server.url, "--mock", mock.url, "--shard", fmt.Sprintf("%d/%d", i, of), "--start-at", start, "--quiet", "--out", out).CombinedOutput()
			if err != nil {
				t.Errorf("shard %d: %v\n%s", i, err, output)
			}
		})
	}
	running.Wait()
	output, err := exec.CommandContext(t.Context(), "notifyctl", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("merge: %v\n%s", err, output)
	}
	result := resultOf(t, filepath.Join(dir, "whole", "result.json"))
	const all = 2100 + 4000
	l := result.Ledger
	if l.Accepted != all || *l.Delivered != all || *l.Lost != 0 || *l.Duplicates != 0 || *l.Unacknowledged != 0 || *l.Arrived != all {
		t.Errorf("ledger of the shards together: %+v\n%s", l, output)
	}
	if result.Merged != of || result.Stages[1].Sent != 4000 || result.Verdict != scenarios.Pass || result.Histograms.Latency.TotalCount() != all/10 {
		t.Errorf("result %+v", result)
	}
	checkLedger(t, mock.url, result.Generator.Run, all)
	// Not all of them are no run.
	if output, err := exec.CommandContext(t.Context(), "notifyctl", args[:len(args)-1]...).CombinedOutput(); err == nil {
		t.Errorf("three of four were put together\n%s", output)
	}
}

// checkLedger checks that the mock providers know each sequence of a run, once.
func checkLedger(t *testing.T, mock, run string, all uint64) {
	t.Helper()
	client, err := mockproviders.NewLedgerClient(mock, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	ledger, err := client.Run(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	sequences := ledger.Sequences()
	if ledger.Total.Sends != all || sequences.GetCardinality() != all || uint64(sequences.Maximum()) != all-1 {
		t.Errorf("the providers know %d sends of %d sequences up to %d", ledger.Total.Sends, sequences.GetCardinality(), sequences.Maximum())
	}
}

func resultOf(t *testing.T, path string) *scenarios.Result {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	result, err := reports.ReadResult(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return result
}
