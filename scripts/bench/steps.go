package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/google/pprof/profile"
)

// module is what the names of our own functions begin with.
const module = "github.com/notifyctl/notifyctl/"

// A rule says which step a function belongs to, by how its name begins.
type rule struct{ prefix, step string }

// ours lists the steps of a notification's way. Of a sample's functions the one of
// ours that was called last decides, whatever it called in libraries and the
// runtime; the first rule that fits it counts. What is called from everywhere, as
// the record's codec, is its caller's.
func ours() []rule {
	return []rule{
		{"scenarios/load.", "generator"},
		{"scenarios.", "observer"},
		{"mockproviders.", "mock providers"},
		{"pipeline/region.", "balancing"},
		{"pipeline/gateway.", "HTTP and decoding"},
		{"pipeline/ingest.", "validation"},
		{"pipeline/preference.", "preferences"},
		{"pipeline/engine/sqlite.", "preferences"},
		{"pipeline/engine/memory.(*Preferences)", "preferences"},
		{"pipeline/engine/memory.(*Limits)", "limits"},
		{"pipeline/engine/pebble.(*reservation)", "intake"},
		{"pipeline/engine/pebble.(*Store).Reserve", "idempotency"},
		{"pipeline/engine/pebble.(*Store).answer", "idempotency"},
		{"pipeline/engine/pebble.(*Store).get", "idempotency"},
		{"pipeline/engine/pebble.(*Store).fetchQueued", "feed"},
		{"pipeline/engine/pebble.(*Store).takeQueued", "feed"},
		{"pipeline/engine/pebble.(*Store).takeReady", "feed"},
		{"pipeline/engine/pebble.(*Store).decode", "feed"},
		{"pipeline/engine/pebble.(*records)", "feed"},
		{"pipeline/engine/pebble.(*Store).Settle", "settlement"},
		{"pipeline/engine/pebble.(*Store).settle", "settlement"},
		{"pipeline/engine/pebble.newSettlement", "settlement"},
		{"pipeline/engine/pebble.(*Store).publish", "commit"},
		{"pipeline/engine/pebble.(*lease)", "feed"},
		{"pipeline/engine/pebble.(*lane)", "feed"},
		{"pipeline/engine/pebble.(*settlement)", "settlement"},
		{"pipeline/engine/pebble.(*writer)", "commit"},
		{"pipeline/engine/pebble.(*group)", "commit"},
		{"pipeline/engine/pebble.", "store"},
		{"pipeline/template.", "rendering"},
		{"pipeline/delivery.", "batches"},
		{"pipeline/provider.", "provider calls"},
		{"pipeline/autoscale.", "scaling"},
		{"pipeline/telemetry", "telemetry"},
		{"pipeline/engine.", "status"},
		{"pipeline/api.", "status"},
	}
}

// others lists what nobody of ours called: the first rule counts that fits any
// function of the sample.
func others() []rule {
	return []rule{
		{"runtime.gcBgMarkWorker", "collection"},
		{"runtime.bgsweep", "collection"},
		{"runtime.bgscavenge", "collection"},
		{"net/http.(*conn)", "HTTP server"},
		{"net/http.(*persistConn)", "HTTP client"},
		{"net/http.(*Transport)", "HTTP client"},
		{"github.com/cockroachdb/pebble", "compaction"},
		{"github.com/tsenart/vegeta", "generator"},
		{"github.com/maypok86/otter", "preferences"},
		{"runtime.", "scheduling"},
	}
}

// stepOf gives the step of a sample, whose functions are the last called first.
func stepOf(functions []string) string {
	for _, f := range functions {
		name, mine := strings.CutPrefix(f, module)
		if !mine {
			continue
		}
		for _, r := range ours() {
			if strings.HasPrefix(name, r.prefix) {
				return r.step
			}
		}
	}
	for _, r := range others() {
		if slices.ContainsFunc(functions, func(f string) bool { return strings.HasPrefix(f, r.prefix) }) {
			return r.step
		}
	}
	return "other"
}

// stepsOf adds the seconds of a profile of the processor up by step.
func stepsOf(file string) (map[string]float64, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	p, err := profile.Parse(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	column := slices.IndexFunc(p.SampleType, func(v *profile.ValueType) bool { return v.Type == "cpu" && v.Unit == "nanoseconds" })
	if column < 0 {
		return nil, fmt.Errorf("%s is no profile of the processor", file)
	}
	seconds := map[string]float64{}
	var functions []string
	for _, s := range p.Sample {
		functions = functions[:0]
		for _, location := range s.Location {
			for _, line := range location.Line {
				functions = append(functions, line.Function.Name)
			}
		}
		seconds[stepOf(functions)] += float64(s.Value[column]) / 1e9
	}
	return seconds, nil
}

// byCost gives the names of steps, the dearest first.
func byCost(steps map[string]float64) []string {
	return slices.SortedFunc(maps.Keys(steps), func(a, b string) int {
		switch {
		case steps[a] > steps[b]:
			return -1
		case steps[a] < steps[b]:
			return 1
		}
		return strings.Compare(a, b)
	})
}
