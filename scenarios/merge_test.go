package scenarios

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/scenarios/load"
	"github.com/notifyctl/notifyctl/scenarios/scenariotest"
)

// dividedSystem answers each request of a run after a time that follows from its
// number, so that a run and its shards meet the same; two notifications are lost,
// and three are sent twice.
func dividedSystem() *scenariotest.System {
	return &scenariotest.System{
		Lose: 2, Twice: 3, Takes: 300 * time.Millisecond,
		Delay: func(key string) time.Duration {
			number, err := strconv.ParseUint(key[strings.LastIndexByte(key, '-')+1:], 10, 64)
			if err != nil {
				panic("BUG: a key is not run-number: " + key)
			}
			// Between 1 and 81 ms, most of them short.
			draw := rand.New(rand.NewPCG(1, number)).Float64()
			return time.Millisecond + time.Duration(draw*draw*draw*float64(80*time.Millisecond))
		},
	}
}

// asFile writes a result and reads it again, as it is between processes.
func asFile(t *testing.T, r *Result) *Result {
	t.Helper()
	var read Result
	if err := json.Unmarshal([]byte(asJSON(t, r)), &read); err != nil {
		t.Fatal(err)
	}
	return &read
}

// shardsOf runs all shards of a smoke run of steady against one system, at once.
func shardsOf(t *testing.T, of int) []*Result {
	t.Helper()
	start := time.Now().Add(10 * time.Second)
	bench := benchOf(t, dividedSystem())
	results := make([]*Result, of)
	var running sync.WaitGroup
	for i := range results {
		options := smokeRun(t).options
		options.Part = Part{Shard: &Shard{Index: i + 1, Of: of}, StartAt: start}
		run, err := NewRun(options)
		if err != nil {
			t.Fatal(err)
		}
		running.Go(func() {
			result, err := run.Do(t.Context(), bench)
			if err != nil {
				t.Error(err)
				return
			}
			if !result.Started.Equal(start.UTC()) {
				t.Errorf("shard %d began at %v, not %v", i+1, result.Started, start)
			}
			results[i] = asFile(t, result)
		})
	}
	running.Wait()
	return results
}

func TestMergedShardsAreTheWholeRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		whole, err := smokeRun(t).Do(t.Context(), benchOf(t, dividedSystem()))
		if err != nil {
			t.Fatal(err)
		}
		shards := shardsOf(t, 4)
		for _, s := range shards {
			if l := s.Ledger; l.Accepted > whole.Ledger.Accepted/4+100 || *l.Delivered > l.Accepted || *l.Unacknowledged != 0 {
				t.Errorf("shard %d: ledger %s", s.Shard.Index, asJSON(t, l))
			}
		}
		shards[0], shards[2] = shards[2], shards[0] // in any order
		merged, err := Merge(shards)
		if err != nil {
			t.Fatal(err)
		}
		for what, pair := range map[string][2]any{
			"ledger":    {merged.Ledger, whole.Ledger},
			"stages":    {merged.Stages, whole.Stages},
			"latency":   {merged.Generator.Latency, whole.Generator.Latency},
			"service":   {merged.Generator.Service, whole.Generator.Service},
			"answers":   {merged.Generator.Answers, whole.Generator.Answers},
			"histogram": {merged.Histograms, whole.Histograms},
			"achieved":  {merged.Generator.Achieved, whole.Generator.Achieved},
		} {
			if got, want := asJSON(t, pair[0]), asJSON(t, pair[1]); got != want {
				t.Errorf("%s of the shards together: %s\nof the whole run: %s", what, got, want)
			}
		}
		if *merged.Ledger.Lost != 2 || *merged.Ledger.Duplicates != 3 {
			t.Errorf("ledger %s", asJSON(t, merged.Ledger))
		}
		if got, want := verdicts(merged.Checks), verdicts(whole.Checks); got != want || merged.Verdict != Fail {
			t.Errorf("%s: %s\nof the whole run: %s", merged.Verdict, got, want)
		}
		if merged.Shard != nil || merged.Merged != 4 || merged.Queue == nil || len(merged.Timeline.Points) == 0 {
			t.Errorf("shard %v, merged %d, queue %v", merged.Shard, merged.Merged, merged.Queue)
		}
	})
}

func TestMergeRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shards := shardsOf(t, 2)
		for _, test := range []struct {
			name   string
			change func([]*Result) []*Result
			want   string
		}{
			{"none", func([]*Result) []*Result { return nil }, "no results"},
			{"not divided", func(r []*Result) []*Result { r[1].Shard = nil; return r }, "result 2 is of a run that was not divided"},
			{"one is missing", func(r []*Result) []*Result { return r[1:] }, "the result of shard 1 of 2 is missing"},
			{"twice", func(r []*Result) []*Result { return append(r, r[0]) }, "results 1 and 3 are both of shard 1 of 2"},
			{"scenario", func(r []*Result) []*Result { r[1].Scenario = "peak"; return r }, "result 2 is of another run than the first: its scenario is peak, not steady"},
			{"rate", func(r []*Result) []*Result { r[1].RateScale = 3; return r }, "its rate scale is 3"},
			{"time", func(r []*Result) []*Result { r[1].TimeScale = 3; return r }, "its time scale is 3"},
			{"plan", func(r []*Result) []*Result { r[1].Plan.Hash = "x"; return r }, "its plan's hash is x"},
			{"seed", func(r []*Result) []*Result { r[1].Generator.Seed = 3; return r }, "its seed is 3"},
			{"batch", func(r []*Result) []*Result { r[1].Generator.Batch = 3; return r }, "its batch is 3"},
			{"run", func(r []*Result) []*Result { r[1].Generator.Run = "run3"; return r }, "its run is run3"},
			{"of", func(r []*Result) []*Result { r[1].Shard.Of = 3; return r }, "its number of shards is 3"},
			{"index", func(r []*Result) []*Result { r[1].Shard.Index = 3; return r }, "result 2 is of shard 3 of 2"},
			{"no histograms", func(r []*Result) []*Result { r[1].Histograms = nil; return r }, "result 2 has no histograms"},
			{"empty histograms", func(r []*Result) []*Result { r[1].Histograms.Stages[0].Latency = Histogram{}; return r }, "another range"},
			{"other histograms", func(r []*Result) []*Result {
				wide := hdrhistogram.New(1, time.Hour.Microseconds(), 2)
				if err := wide.RecordValue(time.Hour.Microseconds()); err != nil {
					t.Fatal(err)
				}
				r[1].Histograms.Stages[0].Latency = Histogram{wide}
				return r
			}, "another range"},
			{"stage", func(r []*Result) []*Result { r[1].Stages[0].Name = "x"; return r }, `stage 1 is "x"`},
			{"check", func(r []*Result) []*Result { r[1].Checks[0].Name = "x"; return r }, "has no check"},
		} {
			changed := test.change([]*Result{asFile(t, shards[0]), asFile(t, shards[1])})
			if _, err := Merge(changed); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v, want %q", test.name, err, test.want)
			}
		}
	})
}

func TestMergeSaysWhatAShardDidNotSee(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shards := shardsOf(t, 2)
		shards[1].Ledger.Duplicates = nil
		shards[1].Verdict = Interrupted
		for i := range shards[1].Checks {
			if c := &shards[1].Checks[i]; c.Subject == "duplicates" {
				c.Measured, c.Verdict, c.Why = nil, NotObserved, "no ledger"
			}
		}
		merged, err := Merge(shards)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range merged.Checks {
			if c.Subject == "duplicates" && (c.Verdict != NotObserved || c.Why != "shard 2 of 2 did not see it: no ledger") {
				t.Errorf("check %+v", c)
			}
		}
		if merged.Verdict != Interrupted {
			t.Errorf("verdict %s", merged.Verdict)
		}
	})
}

// TestHistogramsSurviveTheWayThroughAFile, and putting parts together loses
// nothing.
func TestHistogramsSurviveTheWayThroughAFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOf(rapid.Int64Range(0, (2*time.Minute).Microseconds())).Draw(t, "microseconds")
		parts := rapid.IntRange(1, 5).Draw(t, "parts")
		whole, sum := load.NewDistributions(), load.NewDistributions()
		pieces := make([]load.Distributions, parts)
		for i := range pieces {
			pieces[i] = load.NewDistributions()
		}
		for i, v := range values {
			for _, h := range []*hdrhistogram.Histogram{whole.Response, pieces[i%parts].Response} {
				if err := h.RecordValue(v); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, piece := range pieces {
			text, err := json.Marshal(Histogram{piece.Response})
			if err != nil {
				t.Fatal(err)
			}
			var read Histogram
			if err := json.Unmarshal(text, &read); err != nil {
				t.Fatal(err)
			}
			if !sum.Merge(load.Distributions{Response: read.Histogram, Service: piece.Service}) {
				t.Fatal("not all values were taken")
			}
		}
		got, _ := sum.Summary()
		want, _ := whole.Summary()
		if got != want {
			t.Fatalf("%+v, want %+v", got, want)
		}
	})
}

func FuzzHistogram(f *testing.F) {
	text, err := json.Marshal(Histogram{load.NewDistributions().Response})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`""`))
	f.Add([]byte(`"AAAA"`))
	f.Fuzz(func(_ *testing.T, data []byte) {
		var h Histogram
		if json.Unmarshal(data, &h) == nil {
			load.NewDistributions().Merge(load.Distributions{Response: h.Histogram, Service: h.Histogram})
		}
	})
}
