package planner_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/planner"
)

// sample draws a plan's ranges.
func sample(t *testing.T, samples int, assignments ...string) (*planner.Estimate, *planner.Sampling) {
	t.Helper()
	e := estimate(t, assignments...)
	s, err := e.Sample(samples, 7)
	if err != nil {
		t.Fatal(err)
	}
	return e, s
}

// A product of lognormal inputs is lognormal, so its quantiles are known: the
// logarithms' means add up, and so do their variances.
func TestSamplingOfAProduct(t *testing.T) {
	_, s := sample(t, 100_000, "workload.users=50M..200M", "workload.notifications_per_user=5..20")
	const z90, z95 = 1.2815515655, 1.6448536270
	deviation := math.Sqrt2 * math.Log(4) / (2 * z95) // of both, from 5 % to 95 %
	median := 1e9
	got := s.Quantiles["volume.per_day"]
	for _, q := range []struct{ got, want float64 }{
		{got.P10, median * math.Exp(-z90*deviation)}, {got.P50, median}, {got.P90, median * math.Exp(z90*deviation)},
	} {
		if math.Abs(q.got/q.want-1) > 0.02 {
			t.Errorf("quantiles %+v, want %v among them", got, q.want)
		}
	}
	if _, drawn := s.Quantiles["rate.design"]; drawn {
		t.Error("rate.design has quantiles, and nothing that it follows from has a range")
	}
}

// Shares are uniform, and nine of ten lie in the range: from 10 % to 28 % the
// draws reach from 9 % to 29 %.
func TestSamplingOfAShare(t *testing.T) {
	_, s := sample(t, 100_000, "workload.priorities={high: 10%..28%, normal: 41%, low: 40%}")
	// high alone is drawn, and has to fill what the others leave.
	if got := s.Quantiles["rate.high"]; math.Abs(got.P10-9500) > 1e-6 || math.Abs(got.P90-9500) > 1e-6 {
		t.Errorf("rate.high is %+v, want the 19 %% that are left", got)
	}
	_, s = sample(t, 100_000, "kafka.retention=1d..1d", "workload.channels={push: 0%..100%, email: 0%..100%, sms: 0%}")
	push, email := s.Quantiles["rate.push"], s.Quantiles["rate.email"]
	if math.Abs(push.P10+email.P90-50_000) > 500 || math.Abs(push.P50-25_000) > 500 {
		t.Errorf("push %+v and email %+v do not share 50,000/s", push, email)
	}
}

// What two figures have in common is drawn once: their ratio does not vary.
func TestSamplingDrawsAnInputOnce(t *testing.T) {
	_, s := sample(t, 1000, "workload.users=50M..200M")
	average, peak := s.Quantiles["rate.average"], s.Quantiles["rate.peak"]
	for _, q := range []struct{ a, b float64 }{{average.P10, peak.P10}, {average.P50, peak.P50}, {average.P90, peak.P90}} {
		if math.Abs(q.b/q.a-3) > 1e-9 {
			t.Errorf("the peak is %v of %v, want three times", q.b, q.a)
		}
	}
}

func TestSamplingIsRepeatable(t *testing.T) {
	set := []string{"workload.users=50M..200M", "workload.size=1KB..4KB"}
	e, first := sample(t, 2000, set...)
	again, err := e.Sample(2000, 7)
	if err != nil {
		t.Fatal(err)
	}
	other, err := e.Sample(2000, 8)
	if err != nil {
		t.Fatal(err)
	}
	const id = "storage.per_day"
	if first.Quantiles[id] != again.Quantiles[id] || first.Quantiles[id] == other.Quantiles[id] {
		t.Errorf("seed 7 gives %+v and %+v, seed 8 %+v", first.Quantiles[id], again.Quantiles[id], other.Quantiles[id])
	}
}

func TestTornado(t *testing.T) {
	_, s := sample(t, 100, "workload.users=90M..110M", "workload.size=1KB..4KB", "workload.compression=2..3", "workload.peak_factor=2..4")
	var order []string
	for _, i := range s.Influences["storage.per_year.compressed"] {
		order = append(order, i.Input.ID)
	}
	if want := []string{"workload.size", "workload.compression", "workload.users"}; !slices.Equal(order, want) {
		t.Errorf("the compressed storage is moved by %v, want %v", order, want)
	}
	compression := s.Influences["storage.per_year.compressed"][1]
	if compression.Low <= compression.High {
		t.Errorf("compression moves the storage from %v to %v, want down", compression.Low, compression.High)
	}
}

func TestSamplingRefuses(t *testing.T) {
	for _, n := range []int{-1, 0, planner.MaxSamples + 1} {
		if _, err := estimate(t).Sample(n, 1); err == nil {
			t.Errorf("%d samples were drawn", n)
		}
	}
}

// Quantiles are numbers in order, whatever the plan.
func TestQuantilesAreNumbersInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, err := planner.NewEstimate(drawPlan(t))
		if err != nil {
			t.Fatal(err)
		}
		s, err := e.Sample(20, rapid.Uint64().Draw(t, "seed"))
		if err != nil {
			t.Fatal(err)
		}
		for id, q := range s.Quantiles {
			if !(0 <= q.P10 && q.P10 <= q.P50 && q.P50 <= q.P90) || math.IsInf(q.P90, 0) {
				t.Fatalf("%s has the quantiles %+v", id, q)
			}
		}
	})
}

// Of nodes and brokers there are whole ones alone, in every draw.
func TestQuantilesOfWholeThingsAreWhole(t *testing.T) {
	e := estimate(t, "workload.users=80M..120M")
	s, err := e.Sample(999, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"cassandra.nodes", "cassandra.nodes.compressed", "kafka.brokers", "gateway.instances"} {
		q := s.Quantiles[id]
		for _, v := range []float64{q.P10, q.P50, q.P90} {
			if v != math.Trunc(v) {
				t.Errorf("%s has the quantiles %+v", id, q)
			}
		}
	}
}

func BenchmarkSampling(b *testing.B) {
	p, err := planner.Load(planner.Document{Assignments: []string{"workload.users=50M..200M", "workload.design_rate=30K..70K/s"}})
	if err != nil {
		b.Fatal(err)
	}
	e, err := planner.NewEstimate(p)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := e.Sample(10_000, 1); err != nil {
			b.Fatal(err)
		}
	}
}
