package load

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// stages draws any mixture of constant rates, ramps, jumps and pauses.
func stages() *rapid.Generator[[]Stage] {
	rate := rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(0.1, 50_000), rapid.Map(rapid.IntRange(1, 5000), func(n int) float64 { return float64(n) }))
	stage := rapid.Custom(func(t *rapid.T) Stage {
		from := rate.Draw(t, "from")
		to := from
		if rapid.Bool().Draw(t, "ramp") {
			to = rate.Draw(t, "to")
		}
		return Stage{From: from, To: to, For: time.Duration(rapid.Int64Range(int64(time.Millisecond), int64(2*time.Hour)).Draw(t, "for"))}
	})
	return rapid.SliceOfN(stage, 1, 5)
}

func TestScheduleIsMonotoneAndInverts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, err := NewSchedule(stages().Draw(t, "stages"))
		if err != nil {
			t.Fatal(err)
		}
		slots := s.Slots()
		if slots == 0 {
			return
		}
		n := rapid.Uint64Range(0, slots-1).Draw(t, "slot")
		at := s.At(n)
		if at < 0 || at >= s.Total() {
			t.Fatalf("At(%d) = %v is outside the run of %v", n, at, s.Total())
		}
		if got := s.SlotsBy(at); got != n {
			t.Fatalf("SlotsBy(At(%d)) = %d", n, got)
		}
		if got := s.SlotsBy(at + 1); got != n+1 {
			t.Fatalf("SlotsBy just after At(%d) = %d, want %d", n, got, n+1)
		}
		if n > 0 && s.At(n-1) >= at {
			t.Fatalf("At(%d) = %v is not before At(%d) = %v", n-1, s.At(n-1), n, at)
		}
	})
}

func TestScheduleCountsTheAreaUnderTheRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := stages().Draw(t, "stages")
		s, err := NewSchedule(drawn)
		if err != nil {
			t.Fatal(err)
		}
		var area float64
		for _, stage := range drawn {
			area += (stage.From + stage.To) / 2 * stage.For.Seconds()
		}
		if got := float64(s.Slots()); math.Abs(got-area) > 1+area*1e-9 {
			t.Fatalf("%v slots under an area of %v", got, area)
		}
	})
}

func TestScheduleKnownTimes(t *testing.T) {
	constant := Stage{From: 10, To: 10, For: 2 * time.Second}
	ramp := Stage{From: 0, To: 20, For: 2 * time.Second}
	pause := Stage{For: time.Second}
	for _, test := range []struct {
		name   string
		stages []Stage
		slot   uint64
		at     time.Duration
		slots  uint64
	}{
		{"constant starts at once", []Stage{constant}, 0, 0, 20},
		{"constant", []Stage{constant}, 7, 700 * time.Millisecond, 20},
		{"ramp: half the slots at 1/sqrt 2 of its time", []Stage{ramp}, 10, time.Duration(math.Ceil(math.Sqrt2 * 1e9)), 20},
		{"jump", []Stage{constant, {From: 100, To: 100, For: time.Second}}, 21, 2*time.Second + 10*time.Millisecond, 120},
		{"a pause holds nothing", []Stage{constant, pause, constant}, 20, 3 * time.Second, 40},
		{"past the end", []Stage{constant}, 99, 2 * time.Second, 20},
		{"down to nothing", []Stage{{From: 20, To: 0, For: 2 * time.Second}}, 19, time.Duration(math.Ceil((2 - math.Sqrt(0.2)) * 1e9)), 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := NewSchedule(test.stages)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.At(test.slot); (got - test.at).Abs() > 10 {
				t.Errorf("At(%d) = %v, want %v", test.slot, got, test.at)
			}
			if got := s.Slots(); got != test.slots {
				t.Errorf("%d slots, want %d", got, test.slots)
			}
		})
	}
}

func TestScheduleRefuses(t *testing.T) {
	for name, stages := range map[string][]Stage{
		"nothing":        nil,
		"no length":      {{From: 1, To: 1}},
		"negative rate":  {{From: -1, To: 1, For: time.Second}},
		"not a number":   {{From: math.NaN(), To: 1, For: time.Second}},
		"too fast":       {{From: 1, To: 1e12, For: time.Second}},
		"too many":       {{From: MaxRate, To: MaxRate, For: 100000 * time.Hour}, {From: MaxRate, To: MaxRate, For: 2400000 * time.Hour}},
		"overflows time": {{From: 1, To: 1, For: math.MaxInt64}, {From: 1, To: 1, For: 1}},
	} {
		if _, err := NewSchedule(stages); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
