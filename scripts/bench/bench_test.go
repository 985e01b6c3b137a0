package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/scenarios"
)

// The function of ours that was called last has the sample, but for what all
// steps call; without one the first rule that fits any has it.
func TestStepOf(t *testing.T) {
	for _, tt := range []struct{ stack, want string }{
		{"syscall.write net.Write " + module + "pipeline/provider.(*client).post " + module + "pipeline/delivery.(*pool).send", "provider calls"},
		{module + "pipeline.AppendRecord " + module + "pipeline/engine/pebble.(*reservation).build", "intake"},
		{"runtime.mallocgc " + module + "pipeline/telemetry/tracing.(*Tracer).Follow " + module + "pipeline/ingest.Submit", "telemetry"},
		{"github.com/cockroachdb/pebble/v2.(*DB).Apply " + module + "pipeline/engine/pebble.(*group).commit", "commit"},
		{"github.com/cockroachdb/pebble/v2.(*DB).compact runtime.goexit", "compaction"},
		{"syscall.read net/http.(*conn).serve runtime.goexit", "HTTP server"},
		{"runtime.scanobject runtime.gcDrain runtime.gcBgMarkWorker runtime.goexit", "collection"},
		{"runtime.futex runtime.findRunnable runtime.mcall", "scheduling"},
		{"main.main", "other"},
	} {
		if got := stepOf(strings.Fields(tt.stack)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.stack, got, tt.want)
		}
	}
}

func TestParse(t *testing.T) {
	o, err := parse(strings.Fields("-dir d -rates 500,20K -lengths 10s,20s -warm 1s -users 1M -workers 0,10 -- --keys entry"))
	if err != nil || len(o.points) != 8 || o.points[5] != (point{20_000, 10 * time.Second, 1_000_000, 10}) || !slices.Equal(o.rest, []string{"--keys", "entry"}) {
		t.Errorf("got %+v, %v", o, err)
	}
	names := map[string]bool{}
	for _, p := range o.points {
		names[p.name()] = true
	}
	if len(names) != len(o.points) {
		t.Errorf("the directories are %v", names)
	}
	for args, want := range map[string]string{
		"":                     "want -dir DIR",
		"-dir d -lengths 6s":   "2 s more at least",
		"-dir d -lengths long": "as in 1m,10m",
		"-dir d -rates many":   "as in 5K,20K",
		"-dir d -rates 1K..2K": "as in 5K,20K",
		"-dir d -rates 0":      "as in 5K,20K",
		"-dir d -users few":    "as in 100K,1M",
		"-dir d -workers -1":   "as in 10,100",
		"-dir d -profile 0s":   "accepted are 1 s or more",
		"-dir d -count 0":      "accepted is 1 or more",
		"-dir d something":     "arguments of loadtest behind --",
	} {
		if _, err := parse(strings.Fields(args)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// Of several runs the table has the median, and leaves out what was not seen.
func TestTableAndBenchmarks(t *testing.T) {
	run := func(rate, cpu float64, steps map[string]float64) measured {
		return measured{
			Rate: rate, Accepted: rate, Batch: 100, Seconds: 30, CPU: &cpu, APIP50: &cpu, Steps: steps,
			Machine: scenarios.Environment{CPUs: 2, OS: "linux", Arch: "amd64", Go: "go1"},
		}
	}
	runs := []measured{
		run(5000, 40, map[string]float64{"feed": 4}), run(5000, 20, map[string]float64{"feed": 2}), run(5000, 30, nil),
		run(20000, 10, map[string]float64{"feed": 1, "commit": 2.5}),
	}
	text := table(runs)
	for _, want := range []string{
		"| 5000 | 5000 | 30.0 | 0.15 | 30.0 / ? | ? / ? | ? | ? |",
		"| 20000 | 20000 | 10.0 | 0.20 |",
		"| us a notification, by offered /s | 5000 | 20000 |",
		"| commit |  | 2.50 |\n| feed | 3.00 | 1.00 |",
		"on 2 cores, linux/amd64, go1.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the table lacks %q:\n%s", want, text)
		}
	}
	runs[3].Users = 1e6
	if text, want := table(runs), "| 20000 | 1000000 | 20000 | 10.0 |"; !strings.Contains(text, want) {
		t.Errorf("runs that differ in users too lack %q:\n%s", want, text)
	}
	runs[3].Users = 0
	lines := benchmarks(runs)
	if want := "BenchmarkRun/rate=20000/batch=100/users=0/workers=0/seconds=30-2\t1\t20000 notifications/s\t10 cpu-us/notification\t10 api-p50-ms\t2.5 commit-us/notification\t1 feed-us/notification\n"; !strings.HasSuffix(lines, want) {
		t.Errorf("the benchmarks are\n%s", lines)
	}
}
