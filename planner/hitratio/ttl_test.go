package hitratio_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/planner/hitratio"
)

// Ten notifications a day, and 50,000/s over 100 million users.
const (
	average = 1e9 / 86_400 / 1e8
	design  = 50_000 / 1e8
)

// must gives the value of a call that has to succeed.
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// check ends a property at an error.
func check(t *rapid.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTTL(t *testing.T) {
	for _, tt := range []struct {
		name             string
		rate, burst, ttl float64
		want, digit      float64
	}{
		{"five minutes", average, 1, 300, .0336, 1e-4},
		{"a minute in one of fifty", average / 50, 1, 60, .000139, 1e-6},
		{"five minutes at the design rate", design, 1, 300, .130, 1e-3},
		{"five minutes, bursts of twenty", average, 20, 300, .95, 1e-2},
		{"two days", average, 1, 45.6 * 3600, .95, 1e-4},
		{"never read", 0, 1, math.Inf(1), 0, 0},
		{"kept for good", 1, 1, math.Inf(1), 1, 0},
		{"not kept", 1, 1, 0, 0, 0},
		{"bursts alone", 0, 4, 0, .75, 1e-15},
	} {
		got := must(hitratio.TTL(tt.rate, tt.burst, tt.ttl))(t)
		if math.Abs(got-tt.want) > tt.digit/2 {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestTTLFor(t *testing.T) {
	if got := must(hitratio.TTLFor(.95, average, 1))(t) / 3600; math.Abs(got-45.6) > .05 {
		t.Errorf("95 %% need %v h, want 45.6", got)
	}
	if got := must(hitratio.TTLFor(.95, average, 20))(t); math.Abs(got) > 1e-9 {
		t.Errorf("bursts of 20 need %v s for 95 %%, want 0", got)
	}
}

func TestTTLProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := math.Exp(rapid.Float64Range(-20, 10).Draw(t, "log rate"))
		ttl := math.Exp(rapid.Float64Range(-5, 20).Draw(t, "log ttl"))
		burst := rapid.OneOf(rapid.Just(1.0), rapid.Float64Range(1, 100)).Draw(t, "burst")
		more := rapid.Float64Range(1, 3).Draw(t, "growth")
		hit := func(rate, burst, ttl float64) float64 {
			h, err := hitratio.TTL(rate, burst, ttl)
			check(t, err)
			if !(h >= 0 && h <= 1) {
				t.Fatalf("a ratio of %v", h)
			}
			return h
		}
		h := hit(rate, burst, ttl)
		if hit(rate*more, burst, ttl) < h || hit(rate, burst*more, ttl) < h || hit(rate, burst, ttl*more) < h {
			t.Fatalf("%v falls", h)
		}
		single := hit(rate/burst, 1, ttl)
		if want := ((burst - 1) + single) / burst; math.Abs(h-want) > 1e-12 {
			t.Fatalf("%v, where the first of a burst hits with %v", h, single)
		}
		if h > .999999 {
			return // too near 1 to tell one time from the next
		}
		back, err := hitratio.TTLFor(h, rate, burst)
		check(t, err)
		if math.Abs(back-ttl) > 1e-8*(ttl+burst/rate/(1-h)) {
			t.Fatalf("%v needs %v, not %v", h, back, ttl)
		}
	})
}

func TestTTLRefuses(t *testing.T) {
	for _, bad := range []float64{math.NaN(), -1} {
		if h, err := hitratio.TTL(bad, 1, 1); err == nil {
			t.Errorf("a rate of %v gives %v", bad, h)
		}
		if h, err := hitratio.TTL(1, bad, 1); err == nil {
			t.Errorf("a burst of %v gives %v", bad, h)
		}
		if h, err := hitratio.TTL(1, 1, bad); err == nil {
			t.Errorf("a time to live of %v gives %v", bad, h)
		}
		if ttl, err := hitratio.TTLFor(bad, 1, 1); err == nil {
			t.Errorf("a ratio of %v needs %v", bad, ttl)
		}
		if ttl, err := hitratio.TTLFor(.5, bad, 1); err == nil {
			t.Errorf("a rate of %v needs %v", bad, ttl)
		}
		if ttl, err := hitratio.TTLFor(.5, 1, bad); err == nil {
			t.Errorf("a burst of %v needs %v", bad, ttl)
		}
	}
	if ttl, err := hitratio.TTLFor(1, 1, 1); err == nil {
		t.Errorf("a miss there always is, and none takes %v", ttl)
	}
	if ttl, err := hitratio.TTLFor(.5, 0, 1); err == nil {
		t.Errorf("what is never read hits after %v", ttl)
	}
}
