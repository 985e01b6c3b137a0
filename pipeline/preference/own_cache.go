package preference

import (
	"slices"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/notifyctl/notifyctl/pipeline"
)

// ownCache is the process's own cache, before an L2 that processes share. Nil is
// one that never has anything.
type ownCache struct {
	kept *otter.Cache[pipeline.PreferenceKey, *pipeline.Preference]
}

// newOwnCache makes a cache of so many entries, each kept for ttl.
func newOwnCache(entries int, ttl time.Duration) *ownCache {
	return &ownCache{otter.Must(&otter.Options[pipeline.PreferenceKey, *pipeline.Preference]{
		MaximumSize:      entries,
		ExpiryCalculator: otter.ExpiryWriting[pipeline.PreferenceKey, *pipeline.Preference](ttl),
	})}
}

// get fills in what the cache has and gives the places of the rest.
func (c *ownCache) get(keys []pipeline.PreferenceKey, found []pipeline.Preference) (missing []int32) {
	for i, key := range keys {
		if c != nil {
			if p, ok := c.kept.GetIfPresent(key); ok {
				found[i] = *p
				continue
			}
		}
		if missing == nil {
			missing = make([]int32, 0, len(keys)-i)
		}
		missing = append(missing, int32(i))
	}
	return missing
}

// keep caches a copy of a preference, but not in place of a newer one.
func (c *ownCache) keep(p *pipeline.Preference) {
	if c == nil {
		return
	}
	p = alone(p)
	c.kept.Compute(p.PreferenceKey, func(old *pipeline.Preference, found bool) (*pipeline.Preference, otter.ComputeOp) {
		if found && old.Version > p.Version { // L2 may have lost the newer one
			return old, otter.CancelOp
		}
		return p, otter.WriteOp
	})
}

// alone copies a preference whose texts may be parts of a whole request, or of the
// rows of many users.
func alone(p *pipeline.Preference) *pipeline.Preference {
	own := *p
	own.UserID = strings.Clone(p.UserID)
	own.Addresses = slices.Clone(p.Addresses)
	for i, address := range own.Addresses {
		own.Addresses[i] = strings.Clone(address)
	}
	return &own
}

// forget takes keys out.
func (c *ownCache) forget(keys []pipeline.PreferenceKey) {
	if c == nil {
		return
	}
	for _, key := range keys {
		c.kept.Invalidate(key)
	}
}

// clear takes everything out.
func (c *ownCache) clear() {
	if c != nil {
		c.kept.InvalidateAll()
	}
}

// entries is how many keys are held.
func (c *ownCache) entries() int64 {
	if c == nil {
		return 0
	}
	return int64(c.kept.EstimatedSize())
}

// close ends the cache's upkeep. It must not be used after it.
func (c *ownCache) close() {
	if c != nil {
		c.kept.StopAllGoroutines()
	}
}
