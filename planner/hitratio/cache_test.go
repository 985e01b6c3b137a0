package hitratio_test

import (
	"container/list"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/planner/hitratio"
)

// exactTTL is the share of hits, user by user.
func exactTTL(rates []float64, reads float64) float64 {
	hits := 0.0
	for _, r := range rates {
		hits += r * r * reads / (1 + r*reads)
	}
	return hits / float64(len(rates))
}

// exactLRU is Che's approximation, user by user: how many entries are read
// again within a characteristic time, and the share of hits.
func exactLRU(rates []float64, characteristic float64) (entries, hits float64) {
	for _, r := range rates {
		h := -math.Expm1(-r * characteristic)
		entries += h
		hits += r * h
	}
	return entries, hits / float64(len(rates))
}

func TestHitsAgainstTheExactSum(t *testing.T) {
	sizes := []int{2, 16, 17, 100, 10_000, 1_000_000}
	if testing.Short() {
		sizes = sizes[:5]
	}
	unbounded := math.Inf(1)
	for _, users := range sizes {
		for _, skew := range skews {
			population := must(hitratio.NewPopulation(float64(users), skew))(t)
			rates := zipf(users, skew)
			for _, reads := range []float64{1e-6, 1e-3, .1, 1, 30, 1e4} { // in a time to live
				got := must(population.Hits(.5, hitratio.Cache{Entries: unbounded, TTL: reads / .5}))(t)
				if want := exactTTL(rates, reads); math.Abs(got-want) > 1e-3*want {
					t.Errorf("%d users, skew %v, %v reads each: %v, want %v", users, skew, reads, got, want)
				}
			}
			for _, time := range []float64{1e-6, 1e-3, .1, 1, 30, 1e4} {
				entries, want := exactLRU(rates, time)
				got := must(population.Hits(7, hitratio.Cache{Entries: entries, TTL: unbounded}))(t)
				if math.Abs(got-want) > 1e-3*want {
					t.Errorf("%d users, skew %v, room for %v: %v, want %v", users, skew, entries, got, want)
				}
			}
		}
	}
}

// With equal users a cache of the least recently used hits as often as they
// are in it, and no cache does better.
func TestHitsOfEqualUsers(t *testing.T) {
	population := must(hitratio.NewPopulation(1e8, 0))(t)
	for _, tt := range []struct {
		name  string
		rate  float64
		cache hitratio.Cache
		want  float64
	}{
		{"room for a fifth", average, hitratio.Cache{Entries: 2e7, TTL: math.Inf(1)}, .2},
		{"room for all", average, hitratio.Cache{Entries: 1e8, TTL: math.Inf(1)}, 1},
		{"room for more", average, hitratio.Cache{Entries: math.Inf(1), TTL: math.Inf(1)}, 1},
		{"no room", average, hitratio.Cache{Entries: 0, TTL: 300}, 0},
		{"no time", average, hitratio.Cache{Entries: 2e7, TTL: 0}, 0},
		{"never read", 0, hitratio.Cache{Entries: math.Inf(1), TTL: math.Inf(1)}, 0},
		{"five minutes", average, hitratio.Cache{Entries: math.Inf(1), TTL: 300}, average * 300 / (1 + average*300)},
		{"five minutes, and room enough", average, hitratio.Cache{Entries: 2e7, TTL: 300}, average * 300 / (1 + average*300)},
		{"two days, and too little room", average, hitratio.Cache{Entries: 2e7, TTL: 45.6 * 3600}, .2},
	} {
		got := must(population.Hits(tt.rate, tt.cache))(t)
		if math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// played is the share of hits of a cache that is played out, read by read.
func played(users int, skew float64, entries int, ttl float64, random *rand.Rand) float64 {
	type entry struct {
		user   int
		filled float64
	}
	rates := zipf(users, skew)
	upTo := make([]float64, users) // of the rates
	total := 0.0
	for i, r := range rates {
		total += r
		upTo[i] = total
	}
	recent, inside := list.New(), make(map[int]*list.Element)
	drop := func(e *list.Element) {
		recent.Remove(e)
		delete(inside, e.Value.(entry).user)
	}
	const warm, reads = 50_000, 250_000
	now, hits := 0.0, 0
	fills := list.New() // in order, so that what has ended leaves at once
	for i := range warm + reads {
		now += random.ExpFloat64() / float64(users) // each reads at rate 1 on average
		for f := fills.Front(); f != nil && now-f.Value.(entry).filled > ttl; f = fills.Front() {
			fill := fills.Remove(f).(entry)
			if e, ok := inside[fill.user]; ok && e.Value.(entry) == fill {
				drop(e)
			}
		}
		user := min(sort.SearchFloat64s(upTo, random.Float64()*total), users-1)
		if e, ok := inside[user]; ok {
			recent.MoveToFront(e)
			if i >= warm {
				hits++
			}
			continue
		}
		if recent.Len() == entries {
			drop(recent.Back())
		}
		fill := entry{user, now}
		inside[user] = recent.PushFront(fill)
		fills.PushBack(fill)
	}
	return float64(hits) / reads
}

// Either bound alone, and both together from where the first decides to where
// the second does.
func TestHitsAgainstSimulation(t *testing.T) {
	if testing.Short() {
		t.Skip("plays out 300,000 reads for each case")
	}
	const users = 2000
	random := rand.New(rand.NewPCG(5, 6))
	for _, skew := range []float64{0, .8, 1.2} {
		population := must(hitratio.NewPopulation(users, skew))(t)
		for _, tt := range []struct {
			entries int
			ttl     float64
		}{
			{200, math.Inf(1)}, {users, 1}, {200, .05}, {200, .3}, {200, 1}, {200, 5}, {1000, 2}, {1000, 5},
		} {
			t.Run(fmt.Sprint(skew, tt), func(t *testing.T) {
				got := must(population.Hits(1, hitratio.Cache{Entries: float64(tt.entries), TTL: tt.ttl}))(t)
				want := played(users, skew, tt.entries, tt.ttl, random)
				if math.Abs(got-want) > .01 {
					t.Errorf("%v, played %v", got, want)
				}
			})
		}
	}
}

// caches draws caches of a population, with either bound, both or none.
func caches(t *rapid.T, users, rate float64) hitratio.Cache {
	return hitratio.Cache{
		Entries: rapid.OneOf(rapid.Just(math.Inf(1)), rapid.Just(0.0), rapid.Float64Range(0, users)).Draw(t, "entries"),
		TTL:     rapid.OneOf(rapid.Just(math.Inf(1)), rapid.Just(0.0), rapid.Float64Range(0, 1000/rate)).Draw(t, "ttl"),
	}
}

func TestHitsProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		users := math.Exp(rapid.Float64Range(0, 25).Draw(t, "log users"))
		skew := rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(0, 2.5)).Draw(t, "skew")
		rate := math.Exp(rapid.Float64Range(-20, 5).Draw(t, "log rate"))
		more := rapid.Float64Range(1, 3).Draw(t, "growth")
		population, err := hitratio.NewPopulation(users, skew)
		check(t, err)
		cache := caches(t, users, rate)
		hits := func(p hitratio.Population, rate float64, cache hitratio.Cache) float64 {
			h, err := p.Hits(rate, cache)
			check(t, err)
			if !(h >= 0 && h <= 1) {
				t.Fatalf("a ratio of %v", h)
			}
			return h
		}
		const rounding = 1e-6
		h := hits(population, rate, cache)
		if got := hits(population, rate*more, cache); got < h-rounding {
			t.Fatalf("%v falls to %v with the rate", h, got)
		}
		if got := hits(population, rate, hitratio.Cache{Entries: cache.Entries * more, TTL: cache.TTL}); got < h-rounding {
			t.Fatalf("%v falls to %v with the entries", h, got)
		}
		if got := hits(population, rate, hitratio.Cache{Entries: cache.Entries, TTL: cache.TTL * more}); got < h-rounding {
			t.Fatalf("%v falls to %v with the time to live", h, got)
		}
		if pinned, err := population.Pinned(cache.Entries); err != nil || h > pinned*(1+1e-3)+rounding {
			t.Fatalf("%v, and the best of this size has %v (%v)", h, pinned, err)
		}
		steeper, err := hitratio.NewPopulation(users, skew+.1)
		check(t, err)
		if got := hits(steeper, rate, cache); got < h*(1-1e-3) {
			t.Fatalf("%v falls to %v with the skew", h, got)
		}
	})
}

// Reads that are spread over more users, or more evenly, hit less, whatever the
// difference: bounds of ranges are taken on it.
func TestHitsOfPopulationsAreInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		users := math.Exp(rapid.Float64Range(0, 29).Draw(t, "log users"))
		skew := rapid.Float64Range(1e-3, 3).Draw(t, "skew")
		reads := math.Exp(rapid.Float64Range(-10, 30).Draw(t, "log reads"))
		hits := func(users, skew float64) float64 {
			p, err := hitratio.NewPopulation(users, skew)
			check(t, err)
			h, err := p.Hits(reads/p.Users(), hitratio.Cache{Entries: math.Inf(1), TTL: 1})
			check(t, err)
			return h
		}
		const rounding = 1e-12
		h := hits(users, skew)
		more := 1 + math.Exp(rapid.Float64Range(-10, 5).Draw(t, "log growth"))
		if got := hits(users*more, skew); got > h*(1+rounding) {
			t.Fatalf("%v rises to %v with the users", h, got)
		}
		if got := hits(users, math.Min(4, skew*more)); got < h*(1-rounding) {
			t.Fatalf("%v falls to %v with the skew", h, got)
		}
	})
}

func TestHitsRefuses(t *testing.T) {
	population := must(hitratio.NewPopulation(100, 1))(t)
	for _, bad := range []float64{math.NaN(), -1} {
		if _, err := population.Hits(bad, hitratio.Cache{Entries: 1, TTL: 1}); err == nil {
			t.Errorf("a rate of %v is accepted", bad)
		}
		if _, err := population.Hits(1, hitratio.Cache{Entries: bad, TTL: 1}); err == nil {
			t.Errorf("%v entries are accepted", bad)
		}
		if _, err := population.Hits(1, hitratio.Cache{Entries: 1, TTL: bad}); err == nil {
			t.Errorf("a time to live of %v is accepted", bad)
		}
	}
	if _, err := population.Hits(math.Inf(1), hitratio.Cache{}); err == nil {
		t.Error("an infinite rate is accepted")
	}
}

func BenchmarkHits(b *testing.B) {
	for _, skew := range []float64{0, .8, 1, 2} {
		population := must(hitratio.NewPopulation(1e9, skew))(b)
		for name, cache := range map[string]hitratio.Cache{
			"ttl":  {Entries: math.Inf(1), TTL: 300},
			"lru":  {Entries: 1e7, TTL: math.Inf(1)},
			"both": {Entries: 1e7, TTL: 3600},
		} {
			b.Run(fmt.Sprintf("skew=%v/%s", skew, name), func(b *testing.B) {
				for b.Loop() {
					if _, err := population.Hits(average, cache); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
