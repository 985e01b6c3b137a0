package queueing_test

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/planner/queueing"
)

// must gives the value of a call that has to succeed.
func must[T any](t testing.TB, value T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// near reports whether two numbers are the same but for a share of the second.
func near(got, want, share float64) bool { return math.Abs(got-want) <= share*math.Abs(want) }

func erlangB(t testing.TB, servers int, load float64) float64 {
	t.Helper()
	b, err := queueing.ErlangB(servers, load)
	return must(t, b, err)
}

func erlangC(t testing.TB, servers int, load float64) float64 {
	t.Helper()
	c, err := queueing.ErlangC(servers, load)
	return must(t, c, err)
}

func TestErlangC(t *testing.T) {
	for _, tt := range []struct {
		servers int
		load    float64
		want    float64
	}{
		{1, .5, .5},
		{2, 1, 1.0 / 3},
		{10, 8, .4091801508},
		{14, 10, .1741319336},
		{3, 0, 0},
		{3, 3, 1},
		{3, 4, 1},
	} {
		if got := erlangC(t, tt.servers, tt.load); math.Abs(got-tt.want) > 5e-11 {
			t.Errorf("C(%d, %v) = %.10f, want %.10f", tt.servers, tt.load, got, tt.want)
		}
	}
}

// The classical table of B, as in A. K. Erlang's own values: one server
// refuses a/(1+a).
func TestErlangB(t *testing.T) {
	for _, tt := range []struct {
		servers int
		load    float64
		want    float64
	}{
		{1, 1, 1.0 / 2},
		{2, 1, 1.0 / 5},
		{3, 1, 1.0 / 16},
		{4, 1, 1.0 / 65},
		{5, 0, 0},
		{1, 3, 3.0 / 4},
	} {
		if got := erlangB(t, tt.servers, tt.load); !near(got, tt.want, 1e-14) {
			t.Errorf("B(%d, %v) = %v, want %v", tt.servers, tt.load, got, tt.want)
		}
	}
}

// recurrence is B by its textbook recurrence, in 200 bits.
func recurrence(servers int, load float64) float64 {
	a := new(big.Float).SetPrec(200).SetFloat64(load)
	inverse := new(big.Float).SetPrec(200).SetInt64(1)
	for k := 1; k <= servers; k++ { // 1/B(k) = 1 + k/a * 1/B(k-1)
		inverse.Mul(inverse, new(big.Float).SetPrec(200).SetInt64(int64(k)))
		inverse.Quo(inverse, a)
		inverse.Add(inverse, big.NewFloat(1))
	}
	b, _ := new(big.Float).Quo(big.NewFloat(1), inverse).Float64()
	return b
}

// On both sides of the closed form's threshold, below and above the load, near
// it and far from it.
func TestErlangBAgainstTheRecurrence(t *testing.T) {
	for _, servers := range []int{7, 300, 399, 400, 401, 5000, 40_000} {
		for _, distance := range []float64{-30, -5, -1, -.1, 0, .1, 1, 3, 4.4} { // in roots of the number of servers
			load := float64(servers) - distance*math.Sqrt(float64(servers))
			if load <= 0 {
				continue
			}
			got, want := erlangB(t, servers, load), recurrence(servers, load)
			if !near(got, want, 1e-9) {
				t.Errorf("B(%d, %v) = %v, want %v", servers, load, got, want)
			}
		}
		for _, distance := range []float64{4.6, 8, 20} { // where nearly nobody waits
			load := float64(servers) - distance*math.Sqrt(float64(servers))
			if load <= 0 {
				continue
			}
			got, want := erlangB(t, servers, load), recurrence(servers, load)
			if !near(got, want, 1e-6) {
				t.Errorf("B(%d, %v) = %v, want %v", servers, load, got, want)
			}
		}
	}
}

// The largest loads are those where the law of Halfin and Whitt holds.
func TestErlangCOfLargeLoads(t *testing.T) {
	for _, load := range []float64{1e6, 1e8, 1e9} {
		for _, margin := range []float64{.1, .5, 1, 2} {
			servers := must2(t, queueing.SquareRoot, load, margin)
			exact := (float64(servers) - load) / math.Sqrt(load)
			limit, err := queueing.HalfinWhitt(exact)
			if got := erlangC(t, servers, load); err != nil || !near(got, limit, 3/math.Sqrt(load)) {
				t.Errorf("C(%d, %v) = %v, want about %v (%v)", servers, load, got, limit, err)
			}
		}
	}
}

// must2 calls a function of two numbers that has to succeed.
func must2[T any](t testing.TB, f func(a, b float64) (T, error), a, b float64) T {
	t.Helper()
	v, err := f(a, b)
	return must(t, v, err)
}

func TestErlangProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		servers := rapid.OneOf(rapid.IntRange(1, 50), rapid.IntRange(1, 3000), rapid.IntRange(1, 2_000_000)).Draw(t, "servers")
		load := float64(servers) * rapid.Float64Range(0, 1.5).Draw(t, "load per server")
		more := load * rapid.Float64Range(1, 1.1).Draw(t, "growth")
		const rounding = 1 + 1e-5
		b, err := queueing.ErlangB(servers, load)
		check(t, err)
		c, err := queueing.ErlangC(servers, load)
		check(t, err)
		if !(b >= 0 && b <= c*rounding && c <= 1) {
			t.Fatalf("B %v, C %v, want 0 <= B <= C <= 1", b, c)
		}
		for name, f := range map[string]func(int, float64) (float64, error){"B": queueing.ErlangB, "C": queueing.ErlangC} {
			here, err := f(servers, load)
			check(t, err)
			loaded, err := f(servers, more)
			check(t, err)
			helped, err := f(servers+1, load)
			check(t, err)
			if loaded*rounding < here {
				t.Fatalf("%s falls from %v to %v when the load rises to %v", name, here, loaded, more)
			}
			if helped > here*rounding {
				t.Fatalf("%s rises from %v to %v with one more server", name, here, helped)
			}
		}
	})
}

// check ends a property at an error.
func check(t *rapid.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func BenchmarkErlangC(b *testing.B) {
	for name, load := range map[string]float64{"10": 10, "250": 250, "950": 950, "10K": 1e4, "1M": 1e6} {
		servers := int(load + math.Sqrt(load))
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := queueing.ErlangC(servers, load); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
