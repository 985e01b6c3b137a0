package preference

import (
	"sync"

	"github.com/cespare/xxhash/v2"

	"github.com/notifyctl/notifyctl/pipeline"
)

// stripes is how many groups of users changes are told apart by: a change makes
// the lookups of a group that it overlaps go uncached, and no others.
const stripes = 256

// changes orders the filling of caches against changes. A lookup marks its keys
// before it asks for them, and afterwards caches those alone whose group no
// change overlapped: what it read of the others may be old. It was right to
// answer with, and is not kept.
type changes struct {
	mu     sync.RWMutex
	groups [stripes]group
}

// group counts the changes of some users.
type group struct {
	begun  int64 // ever
	active int   // not ended
}

// overlapped marks a key that a change was under way for.
const overlapped = -1

func stripe(user string) uint64 { return xxhash.Sum64String(user) % stripes }

// mark notes how the keys' groups stand.
func (c *changes) mark(keys []pipeline.PreferenceKey) []int64 {
	marks := make([]int64, len(keys))
	c.mu.RLock()
	defer c.mu.RUnlock()
	for i := range keys {
		g := &c.groups[stripe(keys[i].UserID)]
		if marks[i] = g.begun; g.active > 0 {
			marks[i] = overlapped
		}
	}
	return marks
}

// isCurrent says that no change of the key began since its mark. It stays so
// while mu is held.
func (c *changes) isCurrent(key pipeline.PreferenceKey, mark int64) bool {
	return mark != overlapped && c.groups[stripe(key.UserID)].begun == mark
}

// begin notes that keys are about to change, and gives what notes that they
// have.
func (c *changes) begin(keys []pipeline.PreferenceKey) (done func()) {
	c.add(keys, 1)
	return func() { c.add(keys, -1) }
}

func (c *changes) add(keys []pipeline.PreferenceKey, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range keys {
		g := &c.groups[stripe(keys[i].UserID)]
		g.active += n
		if n > 0 {
			g.begun++
		}
	}
}

// all notes that anything may just have changed.
func (c *changes) all() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.groups {
		c.groups[i].begun++
	}
}
