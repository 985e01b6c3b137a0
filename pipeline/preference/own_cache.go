package preference

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// ownCache is the process's own cache, before an L2 that processes share. What
// was put longest ago goes first: whoever was read when a notification came is
// then still there when it is sent, where a cache that weighs newcomers by how
// often they were asked for would have turned most of them away. Nil is one that
// never has anything. It is safe for concurrent use.
type ownCache struct {
	ttl     time.Duration
	entries int // at most

	mu   sync.RWMutex
	at   map[pipeline.PreferenceKey]int // in kept
	kept []kept                         // as a ring, once it is full
	next int                            // the place to put into
}

// kept is a preference until a time; the zero value is an empty place.
type kept struct {
	pipeline.Preference
	until time.Time
}

// newOwnCache makes a cache of so many entries, each kept for ttl.
func newOwnCache(entries int, ttl time.Duration) *ownCache {
	return &ownCache{ttl: ttl, entries: entries, at: map[pipeline.PreferenceKey]int{}}
}

// get fills in what the cache has and gives the places of the rest.
func (c *ownCache) get(keys []pipeline.PreferenceKey, found []pipeline.Preference) (missing []int32) {
	if c == nil {
		return places(len(keys), func(int) bool { return true })
	}
	now := time.Now()
	c.mu.RLock()
	defer c.mu.RUnlock()
	for i, key := range keys {
		if at, ok := c.at[key]; ok && c.kept[at].until.After(now) {
			found[i] = c.kept[at].Preference
			continue
		}
		if missing == nil {
			missing = make([]int32, 0, len(keys)-i)
		}
		missing = append(missing, int32(i))
	}
	return missing
}

// keep caches a copy of a preference, but not in place of a newer one, which L2
// may have lost.
func (c *ownCache) keep(p *pipeline.Preference) {
	if c == nil {
		return
	}
	fresh, now := alone(p), time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.at[p.PreferenceKey]; ok {
		if old := &c.kept[at]; old.Version > p.Version && old.until.After(now) {
			return
		}
		c.empty(at)
	}
	if c.next == len(c.kept) {
		c.kept = append(c.kept, kept{})
	}
	c.empty(c.next)
	c.kept[c.next] = kept{fresh, now.Add(c.ttl)}
	c.at[fresh.PreferenceKey] = c.next
	c.next = (c.next + 1) % c.entries
}

// empty takes out what is at a place. mu is held.
func (c *ownCache) empty(at int) {
	delete(c.at, c.kept[at].PreferenceKey)
	c.kept[at] = kept{}
}

// alone copies a preference whose texts may be parts of a whole request, or of the
// rows of many users.
func alone(p *pipeline.Preference) pipeline.Preference {
	own := *p
	own.UserID = strings.Clone(p.UserID)
	own.Addresses = slices.Clone(p.Addresses)
	for i, address := range own.Addresses {
		own.Addresses[i] = strings.Clone(address)
	}
	return own
}

// forget takes keys out.
func (c *ownCache) forget(keys []pipeline.PreferenceKey) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range keys {
		if at, ok := c.at[key]; ok {
			c.empty(at)
		}
	}
}

// clear takes everything out.
func (c *ownCache) clear() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.at)
	clear(c.kept)
	c.kept, c.next = c.kept[:0], 0
}

// len is how many keys are held.
func (c *ownCache) len() int64 {
	if c == nil {
		return 0
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return int64(len(c.at))
}
