package preference

import (
	"fmt"

	"github.com/cespare/xxhash/v2"
)

// Router says which shard a user is on: the hash of the user id (xxhash64 of
// its UTF-8 bytes) modulo the number of shards. Other programs that read the
// shards can compute it alike.
type Router struct{ shards uint64 }

// NewRouter routes over a number of shards, at least 1.
func NewRouter(shards int) Router {
	if shards < 1 {
		panic(fmt.Sprintf("BUG: a router over %d shards", shards))
	}
	return Router{uint64(shards)}
}

// Shard is the index of a user's shard.
func (r Router) Shard(user string) int { return int(xxhash.Sum64String(user) % r.shards) }

// Shards is the number of shards.
func (r Router) Shards() int { return int(r.shards) }
