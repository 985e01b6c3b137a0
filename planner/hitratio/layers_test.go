package hitratio_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/planner/hitratio"
)

// The reference's caches: 60 s in each of 50 instances, 300 s in Redis.
func TestLayersOfTheReference(t *testing.T) {
	population := must(hitratio.NewPopulation(1e8, 0))(t)
	layers := hitratio.Layers{
		Instances: 50,
		L1:        hitratio.Cache{Entries: 10_000, TTL: 60},
		L2:        hitratio.Cache{Entries: 2e7, TTL: 300},
	}
	for _, tt := range []struct {
		rate, reads    float64 // of a user, and of all
		l1, l2, origin float64 // the last in reads a second
	}{
		{average, 1e9 / 86_400, .0001, .0336, 11_200},
		{design, 50_000, .0001, .130, 43_500},
	} {
		s := must(population.Layers(tt.rate, layers))(t)
		if s.L1 > 1.39e-4*tt.rate/average || math.Abs(s.L2-tt.l2) > 5e-4 || math.Abs(s.Origin*tt.reads-tt.origin) > tt.origin*2e-3 {
			t.Errorf("%+v: %v reads/s, want %+v", s, s.Origin*tt.reads, tt)
		}
	}
	// Were there room for all that a minute brings, the time to live alone
	// would bound the first layer.
	layers.L1.Entries = math.Inf(1)
	if s := must(population.Layers(average, layers))(t); math.Abs(s.L1-1.39e-4) > 5e-7 {
		t.Errorf("%v hit in the first layer, want 0.0139 %%", s.L1)
	}
}

func TestLayersProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		users := math.Exp(rapid.Float64Range(0, 25).Draw(t, "log users"))
		skew := rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(0, 2.5)).Draw(t, "skew")
		rate := math.Exp(rapid.Float64Range(-20, 5).Draw(t, "log rate"))
		more := rapid.Float64Range(1, 3).Draw(t, "growth")
		population, err := hitratio.NewPopulation(users, skew)
		check(t, err)
		layers := hitratio.Layers{Instances: rapid.IntRange(1, 200).Draw(t, "instances"), L1: caches(t, users, rate), L2: caches(t, users, rate)}
		shares := func(rate float64, layers hitratio.Layers) hitratio.Shares {
			s, err := population.Layers(rate, layers)
			check(t, err)
			if !(s.L1 >= 0 && s.L2 >= 0 && s.Origin >= 0) || math.Abs(s.L1+s.L2+s.Origin-1) > 1e-9 {
				t.Fatalf("%+v do not share the reads out", s)
			}
			return s
		}
		const rounding = 1e-6
		here := shares(rate, layers)
		alone, err := population.Hits(rate/float64(layers.Instances), layers.L1)
		check(t, err)
		if math.Abs(here.L1-alone) > rounding {
			t.Fatalf("%v hit in the first layer, %v in it alone", here.L1, alone)
		}
		if got := shares(rate*more, layers); got.L1 < here.L1-rounding {
			t.Fatalf("%+v turn into %+v with the rate", here, got)
		}
		roomy := layers
		roomy.L2.Entries *= more
		roomy.L2.TTL *= more
		if got := shares(rate, roomy); got.L2 < here.L2-rounding {
			t.Fatalf("%+v turn into %+v with a larger second layer", here, got)
		}
		without := layers
		without.L1.Entries = 0
		behind, err := population.Hits(rate, layers.L2)
		check(t, err)
		if got := shares(rate, without); got.L1 != 0 || math.Abs(got.L2-behind) > rounding {
			t.Fatalf("%+v without a first layer, want %v", got, behind)
		}
	})
}

func TestLayersRefuses(t *testing.T) {
	population := must(hitratio.NewPopulation(100, 1))(t)
	fine := hitratio.Layers{Instances: 1, L1: hitratio.Cache{Entries: 1, TTL: 1}, L2: hitratio.Cache{Entries: 1, TTL: 1}}
	for name, spoil := range map[string]func(*hitratio.Layers){
		"instances": func(l *hitratio.Layers) { l.Instances = 0 },
		"L1":        func(l *hitratio.Layers) { l.L1.TTL = math.NaN() },
		"L2":        func(l *hitratio.Layers) { l.L2.Entries = -1 },
	} {
		bad := fine
		spoil(&bad)
		if s, err := population.Layers(1, bad); err == nil {
			t.Errorf("wrong %s give %+v", name, s)
		}
	}
	if s, err := population.Layers(math.NaN(), fine); err == nil {
		t.Errorf("a rate of NaN gives %+v", s)
	}
	if s, err := population.Layers(0, fine); err != nil || s.Origin != 1 {
		t.Errorf("nothing is read, and %+v (%v) hit", s, err)
	}
}

func BenchmarkLayers(b *testing.B) {
	layers := hitratio.Layers{
		Instances: 50,
		L1:        hitratio.Cache{Entries: 10_000, TTL: 60},
		L2:        hitratio.Cache{Entries: 2e7, TTL: 300},
	}
	for name, skew := range map[string]float64{"equal": 0, "skewed": 1} {
		population := must(hitratio.NewPopulation(1e8, skew))(b)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := population.Layers(average, layers); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
