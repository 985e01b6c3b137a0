package scenarios

import (
	"context"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// limited is a system that holds up to a rate, loaded by a generator that sends up
// to another. Some failures are chance.
type limited struct {
	holds, sends float64
	chance       func() bool
}

func (l limited) try(_ context.Context, rate float64) (*Result, error) {
	r := &Result{Verdict: Pass, Generator: Generator{Achieved: 1}, Stages: []StageResult{{Requests: Counts{Offered: 1000, Sent: 1000}}}}
	p99 := Check{Name: "api p99", Subject: "latency.p99", Op: "<", Limit: 500, Verdict: Pass}
	dropped := Check{Name: "dropped", Subject: "dropped", Op: "=", Verdict: Pass}
	switch {
	case rate > l.sends:
		r.Stages[0].Requests = Counts{Offered: 1000, Sent: 900, Dropped: 100}
		r.Generator.Achieved = 0.9
		p99.Verdict, p99.Why = Inconclusive, "only 90 % of the load was sent"
		dropped.Verdict, r.Verdict = Fail, Fail
	case rate > l.holds, l.chance != nil && l.chance():
		p99.Verdict, r.Verdict = Fail, Fail
	}
	r.Checks = []Check{p99, dropped}
	return r, nil
}

func TestFindCapacity(t *testing.T) {
	search := CapacitySearch{Start: 1000, UpTo: 100_000, Precision: 0.05}
	for _, test := range []struct {
		name         string
		system       limited
		held, failed bool
		unclear      bool
		why          string
	}{
		{name: "a limit above the start", system: limited{holds: 7777, sends: 1e9}, held: true, failed: true},
		{name: "a limit below the start", system: limited{holds: 333, sends: 1e9}, held: true, failed: true},
		{name: "nothing holds", system: limited{holds: 1, sends: 1e9}, failed: true},
		{name: "all of it holds", system: limited{holds: 1e9, sends: 1e9}, held: true},
		{name: "the generator is at its end first", system: limited{holds: 50_000, sends: 20_000}, held: true, unclear: true, why: "the generator sent 90 % of it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			found, err := FindCapacity(t.Context(), search, test.system.try)
			if err != nil {
				t.Fatal(err)
			}
			if (found.Held != nil) != test.held || (found.Failed != nil) != test.failed || (found.Unclear != nil) != test.unclear || found.Why != test.why {
				t.Errorf("found %s", asJSON(t, found))
			}
			if found.Failed != nil && (len(found.Tripped) != 1 || found.Tripped[0].Name != "api p99") {
				t.Errorf("tripped %s", asJSON(t, found.Tripped))
			}
		})
	}
}

// TestFindCapacityIsRight: whatever holds, the last good rate does and the first
// bad one does not, and they are near each other.
func TestFindCapacityIsRight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		search := CapacitySearch{
			Start: rapid.Float64Range(1, 10_000).Draw(t, "start"), Precision: rapid.Float64Range(0.01, 0.5).Draw(t, "precision"),
		}
		search.UpTo = search.Start * rapid.Float64Range(1, 200).Draw(t, "up to")
		system := limited{
			holds: search.Start * rapid.Float64Range(0.001, 300).Draw(t, "holds"),
			sends: search.Start * rapid.Float64Range(0.001, 300).Draw(t, "sends"),
		}
		found, err := FindCapacity(t.Context(), search, system.try)
		if err != nil {
			t.Fatal(err)
		}
		most := min(system.holds, system.sends)
		above := found.Failed
		if above == nil || found.Unclear != nil && *found.Unclear < *above {
			above = found.Unclear
		}
		switch {
		case found.Held != nil && *found.Held > most:
			t.Fatalf("%g held, of %g", *found.Held, most)
		case found.Failed != nil && (*found.Failed <= system.holds || *found.Failed > system.sends):
			t.Fatalf("%g failed: holds %g, sends %g", *found.Failed, system.holds, system.sends)
		case found.Unclear != nil && *found.Unclear <= system.sends:
			t.Fatalf("%g is unclear: sends %g", *found.Unclear, system.sends)
		case above == nil && (found.Held == nil || *found.Held != search.UpTo):
			t.Fatalf("nothing was too much up to %g, and %v held", search.UpTo, found.Held)
		case above != nil && found.Held != nil && *above > *found.Held*(1+search.Precision)*(1+1e-9):
			t.Fatalf("between %g and %g nothing was tried", *found.Held, *above)
		case len(found.Steps) > 100:
			t.Fatalf("%d steps", len(found.Steps))
		}
	})
}

func TestFindCapacityTriesTwiceWhatMayBeChance(t *testing.T) {
	n := 0
	system := limited{holds: 5000, sends: 1e9, chance: func() bool { n++; return n == 2 }}
	found, err := FindCapacity(t.Context(), CapacitySearch{Start: 1000, UpTo: 4000, Precision: 0.1}, system.try)
	if err != nil || found.Failed != nil || *found.Held != 4000 {
		t.Errorf("found %s, %v", asJSON(t, found), err)
	}
	if len(found.Steps) != 4 { // 1000, 2000 twice, 4000
		t.Errorf("steps %s", asJSON(t, found.Steps))
	}
}

func TestFindCapacityEndsWhenItIsTold(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	system := limited{holds: 5000, sends: 1e9}
	found, err := FindCapacity(ctx, CapacitySearch{Start: 1000, UpTo: 1e6, Precision: 0.1}, func(ctx context.Context, rate float64) (*Result, error) {
		if rate == 4000 {
			cancel()
		}
		return system.try(ctx, rate)
	})
	if err != nil || !found.Interrupted || *found.Held != 2000 || len(found.Steps) != 3 {
		t.Errorf("found %s, %v", asJSON(t, found), err)
	}
	broken := errors.New("broken")
	if _, err := FindCapacity(t.Context(), CapacitySearch{Start: 1, UpTo: 2, Precision: 1}, func(context.Context, float64) (*Result, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestCapacitySearchRefuses(t *testing.T) {
	for _, c := range []CapacitySearch{{}, {Start: 1, UpTo: 0.5, Precision: 1}, {Start: 1, UpTo: 2}, {Start: -1, UpTo: 2, Precision: 1}} {
		if c.Check() == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}

func TestPlateauKeepsWhatAStepCanSay(t *testing.T) {
	s := named(t, "peak")
	p, left := s.Plateau(1000, s.Stages[0].For)
	if len(p.Stages) != 1 || p.Stages[0].From != 1000 || p.Stages[0].To != 1000 || p.Faults != nil {
		t.Errorf("plateau %+v", p)
	}
	if len(p.Checks)+len(left) != len(s.Checks) || len(p.Checks) == 0 {
		t.Errorf("%d checks and %v of %d", len(p.Checks), left, len(s.Checks))
	}
	for _, c := range p.Checks {
		if c.During != "" && c.During != Drain || slices.Contains(left, c.Name) {
			t.Errorf("check %+v is kept", c)
		}
	}
	if len(s.Stages) < 2 {
		t.Error("the scenario itself was changed")
	}
}
