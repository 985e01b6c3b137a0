package preference_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

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
		shards := rapid.IntRange(1, 1000).Draw(t, "shards")
		user := rapid.String().Draw(t, "user")
		r := preference.NewRouter(modulo(shards))
		if got := r.Shard(user); got < 0 || got >= shards || got != r.Shard(user) || r.Shards() != shards {
			t.Fatalf("shard %d of %d", got, shards)
		}
	})
}

// Sequential ids, the common kind, spread evenly: 100,000 over 10 shards give
// 10,000 each with a deviation of 95, so 5 % is five of them.
func TestRouterSpreadsEvenly(t *testing.T) {
	r := preference.NewRouter(modulo(10))
	var counts [10]int
	for i := range 100_000 {
		counts[r.Shard(fmt.Sprintf("user-%08d", i))]++
	}
	for shard, n := range counts {
		if n < 9_500 || n > 10_500 {
			t.Errorf("shard %d has %d of 100000 users", shard, n)
		}
	}
}
