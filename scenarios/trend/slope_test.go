package trend

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// autoregressive is a line with noise of which each value keeps a part, phi, of
// the one before: AR(1), once a second.
func autoregressive(random *rand.Rand, n int, rate, phi float64) *Series {
	var s Series
	noise := random.NormFloat64() / math.Sqrt(1-phi*phi)
	for i := range n {
		s.Add(time.Duration(i)*time.Second, 100+rate*float64(i)+noise)
		noise = phi*noise + random.NormFloat64()
	}
	return &s
}

// TestIntervalHolds: of many series with a known slope, the interval has it in 90 %
// at least, however much each value depends on the one before, and is not so wide
// that it says nothing.
func TestIntervalHolds(t *testing.T) {
	const trials = 400
	for _, n := range []int{60, 150, 600, 3600} {
		for _, phi := range []float64{0, 0.3, 0.6, 0.9} {
			random := rand.New(rand.NewPCG(uint64(n), uint64(phi*10)))
			const rate = 0.1
			covered, width := 0, 0.0
			for range trials {
				s, ok := autoregressive(random, n, rate, phi).Slope()
				if !ok {
					t.Fatalf("no slope of %d measurements", n)
				}
				if s.Low <= rate && rate <= s.High {
					covered++
				}
				width += (s.High - s.Low) / trials
			}
			if covered < trials*90/100 {
				t.Errorf("%d measurements, phi %g: %d of %d intervals hold the slope", n, phi, covered, trials)
			}
			// The standard error of a least squares slope in AR(1) noise is about
			// sqrt(12 / n^3) / (1 - phi); a 95 % interval is four of them wide, and a
			// short series has few degrees of freedom.
			if ideal := 4 * math.Sqrt(12/math.Pow(float64(n), 3)) / (1 - phi); width > 3*ideal {
				t.Errorf("%d measurements, phi %g: the interval is %.3g wide, ideal is %.3g", n, phi, width, ideal)
			}
		}
	}
}

// TestFlatNoiseIsNoGrowth: a flat series is called growing no more often than the
// confidence allows.
func TestFlatNoiseIsNoGrowth(t *testing.T) {
	const trials = 400
	random := rand.New(rand.NewPCG(3, 4))
	growing := 0
	for range trials {
		if s, _ := autoregressive(random, 300, 0, 0.8).Slope(); s.Low > 0 {
			growing++
		}
	}
	if growing > trials*5/100 {
		t.Errorf("%d of %d flat series are called growing", growing, trials)
	}
}

func TestGrowthIsSeen(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	s, _ := autoregressive(random, 600, 0.2, 0.8).Slope()
	if s.Low < 0.1 || s.High > 0.3 || s.Start < 95 || s.Start > 105 || s.Seconds != 599 {
		t.Errorf("slope %+v", s)
	}
}

// TestAFewMeasurementsAreNoData, whatever they look like.
func TestAFewMeasurementsAreNoData(t *testing.T) {
	var s Series
	for i := range Fewest - 1 {
		s.Add(time.Duration(i)*time.Second, float64(i))
	}
	if slope, ok := s.Slope(); ok {
		t.Errorf("slope %+v of %d measurements", slope, s.Len())
	}
	var still Series
	for range 2 * Fewest {
		still.Add(time.Second, 1)
	}
	if slope, ok := still.Slope(); ok {
		t.Errorf("slope %+v of measurements at one moment", slope)
	}
}

// TestALineIsExact: without noise there is nothing to be unsure of, however long
// the series.
func TestALineIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(Fewest, 5000).Draw(t, "n")
		rate := rapid.Float64Range(-10, 10).Draw(t, "rate")
		start := rapid.Float64Range(-1000, 1000).Draw(t, "start")
		var s Series
		for i := range n {
			s.Add(time.Duration(i)*time.Second, start+rate*float64(i))
		}
		slope, ok := s.Slope()
		if !ok || s.Len() != n || len(s.means) > mostMeans {
			t.Fatalf("%d measurements in %d means", s.Len(), len(s.means))
		}
		for name, off := range map[string]float64{
			"rate": slope.Rate - rate, "low": slope.Low - rate, "high": slope.High - rate,
			"start": (slope.Start - start) / 1000, "seconds": slope.Seconds - float64(n-1),
		} {
			if math.Abs(off) > 1e-6 {
				t.Fatalf("%s is off by %g: %+v", name, off, slope)
			}
		}
		if slope.Low > slope.Rate || slope.High < slope.Rate {
			t.Fatalf("interval %+v", slope)
		}
	})
}
