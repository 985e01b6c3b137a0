package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/notifyctl/notifyctl/scenarios"
)

// A measured is what is kept of one run. What was not seen is null.
type measured struct {
	Rate     float64               `json:"rate"`     // notifications a second that were to be sent
	Users    float64               `json:"users"`    // that were written to
	Workers  int                   `json:"workers"`  // of each channel; 0 are those of the plan
	Accepted float64               `json:"accepted"` // a second, of the load
	Batch    int                   `json:"batch"`    // notifications a request
	Seconds  float64               `json:"seconds"`
	Verdict  scenarios.Verdict     `json:"verdict"`
	CPU      *float64              `json:"cpu_us"` // a notification, of the whole process and run
	Steps    map[string]float64    `json:"steps"`  // the same of the profile, by step
	APIP50   *float64              `json:"api_p50_ms"`
	APIP99   *float64              `json:"api_p99_ms"`
	EndP50   *float64              `json:"end_to_end_p50_ms"`
	EndP99   *float64              `json:"end_to_end_p99_ms"`
	HighP99  *float64              `json:"high_end_to_end_p99_ms"`
	Memory   *float64              `json:"rss_bytes"` // the most
	Busy     *float64              `json:"machine_busy"`
	Machine  scenarios.Environment `json:"machine"`
}

// conclude makes the measurement of a run from its files.
func conclude(dir string, p point, profiled int) error {
	r, err := readResult(dir)
	if err != nil {
		return err
	}
	seconds, err := stepsOf(filepath.Join(dir, "cpu.pprof"))
	if err != nil {
		return err
	}
	m := measuredOf(r, p)
	if m.Accepted > 0 {
		m.Steps = map[string]float64{}
		for step, s := range seconds {
			m.Steps[step] = s * 1e6 / (m.Accepted * float64(profiled))
		}
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "steps.json"), append(text, '\n'), 0o644)
}

// measuredOf reads the result of a point.
func measuredOf(r *scenarios.Result, p point) measured {
	m := measured{
		Rate: p.rate, Users: p.users, Workers: p.workers,
		Batch: r.Generator.Batch, Seconds: r.Generator.Seconds, Verdict: r.Verdict,
		CPU: r.Resources.CPUPerNotification, Busy: r.Resources.MachineBusy, Machine: r.Environment,
	}
	var accepted uint64
	for _, s := range r.Stages {
		accepted += s.Accepted
	}
	if m.Seconds > 0 {
		m.Accepted = float64(accepted) / m.Seconds
	}
	if l := r.Generator.Latency; l != nil {
		m.APIP50, m.APIP99 = &l.P50, &l.P99
	}
	for _, c := range r.Checks {
		switch c.Subject {
		case "end_to_end.p50":
			m.EndP50 = c.Measured
		case "end_to_end.p99":
			m.EndP99 = c.Measured
		case "end_to_end.high.p99":
			m.HighP99 = c.Measured
		case "memory.rss":
			m.Memory = c.Measured
		}
	}
	return m
}

// readRuns reads the measurements below a directory, by what they were made with.
func readRuns(dir string) ([]measured, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*", "*", "steps.json"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s holds no runs", dir)
	}
	runs := make([]measured, len(files))
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(text, &runs[i])
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	slices.SortStableFunc(runs, func(a, b measured) int {
		return cmp.Or(cmp.Compare(a.Rate, b.Rate), cmp.Compare(a.Users, b.Users), cmp.Compare(a.Workers, b.Workers), cmp.Compare(math.Round(a.Seconds), math.Round(b.Seconds)))
	})
	return runs, nil
}

// writeSet writes all runs of a directory in the two forms that are compared: as
// JSON, and as the Go benchmarks that benchstat reads.
func writeSet(dir string, runs []measured) error {
	text, err := json.MarshalIndent(runs, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "bench.json"), append(text, '\n'), 0o644),
		os.WriteFile(filepath.Join(dir, "bench.txt"), []byte(benchmarks(runs)), 0o644),
	)
}

// benchmarks writes runs as go test does benchmarks
// (https://go.dev/design/14313-benchmark-format), a line each.
func benchmarks(runs []measured) string {
	var b strings.Builder
	fmt.Fprintf(&b, "goos: %s\ngoarch: %s\npkg: github.com/notifyctl/notifyctl/scripts/bench\n", runs[0].Machine.OS, runs[0].Machine.Arch)
	for _, m := range runs {
		fmt.Fprintf(&b, "BenchmarkRun/rate=%.0f/batch=%d/users=%.0f/workers=%d/seconds=%.0f-%d\t1", m.Rate, m.Batch, m.Users, m.Workers, m.Seconds, m.Machine.CPUs)
		value := func(v *float64, unit string) {
			if v != nil {
				fmt.Fprintf(&b, "\t%.6g %s", *v, unit)
			}
		}
		value(&m.Accepted, "notifications/s")
		value(m.CPU, "cpu-us/notification")
		value(m.APIP50, "api-p50-ms")
		value(m.APIP99, "api-p99-ms")
		value(m.EndP50, "end-p50-ms")
		value(m.EndP99, "end-p99-ms")
		value(m.HighP99, "high-end-p99-ms")
		value(m.Memory, "rss-B")
		for _, step := range slices.Sorted(maps.Keys(m.Steps)) {
			cost := m.Steps[step]
			value(&cost, strings.ReplaceAll(strings.ToLower(step), " ", "-")+"-us/notification")
		}
		b.WriteByte('\n')
	}
	return b.String()
}
