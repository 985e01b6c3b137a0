package memory

import (
	"context"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/notifyctl/notifyctl/pipeline"
)

// preferenceOverhead is what an entry costs beside its texts, in bytes: the
// preference, the key, and the cache's own node and table slot (measured: 215).
const preferenceOverhead = 224

// Preferences is a cache of preferences, bounded in time and bytes. What it
// holds and gives is shared and must not be changed. It is safe for concurrent
// use.
type Preferences struct {
	cache *otter.Cache[pipeline.PreferenceKey, *pipeline.Preference]
}

// NewPreferences makes a cache that keeps preferences for ttl, and about so many
// bytes of them.
func NewPreferences(ttl time.Duration, maxBytes uint64) *Preferences {
	return &Preferences{otter.Must(&otter.Options[pipeline.PreferenceKey, *pipeline.Preference]{
		MaximumWeight:    maxBytes,
		Weigher:          weigh,
		ExpiryCalculator: otter.ExpiryWriting[pipeline.PreferenceKey, *pipeline.Preference](ttl),
	})}
}

func weigh(_ pipeline.PreferenceKey, p *pipeline.Preference) uint32 {
	n := preferenceOverhead + len(p.UserID)
	for _, a := range p.Addresses {
		n += 16 + len(a)
	}
	return uint32(n)
}

// Get sets found[i] for each keys[i] that is cached. It never fails.
func (c *Preferences) Get(_ context.Context, keys []pipeline.PreferenceKey, found []*pipeline.Preference) error {
	for i, key := range keys {
		if p, ok := c.cache.GetIfPresent(key); ok {
			found[i] = p
		}
	}
	return nil
}

// Set caches preferences, but none in place of a newer version. It never fails.
func (c *Preferences) Set(_ context.Context, preferences []*pipeline.Preference) error {
	for _, p := range preferences {
		c.cache.Compute(p.PreferenceKey, func(old *pipeline.Preference, found bool) (*pipeline.Preference, otter.ComputeOp) {
			if found && old.Version > p.Version {
				return old, otter.CancelOp
			}
			return p, otter.WriteOp
		})
	}
	return nil
}

// Delete forgets keys. It never fails.
func (c *Preferences) Delete(_ context.Context, keys []pipeline.PreferenceKey) error {
	for _, key := range keys {
		c.cache.Invalidate(key)
	}
	return nil
}

// Entries is how many preferences are held.
func (c *Preferences) Entries() int { return c.cache.EstimatedSize() }

// Close ends the cache's upkeep. It must not be used after it.
func (c *Preferences) Close() { c.cache.StopAllGoroutines() }
