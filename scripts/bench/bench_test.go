package main

import (
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
	o, err := parse([]string{"-dir", "d", "-rates", "500,20K", "-length", "10s", "-warm", "1s"})
	if err != nil || len(o.rates) != 2 || o.rates[1] != 20_000 || o.length != 10*time.Second {
		t.Errorf("got %+v, %v", o, err)
	}
	for args, want := range map[string]string{
		"":                     "want -dir DIR",
		"-dir d -length 6s":    "2 s more at least",
		"-dir d -rates many":   "as in 5K,20K",
		"-dir d -rates 1K..2K": "as in 5K,20K",
		"-dir d -rates 0":      "as in 5K,20K",
		"-dir d -count 0":      "accepted is 1 or more",
		"-dir d something":     "no other arguments",
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
		"| us a notification at | 5000/s | 20000/s |",
		"| commit | | 2.50 |\n| feed | 3.00 | 1.00 |",
		"on 2 cores, linux/amd64, go1.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the table lacks %q:\n%s", want, text)
		}
	}
	lines := benchmarks(runs)
	if want := "BenchmarkRun/rate=20000/batch=100-2\t1\t20000 notifications/s\t10 cpu-us/notification\t10 api-p50-ms\t2.5 commit-us/notification\t1 feed-us/notification\n"; !strings.HasSuffix(lines, want) {
		t.Errorf("the benchmarks are\n%s", lines)
	}
}
