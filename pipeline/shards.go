package pipeline

import (
	"context"
	"fmt"
)

// MaxShards is the most shards that the preferences are divided over.
const MaxShards = 256

// Sharding is a rule by which users are divided over shards. Both hash the user
// id by xxhash64.
type Sharding uint8

// The rules. The zero value is none.
const (
	Modulo   Sharding = iota + 1 // the hash modulo the number of shards
	JumpHash                     // jump consistent hash of it: from N to M > N shards, 1 - N/M of the users move
)

// String gives the rule's name in plans and files.
func (s Sharding) String() string {
	switch s {
	case Modulo:
		return "modulo"
	case JumpHash:
		return "jump"
	}
	return fmt.Sprintf("sharding(%d)", uint8(s))
}

// ParseSharding is the inverse of [Sharding.String].
func ParseSharding(s string) (Sharding, bool) {
	switch s {
	case "modulo":
		return Modulo, true
	case "jump":
		return JumpHash, true
	}
	return 0, false
}

// Placement says where users are.
type Placement struct {
	Shards   int // 1 to [MaxShards]
	Sharding Sharding
}

// Check says what is wrong with a placement.
func (p Placement) Check() error {
	if p.Shards < 1 || p.Shards > MaxShards {
		return fmt.Errorf("%d shards of the preferences: want 1 to %d", p.Shards, MaxShards)
	}
	if p.Sharding != Modulo && p.Sharding != JumpHash {
		return fmt.Errorf("users are divided by %v: want modulo or jump", p.Sharding)
	}
	return nil
}

// ShardLayout is how the shards stand, in the middle of a move to another
// placement too.
type ShardLayout struct {
	Placement // where users are read and written
	// Next is where they are being copied to, or zero. What lies there already
	// counts for nothing.
	Next Placement
	// Leftover is how many shards may hold rows of users who are placed
	// elsewhere, or 0 when none does. Such rows count for nothing.
	Leftover int
}

// Highest is how many shards may exist.
func (l ShardLayout) Highest() int { return max(l.Shards, l.Next.Shards, l.Leftover) }

// PreferenceShards opens the shards of the preferences, and remembers how users
// are divided over them. Within a process it has one user at a time.
type PreferenceShards interface {
	// Layout gives the layout that was set last; where there are no preferences
	// yet, it sets and gives one of the placement.
	Layout(ctx context.Context, initial Placement) (ShardLayout, error)
	// SetLayout returns when the layout is durable. After an error it may be
	// either, and it may be repeated. Errors: a *ShardsError, when there is no
	// room for so many; then nothing was set.
	SetLayout(ctx context.Context, l ShardLayout) error
	// Alone makes sure that no other process uses the shards, and keeps them out
	// until release. held ends with ctx, and when that cannot be vouched for any
	// more. Errors: ErrShardsInUse, ErrUnavailable.
	Alone(ctx context.Context) (held context.Context, release func(), err error)
	// Open opens a shard, counted from 0, and makes it if there is none. Whoever
	// opens it closes it.
	Open(ctx context.Context, shard int) (PreferenceStore, error)
	// Remove deletes a shard that is closed, with all that it holds, or that
	// does not exist.
	Remove(ctx context.Context, shard int) error
	Close() error
}
