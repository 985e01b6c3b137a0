package preference

import (
	"github.com/cespare/xxhash/v2"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Router says which shard a user is on, by the hash of the user id (xxhash64 of
// its UTF-8 bytes). Other programs that read the shards can compute it alike.
type Router struct{ placement pipeline.Placement }

// NewRouter routes by a placement over at least one shard.
func NewRouter(p pipeline.Placement) Router {
	if err := p.Check(); err != nil {
		panic("BUG: a router: " + err.Error())
	}
	return Router{p}
}

// Shard is the index of a user's shard.
func (r Router) Shard(user string) int {
	hash := xxhash.Sum64String(user)
	if r.placement.Sharding == pipeline.JumpHash {
		return jump(hash, r.placement.Shards)
	}
	return int(hash % uint64(r.placement.Shards))
}

// Shards is the number of shards.
func (r Router) Shards() int { return r.placement.Shards }

// jump is the jump consistent hash of Lamping and Veach, "A Fast, Minimal
// Memory, Consistent Hash Algorithm" (2014): it follows the key through the
// numbers of buckets at which it moves, until the next is too many.
func jump(key uint64, buckets int) int {
	bucket, next := int64(-1), int64(0)
	for next < int64(buckets) {
		bucket = next
		key = key*2862933555777941757 + 1
		next = int64(float64(bucket+1) * (float64(1<<31) / float64(key>>33+1)))
	}
	return int(bucket)
}
