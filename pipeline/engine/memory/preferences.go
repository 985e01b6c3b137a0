package memory

import (
	"context"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/notifyctl/notifyctl/pipeline"
)

const (
	// preferenceOverhead is what an entry costs beside its texts, in bytes: the
	// preference, the key, and the cache's own node and table slot (measured:
	// 215).
	preferenceOverhead = 224
	// tombstoneTTL is how long a key that was forgotten keeps older values out.
	// A read that was under way is over by then.
	tombstoneTTL = 10 * time.Second
)

// Preferences is a cache of preferences, bounded in time and bytes. What it
// holds and gives is shared and must not be changed. It is safe for concurrent
// use, also by several services.
type Preferences struct {
	cache *otter.Cache[pipeline.PreferenceKey, held]
}

// held is a preference, or the tombstone of one: nil, and the version below
// which nothing is taken in.
type held struct {
	preference *pipeline.Preference
	version    int64
}

// NewPreferences makes a cache that keeps preferences for ttl, and about so many
// bytes of them.
func NewPreferences(ttl time.Duration, maxBytes uint64) *Preferences {
	return &Preferences{otter.Must(&otter.Options[pipeline.PreferenceKey, held]{
		MaximumWeight: maxBytes,
		Weigher:       weigh,
		ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[pipeline.PreferenceKey, held]) time.Duration {
			if e.Value.preference == nil {
				return min(ttl, tombstoneTTL)
			}
			return ttl
		}),
	})}
}

func weigh(key pipeline.PreferenceKey, h held) uint32 {
	n := preferenceOverhead + len(key.UserID)
	if h.preference != nil {
		for _, a := range h.preference.Addresses {
			n += 16 + len(a)
		}
	}
	return uint32(n)
}

// Get sets found[i] for each keys[i] that is cached. It never fails.
func (c *Preferences) Get(_ context.Context, keys []pipeline.PreferenceKey, found []*pipeline.Preference) error {
	for i, key := range keys {
		if h, ok := c.cache.GetIfPresent(key); ok && h.preference != nil {
			found[i] = h.preference
		}
	}
	return nil
}

// Set caches preferences, but none in place of a newer version. It never fails.
func (c *Preferences) Set(_ context.Context, preferences []*pipeline.Preference) error {
	for _, p := range preferences {
		c.put(p.PreferenceKey, held{p, p.Version})
	}
	return nil
}

// Invalidate forgets keys, and for 10 s keeps out what is older than a version.
// It never fails.
func (c *Preferences) Invalidate(_ context.Context, keys []pipeline.PreferenceKey, version int64) error {
	for _, key := range keys {
		c.put(key, held{nil, version})
	}
	return nil
}

func (c *Preferences) put(key pipeline.PreferenceKey, h held) {
	c.cache.Compute(key, func(old held, found bool) (held, otter.ComputeOp) {
		if found && old.version > h.version {
			return old, otter.CancelOp
		}
		return h, otter.WriteOp
	})
}

// Entries is how many keys are held.
func (c *Preferences) Entries() int { return c.cache.EstimatedSize() }

// Close ends the cache's upkeep. It must not be used after it.
func (c *Preferences) Close() { c.cache.StopAllGoroutines() }
