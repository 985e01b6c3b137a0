package queueing_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/planner/queueing"
)

// published are the measurements of a file server benchmark that the law's
// literature fits (SPEC SDM91: scripts, scripts an hour).
func published() []queueing.Measurement {
	return []queueing.Measurement{{1, 65}, {18, 996}, {36, 1652}, {72, 1853}, {108, 1829}, {144, 1775}, {216, 1702}}
}

func TestFitUSLToPublishedMeasurements(t *testing.T) {
	law, err := queueing.FitUSL(published())
	if err != nil {
		t.Fatal(err)
	}
	n, most, ok := law.Peak()
	if n != 96 || !ok {
		t.Errorf("the peak is at %d (%v), want 96", n, ok)
	}
	for _, tt := range []struct {
		name      string
		got, want float64
	}{
		{"sigma", law.Sigma(), .0277299},
		{"kappa", law.Kappa(), .000104343},
		{"lambda", law.Lambda(), 89.9878},
		{"the most", most, 1883.76},
	} {
		// The published search stopped a little before the minimum.
		if !near(tt.got, tt.want, 1e-4) {
			t.Errorf("%s is %v, want %v", tt.name, tt.got, tt.want)
		}
	}
	stated, err := queueing.NewUSL(89.9878, .0277299, .000104343)
	if err != nil {
		t.Fatal(err)
	}
	if got, most := squares(t, law), squares(t, stated); got > most {
		t.Errorf("a sum of squares of %v, where the published coefficients have %v", got, most)
	}
}

// squares is by how much a law misses the published measurements.
func squares(t *testing.T, law queueing.USL) float64 {
	t.Helper()
	sum := 0.0
	for _, m := range published() {
		x, err := law.Throughput(m.Servers)
		if err != nil {
			t.Fatal(err)
		}
		sum += (x - m.Throughput) * (x - m.Throughput)
	}
	return sum
}

// laws draws laws, at times without contention, without coherency, or without
// both.
func laws(t *rapid.T) queueing.USL {
	lambda := math.Exp(rapid.Float64Range(-5, 15).Draw(t, "log lambda"))
	sigma := rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(1e-4, .5)).Draw(t, "sigma")
	kappa := rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(1e-6, .01)).Draw(t, "kappa")
	law, err := queueing.NewUSL(lambda, sigma, kappa)
	check(t, err)
	return law
}

func TestFitUSLFindsTheLawOfExactMeasurements(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		law := laws(t)
		var measured []queueing.Measurement
		for _, n := range []float64{1, 2, 4, 8, 16, 32, 64, 128} {
			x, err := law.Throughput(n)
			check(t, err)
			measured = append(measured, queueing.Measurement{Servers: n, Throughput: x})
		}
		fitted, err := queueing.FitUSL(measured)
		check(t, err)
		for _, m := range measured {
			if x, err := fitted.Throughput(m.Servers); err != nil || !near(x, m.Throughput, 1e-4) {
				t.Fatalf("%v servers carry %v (%v), want %v; fitted %+v", m.Servers, x, err, m.Throughput, fitted)
			}
		}
	})
}

// Better than linear scaling and noise ask for coefficients below zero.
func TestFitUSLKeepsCoefficientsAtZero(t *testing.T) {
	law, err := queueing.FitUSL([]queueing.Measurement{{1, 10}, {2, 24}, {4, 50}, {8, 110}, {16, 230}})
	if err != nil {
		t.Fatal(err)
	}
	if law.Sigma() < 0 || law.Sigma() > 1e-6 || law.Kappa() < 0 || law.Kappa() > 1e-6 {
		t.Errorf("%+v, want no contention and no coherency", law)
	}
}

func TestFitUSLBearsNoise(t *testing.T) {
	law, err := queueing.NewUSL(1000, .03, 1e-4)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	var measured []queueing.Measurement
	for n := 1.0; n <= 128; n *= 2 {
		for range 20 {
			x, err := law.Throughput(n)
			if err != nil {
				t.Fatal(err)
			}
			measured = append(measured, queueing.Measurement{Servers: n, Throughput: x * (1 + .03*random.NormFloat64())})
		}
	}
	fitted, err := queueing.FitUSL(measured)
	if err != nil {
		t.Fatal(err)
	}
	if !near(fitted.Lambda(), 1000, .05) || !near(fitted.Sigma(), .03, .1) || !near(fitted.Kappa(), 1e-4, .1) {
		t.Errorf("%+v", fitted)
	}
}

func TestFitUSLRefuses(t *testing.T) {
	for _, tt := range []struct {
		name     string
		measured []queueing.Measurement
		message  string
	}{
		{"none", nil, "is 0; accepted is 3 or more"},
		{"two", []queueing.Measurement{{1, 10}, {2, 19}}, "is 2; accepted is 3 or more"},
		{"two sizes", []queueing.Measurement{{1, 10}, {2, 19}, {2, 20}, {1, 11}}, "is 2; accepted is 3 or more"},
		{"no server", []queueing.Measurement{{1, 10}, {0, 19}, {4, 30}}, "number of servers of measurement 2 is 0"},
		{"NaN", []queueing.Measurement{{1, 10}, {2, 19}, {4, math.NaN()}}, "throughput of measurement 3 is NaN"},
		{"infinite", []queueing.Measurement{{1, math.Inf(1)}, {2, 19}, {4, 30}}, "throughput of measurement 1 is +Inf"},
		{"nothing carried", []queueing.Measurement{{1, 10}, {2, 19}, {4, 0}}, "throughput of measurement 3 is 0"},
		{"falling from the start", []queueing.Measurement{{1, 10}, {2, 6}, {4, 3}, {8, 1.5}}, "start below the peak"},
	} {
		law, err := queueing.FitUSL(tt.measured)
		if err == nil || !strings.Contains(err.Error(), tt.message) {
			t.Errorf("%s: %+v, %v", tt.name, law, err)
		}
	}
}

func TestUSLSizeIsTheInverseUpToThePeak(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		law := laws(t)
		peak, most, ok := law.Peak()
		if !ok {
			peak = 1_000_000
		}
		n := float64(peak) * rapid.Float64Range(.001, .95).Draw(t, "share of the peak")
		x, err := law.Throughput(n)
		check(t, err)
		back, err := law.Size(x)
		check(t, err)
		if !near(back, n, 1e-6) {
			t.Fatalf("%v servers carry %v, for which the size is %v", n, x, back)
		}
		whole, err := law.Servers(x)
		check(t, err)
		enough, err := law.Throughput(float64(whole))
		check(t, err)
		fewer, err := law.Throughput(float64(whole - 1))
		check(t, err)
		if enough < x || fewer >= x {
			t.Fatalf("%d servers carry %v, one fewer %v, want %v", whole, enough, fewer, x)
		}
		if !ok {
			return
		}
		for _, beside := range []int{peak - 1, peak + 2} {
			if x, err := law.Throughput(float64(beside)); err != nil || x > most*(1+1/float64(peak*peak)) {
				t.Fatalf("%d servers carry %v (%v), more than the %v of %d", beside, x, err, most, peak)
			}
		}
		if size, err := law.Size(most * 1.1); err == nil {
			t.Fatalf("%v carry more than the most, %v", size, most)
		}
	})
}

// Up to the peak a whole number is its own inverse.
func TestUSLServers(t *testing.T) {
	law, err := queueing.FitUSL(published())
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 96; n++ {
		x, err := law.Throughput(float64(n))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := law.Servers(x); err != nil || got != n {
			t.Errorf("%d servers carry %v, for which %d are needed (%v)", n, x, got, err)
		}
	}
	_, err = law.Servers(2000)
	if err == nil || !strings.Contains(err.Error(), "accepted is at most 1883.7") || !strings.Contains(err.Error(), "what 96 servers carry") {
		t.Errorf("2000 is over the peak: %v", err)
	}
	if n, err := law.Servers(0); err != nil || n != 1 {
		t.Errorf("nothing is carried by %d (%v), want 1", n, err)
	}
}

// Without coherency the throughput nears λ/σ; without contention it grows on.
func TestUSLWithoutPeak(t *testing.T) {
	amdahl, err := queueing.NewUSL(100, .05, 0)
	if err != nil {
		t.Fatal(err)
	}
	if n, x, ok := amdahl.Peak(); ok {
		t.Errorf("a peak of %v at %d", x, n)
	}
	if n, err := amdahl.Size(2001); err == nil {
		t.Errorf("%v servers carry more than 100/.05", n)
	}
	linear, err := queueing.NewUSL(100, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := linear.Servers(12_345); err != nil || n != 124 {
		t.Errorf("%d servers (%v), want 124", n, err)
	}
}

func TestNewUSLRefuses(t *testing.T) {
	for _, c := range [][3]float64{
		{0, 0, 0},
		{-1, 0, 0},
		{math.NaN(), 0, 0},
		{math.Inf(1), 0, 0},
		{1, -.1, 0},
		{1, 1, 0},
		{1, math.NaN(), 0},
		{1, 0, -.1},
		{1, 0, 1},
		{1, .5, .5},
		{1, 0, math.NaN()},
	} {
		if law, err := queueing.NewUSL(c[0], c[1], c[2]); err == nil {
			t.Errorf("%v gives %+v", c, law)
		}
	}
	law, err := queueing.NewUSL(1, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []float64{-1, math.NaN(), math.Inf(1)} {
		if _, err := law.Throughput(bad); err == nil {
			t.Errorf("%v servers are accepted", bad)
		}
		if _, err := law.Size(bad); err == nil {
			t.Errorf("a throughput of %v is accepted", bad)
		}
		if _, err := law.Servers(bad); err == nil {
			t.Errorf("a throughput of %v is accepted", bad)
		}
	}
}

func BenchmarkFitUSL(b *testing.B) {
	measured := published()
	for b.Loop() {
		if _, err := queueing.FitUSL(measured); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUSLServers(b *testing.B) {
	law, err := queueing.NewUSL(90, .0277, 1.04e-4)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := law.Servers(1500); err != nil {
			b.Fatal(err)
		}
	}
}
