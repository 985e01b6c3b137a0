package preference_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/preference"
)

// The routing is a promise to other programs and to files on disk: the vectors
// are xxhash64's published ones, seed 0.
func TestRouterIsXXHash64Modulo(t *testing.T) {
	for user, hash := range map[string]uint64{"": 0xef46db3751d8e999, "a": 0xd24ec4f1a98c6e5b, "abc": 0x44bc2cf5ad770999} {
		for _, shards := range []int{1, 2, 3, 10, 100} {
			if got := preference.NewRouter(modulo(shards)).Shard(user); got != int(hash%uint64(shards)) {
				t.Errorf("%q over %d: shard %d, want %d", user, shards, got, hash%uint64(shards))
			}
		}
	}
}

func TestRouterStaysInRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shards := rapid.IntRange(1, pipeline.MaxShards).Draw(t, "shards")
		sharding := rapid.SampledFrom([]pipeline.Sharding{pipeline.Modulo, pipeline.JumpHash}).Draw(t, "sharding")
		user := rapid.String().Draw(t, "user")
		r := preference.NewRouter(pipeline.Placement{Shards: shards, Sharding: sharding})
		if got := r.Shard(user); got < 0 || got >= shards || got != r.Shard(user) || r.Shards() != shards {
			t.Fatalf("shard %d of %d", got, shards)
		}
	})
}

// A user moves to a new shard or stays: that is what jump hash is for.
func TestJumpHashMovesToNewShardsAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.IntRange(1, 200).Draw(t, "from")
		to := from + rapid.IntRange(1, 50).Draw(t, "more")
		user := rapid.String().Draw(t, "user")
		before, after := preference.NewRouter(jumpHash(from)).Shard(user), preference.NewRouter(jumpHash(to)).Shard(user)
		if after != before && after < from {
			t.Fatalf("from %d to %d shards, it moved from shard %d to %d", from, to, before, after)
		}
	})
}

// The share of users that move: 1 - N/M by jump hash; by the modulo, all but
// those whose hash is below N in their period of the least common multiple.
func TestSharesThatMove(t *testing.T) {
	const users = 100_000
	for _, c := range []struct {
		from, to pipeline.Placement
		want     float64
	}{
		{jumpHash(10), jumpHash(16), 0.375},
		{jumpHash(10), jumpHash(11), 1.0 / 11},
		{modulo(10), modulo(16), 1 - 10.0/80},
		{modulo(10), modulo(20), 0.5},
	} {
		from, to, moved := preference.NewRouter(c.from), preference.NewRouter(c.to), 0
		for i := range users {
			if user := fmt.Sprintf("user-%08d", i); from.Shard(user) != to.Shard(user) {
				moved++
			}
		}
		if share := float64(moved) / users; share < c.want-0.01 || share > c.want+0.01 {
			t.Errorf("from %+v to %+v, %.4f of the users move, want %.4f", c.from, c.to, share, c.want)
		}
	}
}

// Sequential ids, the common kind, spread evenly: 100,000 over 10 shards give
// 10,000 each with a deviation of 95, so 5 % is five of them.
func TestRouterSpreadsEvenly(t *testing.T) {
	for _, p := range []pipeline.Placement{modulo(10), jumpHash(10)} {
		r := preference.NewRouter(p)
		var counts [10]int
		for i := range 100_000 {
			counts[r.Shard(fmt.Sprintf("user-%08d", i))]++
		}
		for shard, n := range counts {
			if n < 9_500 || n > 10_500 {
				t.Errorf("%v: shard %d has %d of 100000 users", p.Sharding, shard, n)
			}
		}
	}
}
