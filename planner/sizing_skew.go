package planner

import (
	"math"

	"github.com/notifyctl/notifyctl/planner/hitratio"
	"github.com/notifyctl/notifyctl/planner/units"
)

// Where some users are read more often than others, the hit ratios are those of
// a population by Zipf's law. They are figures of the rate of all users, and not
// of one user's: with the rate given, more users always are worse for a cache.

// The populations that hit ratios are known for. Beyond them nothing changes:
// with a skew of 4 the first user makes 92 % of the reads.
const (
	mostUsersOfZipf = 1e15
	steepestSkew    = 4
	mostReads       = 1e15 // of one user, in a time to live
)

// skewedLocalHits is [atRate.localHits] of a population with a skew.
func (at atRate) skewedLocalHits(fleet Input) Figure {
	f := at.localHits(fleet)
	f.Formula = "1 - (1 - zipf(workload.users, workload.user_skew, " + at.rate +
		" / workload.burst / " + fleet.ID + " x preferences.l1.ttl)) / workload.burst"
	f.Inputs = []Input{
		figure(at.rate), key("workload.users").falling(), key("workload.user_skew"), key("workload.burst"),
		fleet.falling(), key("preferences.l1.ttl"),
	}
	f.Compute = func(in []float64) float64 { return skewedHits(in[0]/in[4]*in[5], in[1], in[2], in[3]) }
	return f
}

// skewedSharedHits is [atRate.sharedHits] of a population with a skew.
func (at atRate) skewedSharedHits() Figure {
	f := at.sharedHits()
	f.Formula = "1 - (1 - zipf(workload.users, workload.user_skew, " + at.rate +
		" / workload.burst x preferences.l2.ttl)) / workload.burst"
	f.Inputs = []Input{
		figure(at.rate), key("workload.users").falling(), key("workload.user_skew"), key("workload.burst"),
		key("preferences.l2.ttl"),
	}
	f.Compute = func(in []float64) float64 { return skewedHits(in[0]*in[4], in[1], in[2], in[3]) }
	return f
}

// skewedHeldHits is one of [heldHits] of a population with a skew: the users
// who were read last, by Che's approximation.
func skewedHeldHits(id, title, entries string) Figure {
	return Figure{
		ID: id, Title: title, Unit: units.Ratio, Safe: Low,
		Formula: "1 - (1 - lru(workload.users, workload.user_skew, " + entries + ")) / workload.burst",
		Inputs:  []Input{key(entries), key("workload.users").falling(), key("workload.user_skew"), key("workload.burst")},
		Compute: func(in []float64) float64 {
			return withBursts(hitsOf(in[1], in[2], 1, hitratio.Cache{Entries: in[0], TTL: math.Inf(1)}), in[3])
		},
	}
}

// skewedHits gives the share of reads that a cache answers in whose time to live
// so many reads of all users come, in bursts.
func skewedHits(reads, users, skew, burst float64) float64 {
	burst = max(burst, 1)
	each := min(reads/burst/zipfUsers(users), mostReads)
	return withBursts(hitsOf(users, skew, each, hitratio.Cache{Entries: math.Inf(1), TTL: 1}), burst)
}

// zipfUsers gives the number of a population's users.
func zipfUsers(users float64) float64 { return min(max(math.Round(users), 1), mostUsersOfZipf) }

// hitsOf gives the share of a population's reads that a cache answers, where a
// user is read at a mean rate.
func hitsOf(users, skew, rate float64, cache hitratio.Cache) float64 {
	population, err := hitratio.NewPopulation(zipfUsers(users), min(max(skew, 0), steepestSkew))
	if err != nil {
		panic("BUG: planner: " + err.Error())
	}
	hits, err := population.Hits(rate, cache)
	if err != nil {
		panic("BUG: planner: " + err.Error())
	}
	return hits
}
