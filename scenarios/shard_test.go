package scenarios

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/scenarios/load"
	"github.com/notifyctl/notifyctl/scenarios/scenariotest"
)

// partOf makes the run of a shard, changed in some way.
func partOf(t *testing.T, index, of int, start time.Time, change func(*Options)) *Run {
	t.Helper()
	o := smokeRun(t).options
	o.Part = Part{Shard: &Shard{Index: index, Of: of}, StartAt: start}
	if change != nil {
		change(&o)
	}
	run, err := NewRun(o)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// TestShardsAgreeOnTheRun: its name follows from all that they have in common, and
// from nothing else.
func TestShardsAgreeOnTheRun(t *testing.T) {
	start := time.Now().Add(time.Minute)
	name := partOf(t, 1, 4, start, nil).name
	if other := partOf(t, 3, 4, start.In(time.UTC), nil).name; other != name {
		t.Errorf("shard 3 calls the run %s, and shard 1 %s", other, name)
	}
	if again := smokeRun(t).name; again == smokeRun(t).name {
		t.Error("two runs that are whole have one name")
	}
	plan := planner.Reference()
	plan.Workload.Size.High++
	for what, change := range map[string]func(*Options){
		"seed":   func(o *Options) { o.Seed++ },
		"scale":  func(o *Options) { o.Scale.Rate *= 2 },
		"time":   func(o *Options) { o.Scale.Time *= 2 },
		"batch":  func(o *Options) { o.Batch = 7 },
		"users":  func(o *Options) { o.Users++ },
		"keys":   func(o *Options) { o.Keys = load.NoKeys },
		"plan":   func(o *Options) { o.Plan = plan },
		"start":  func(o *Options) { o.Part.StartAt = start.Add(time.Second) },
		"shards": func(o *Options) { o.Part.Shard.Of = 5 },
	} {
		if other := partOf(t, 1, 4, start, change).name; other == name {
			t.Errorf("another %s has the same name", what)
		}
	}
}

func TestPartRefuses(t *testing.T) {
	now := time.Now()
	var late *LateStartError
	for name, test := range map[string]struct {
		part Part
		late bool
	}{
		"no time": {Part{Shard: &Shard{Index: 1, Of: 2}}, false},
		"late":    {Part{StartAt: now.Add(-2 * time.Second)}, true},
	} {
		if err := test.part.check(now); err == nil || errors.As(err, &late) != test.late {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (&Part{StartAt: now.Add(-startGrace)}).check(now); err != nil {
		t.Errorf("within the grace: %v", err)
	}
}

// TestARunBeginsAtItsTime, and not at all when it is too late by then.
func TestARunBeginsAtItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now().Add(20 * time.Second)
		run := partOf(t, 1, 2, start, nil)
		result, err := run.Do(t.Context(), benchOf(t, &scenariotest.System{}))
		if err != nil || !result.Started.Equal(start.UTC()) {
			t.Errorf("began at %v, and was to at %v: %v", result.Started, start, err)
		}
		// What was there before is waited for only until then.
		start = time.Now().Add(20 * time.Second)
		run = partOf(t, 1, 2, start, nil)
		result, err = run.Do(t.Context(), benchOf(t, &scenariotest.System{Account: api.Account{Accepted: 5, InFlight: 5}}))
		if err != nil || !result.Started.Equal(start.UTC()) {
			t.Errorf("with something in flight it began at %v, and was to at %v: %v", result.Started, start, err)
		}
		run = partOf(t, 1, 2, time.Now().Add(time.Second), nil)
		time.Sleep(3 * time.Second)
		var late *LateStartError
		if _, err := run.Do(t.Context(), benchOf(t, &scenariotest.System{})); !errors.As(err, &late) || late.Late != 2*time.Second {
			t.Errorf("too late: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		run = partOf(t, 1, 2, time.Now().Add(time.Hour), nil)
		if _, err := run.Do(ctx, benchOf(t, &scenariotest.System{})); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("interrupted while it waits: %v", err)
		}
	})
}

// TestTheFirstShardMakesThingsFail for all of them.
func TestTheFirstShardMakesThingsFail(t *testing.T) {
	failing := named(t, "provider-failure")
	start := time.Now().Add(time.Minute)
	second := partOf(t, 2, 2, start, func(o *Options) { o.Scenario = failing })
	// Without mock providers the first would not get this far.
	faults, err := second.prepareFaults(t.Context(), Bench{Log: slog.New(slog.DiscardHandler)}, nil)
	if err != nil || len(faults.faults) != 0 {
		t.Errorf("the second has %d faults, %v", len(faults.faults), err)
	}
	if providers, _ := second.Needs(); !providers {
		t.Error("the scenario has no faults of providers: the test does not show what it is for")
	}
}

// TestRestrictedBooksAddUp: what the shards' books hold is together what the whole
// has.
func TestRestrictedBooksAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole, err := load.NewSchedule([]load.Stage{{From: 10, To: 50, For: 10 * time.Second}})
		if err != nil {
			t.Fatal(err)
		}
		batch, of := rapid.IntRange(1, 20).Draw(t, "batch"), rapid.IntRange(1, 7).Draw(t, "of")
		all := uint32(whole.Slots()) * uint32(batch)
		some := func(name string) *roaring.Bitmap {
			return roaring.BitmapOf(rapid.SliceOf(rapid.Uint32Range(0, all-1)).Draw(t, name)...)
		}
		delivered, dead, sent := some("delivered"), some("dead"), some("sent")
		again := some("again").ToArray()
		fresh := func() *books {
			k := &books{
				outcomes: map[string]*roaring.Bitmap{"delivered": delivered, "dead": dead},
				ledger: &mockproviders.Run{Complete: true, Providers: map[string]mockproviders.RunProvider{
					"fcm": {Sequences: sent}, "apns": {},
				}},
			}
			for _, sequence := range again {
				k.ledger.Repeats = append(k.ledger.Repeats, mockproviders.Repeat{Sequence: sequence, Sends: 3})
			}
			return k
		}
		var deliveries, deaths, sends, repeats uint64
		for index := 1; index <= of; index++ {
			shard, err := whole.Shard(index, of)
			if err != nil {
				t.Fatal(err)
			}
			k := fresh()
			k.restrict(sequencesOf(shard, batch))
			deliveries += k.outcomes["delivered"].GetCardinality()
			deaths += k.outcomes["dead"].GetCardinality()
			sends += k.ledger.Sequences().GetCardinality()
			repeats += k.ledger.Total.Duplicates
		}
		if deliveries != delivered.GetCardinality() || deaths != dead.GetCardinality() || sends != sent.GetCardinality() || repeats != 2*uint64(len(again)) {
			t.Fatalf("%d delivered, %d dead, %d sent, %d repeats", deliveries, deaths, sends, repeats)
		}
	})
}

func TestLateStartSaysWhatToDo(t *testing.T) {
	err := &LateStartError{At: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC), Late: 12*time.Second + 345*time.Millisecond}
	if text := err.Error(); !strings.Contains(text, "2026-11-24T10:00:00Z, which was 12.3s ago; start it again") {
		t.Errorf("it says %s", text)
	}
}
