package policy_test

import (
	"math"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/policy"
	"pgregory.net/rapid"
)

// email is the reference's pool of e-mail workers.
func email() policy.PoolTargets {
	return policy.PoolTargets{Min: 50, Max: 500, Utilisation: 0.7, Lag: 30 * time.Second}
}

func TestSteps(t *testing.T) {
	for _, tt := range []struct {
		depth   float64
		workers int
		want    int
	}{
		{0, 100, 70},
		{999, 55, 38},
		{0, 20, 20},
		{1_000, 100, 100}, // neither high nor low
		{10_000, 100, 100},
		{10_001, 50, 100},
		{24_999, 50, 249},
		{1e9, 50, 500}, // the maximum
	} {
		if got := policy.Steps(policy.Pool{Depth: tt.depth, Workers: tt.workers}, email()); got != tt.want {
			t.Errorf("at depth %v with %d workers it wishes %d, want %d", tt.depth, tt.workers, got, tt.want)
		}
	}
}

func TestDrain(t *testing.T) {
	for _, tt := range []struct {
		depth, throughput float64
		want              int
	}{
		{0, 0, 50}, // the minimum
		{999, 900, 90},
		{0, 15_000, 1_500}, // beyond the maximum, which the rule forgets here
		{1_000, 900, 77},   // neither high nor low
		{5_000, 900, 77},
		{6_000, 900, 10},
		{60_000, 900, 100},
		{1e9, 900, 500}, // the maximum
	} {
		p := policy.Pool{Depth: tt.depth, Throughput: tt.throughput, Workers: 77}
		if got := policy.Drain(p, email()); got != tt.want {
			t.Errorf("at depth %v and %v/s it wishes %d, want %d", tt.depth, tt.throughput, got, tt.want)
		}
	}
}

// The two simple rules are kept with their faults, so that a run shows them.
func TestSimplePoliciesTakeWorkersFromABusyPool(t *testing.T) {
	loaded := policy.Pool{Depth: 6_000, Arrivals: 2_000, Throughput: 2_000, Workers: 200, Rate: 10}
	if got := policy.Drain(loaded, email()); got != 10 || got >= email().Min {
		t.Errorf("drain wishes %d workers at a depth of 6,000, want 10, below the minimum of %d", got, email().Min)
	}
	loaded.Depth = 500
	if got := policy.Steps(loaded, email()); got != 140 {
		t.Errorf("steps wishes %d of 200 workers that just keep up, want 140", got)
	}
	idle := policy.Pool{Workers: email().Min}
	for range 10 {
		idle.Workers = policy.Steps(idle, email())
	}
	if idle.Workers != 20 {
		t.Errorf("steps leaves an idle pool %d workers, want 20 of a minimum of %d", idle.Workers, email().Min)
	}
	if got := policy.Arrivals(loaded, email()); got < 286 {
		t.Errorf("arrivals wishes %d workers, and 2,000/s at 10/s each need 286 at 70 %%", got)
	}
}

func TestArrivals(t *testing.T) {
	for _, tt := range []struct {
		name string
		pool policy.Pool
		want int
	}{
		{"idle", policy.Pool{Workers: 500, Rate: 10}, 50},
		// 700 / 0.7 / 10 = 100.
		{"arrivals alone", policy.Pool{Arrivals: 700, Workers: 50, Rate: 10}, 100},
		// 6,000 / 30 s = 200/s more: 1,200 / 10 = 120.
		{"and a backlog", policy.Pool{Arrivals: 700, Depth: 6_000, Workers: 50, Rate: 10}, 120},
		{"a batch rate", policy.Pool{Arrivals: 15_000, Workers: 50, Rate: 500}, 50},
		{"more than the maximum", policy.Pool{Arrivals: 15_000, Workers: 500, Rate: 10}, 2_143},
		{"a tenth to spare", policy.Pool{Arrivals: 700, Workers: 111, Rate: 10}, 111},
		{"more to spare", policy.Pool{Arrivals: 700, Workers: 112, Rate: 10}, 100},
		{"nothing measured", policy.Pool{Arrivals: 700, Workers: 77}, 77},
		{"nothing measured, nothing there", policy.Pool{Arrivals: 700}, 50},
		{"beyond counting", policy.Pool{Arrivals: 1e300, Workers: 1, Rate: 1e-300}, math.MaxInt32},
	} {
		if got := policy.Arrivals(tt.pool, email()); got != tt.want {
			t.Errorf("%s: wishes %d, want %d", tt.name, got, tt.want)
		}
	}
}

// drawTargets draws what a pool is held to.
func drawTargets(t *rapid.T) policy.PoolTargets {
	low := rapid.IntRange(0, 1_000).Draw(t, "min")
	return policy.PoolTargets{
		Min: low, Max: low + rapid.IntRange(0, 10_000).Draw(t, "more"),
		Utilisation: rapid.Float64Range(0.05, 1).Draw(t, "utilisation"),
		Lag:         time.Duration(rapid.Int64Range(int64(time.Second), int64(time.Hour)).Draw(t, "lag")),
	}
}

// drawPool draws a pool that measured the rate of its workers.
func drawPool(t *rapid.T) policy.Pool {
	return policy.Pool{
		Depth:      rapid.Float64Range(0, 1e7).Draw(t, "depth"),
		Arrivals:   rapid.Float64Range(0, 1e5).Draw(t, "arrivals"),
		Throughput: rapid.Float64Range(0, 1e5).Draw(t, "throughput"),
		Workers:    rapid.IntRange(0, 20_000).Draw(t, "workers"),
		Rate:       rapid.Float64Range(0.1, 5_000).Draw(t, "rate"),
	}
}

func TestArrivalsNeverWishesLessThanArrivalsNeed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, targets := drawPool(t), drawTargets(t)
		wish := policy.Arrivals(p, targets)
		if carried := float64(wish) * p.Rate * targets.Utilisation; carried < p.Arrivals*(1-1e-9) {
			t.Fatalf("%d workers carry %v/s at the target, %v/s arrive", wish, carried, p.Arrivals)
		}
		if wish < targets.Min {
			t.Fatalf("wishes %d, the minimum is %d", wish, targets.Min)
		}
	})
}

// While nothing changes but the workers, the first wish is the last.
func TestArrivalsDoesNotOscillateOnConstantInput(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, targets := drawPool(t), drawTargets(t)
		p.Workers = policy.Arrivals(p, targets)
		for range 5 {
			if again := policy.Arrivals(p, targets); again != p.Workers {
				t.Fatalf("wishes %d workers, then %d", p.Workers, again)
			}
		}
	})
}

// In a pool that grants its wishes, a backlog under constant arrivals is drained
// to less than what arrives in a second, and the workers only ever fall meanwhile.
func TestArrivalsDrainsABacklogWithoutSwinging(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, targets := drawPool(t), drawTargets(t)
		p.Workers = policy.Arrivals(p, targets)
		for range 40 * int(targets.Lag/time.Second+1) {
			p.Depth = max(0, p.Depth+p.Arrivals-float64(p.Workers)*p.Rate)
			wish := policy.Arrivals(p, targets)
			if wish > p.Workers {
				t.Fatalf("wishes %d workers after %d, with %v left", wish, p.Workers, p.Depth)
			}
			p.Workers = wish
		}
		if p.Depth > p.Arrivals+1 {
			t.Fatalf("%v still wait", p.Depth)
		}
	})
}

func TestWorkerPolicyNames(t *testing.T) {
	for _, name := range policy.WorkerPolicyNames() {
		if found, ok := policy.WorkerPolicyNamed(name); !ok || found == nil {
			t.Errorf("there is no policy called %s", name)
		}
	}
	if _, ok := policy.WorkerPolicyNamed("guess"); ok {
		t.Error("an unknown policy was found")
	}
}

func TestClamp(t *testing.T) {
	for wish, want := range map[int]int{0: 50, 10: 50, 50: 50, 200: 200, 501: 500} {
		if got := email().Clamp(wish); got != want {
			t.Errorf("a wish of %d is granted as %d, want %d", wish, got, want)
		}
	}
}
