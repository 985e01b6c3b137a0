package memory

import (
	"cmp"
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// tombstoneTTL is how long a key that was forgotten keeps older values out. A read
// that was under way is over by then.
const tombstoneTTL = 10 * time.Second

// Preferences is a cache of preferences, bounded in time and bytes, one entry a
// user. What was written longest ago goes first, so that whoever was read when a
// notification came is still there when it is sent. It is safe for concurrent use,
// also by several services.
type Preferences struct {
	ring      *ring
	ttl       time.Duration // 0: for as long as there is room
	began     time.Time
	scratches sync.Pool
}

// NewPreferences makes a cache that keeps preferences for ttl at most, 0 being for
// as long as there is room, and so many bytes of them, but some 2 MB at least. It
// takes them as it fills.
func NewPreferences(ttl time.Duration, maxBytes uint64) *Preferences {
	return &Preferences{ring: newRing(maxBytes), ttl: ttl, began: time.Now()}
}

// now is the time that records expire by, in milliseconds since the cache was
// made.
func (c *Preferences) now() uint64 { return uint64(time.Since(c.began).Milliseconds()) }

// after is when what is kept for ttl expires, 0 being never in both.
func (c *Preferences) after(ttl time.Duration) uint64 {
	if ttl == 0 {
		return 0
	}
	return max(1, c.now()+uint64(ttl.Milliseconds()))
}

// scratch is what a call works in. It is used again by later ones.
type scratch struct {
	written []byte // an entry
	hits    []hit
	texts   []byte // of the addresses of all hits
	ends    []int  // of each address in texts
}

// hit is a preference that was found, and how many addresses it has.
type hit struct{ at, addresses int }

// borrow gives what a call works in, to be put back.
func (c *Preferences) borrow() *scratch {
	if s, ok := c.scratches.Get().(*scratch); ok {
		return s
	}
	return new(scratch)
}

// Get fills in found[i] for each keys[i] that is cached, and gives the places of
// the others, in order. The texts are the caller's, all of them in a few pieces of
// memory, and the user ids are the keys'. It never fails.
func (c *Preferences) Get(_ context.Context, keys []pipeline.PreferenceKey, found []pipeline.Preference) (missing []int32, err error) {
	s := c.borrow()
	defer c.scratches.Put(s)
	s.hits, s.texts, s.ends = s.hits[:0], s.texts[:0], s.ends[:0]
	now := c.now()
	c.ring.get(len(keys), func(i int) string { return keys[i].UserID }, func(i int, entry []byte) {
		r, ok := findRecord(entry, keys[i].Channel)
		if !ok || r.tombstone() || r.expired(now) {
			return
		}
		found[i] = pipeline.Preference{
			PreferenceKey: keys[i], Version: r.version,
			Transactional: r.wants&wantsTransactional != 0, Promotional: r.wants&wantsPromotional != 0,
		}
		before := len(s.ends)
		s.texts, s.ends = r.appendTexts(s.texts, s.ends)
		s.hits = append(s.hits, hit{at: i, addresses: len(s.ends) - before})
	})
	s.giveAddresses(found)
	return s.misses(len(keys)), nil
}

// giveAddresses fills in the addresses of the hits.
func (s *scratch) giveAddresses(found []pipeline.Preference) {
	texts := string(s.texts)
	addresses := make([]string, len(s.ends))
	from := 0
	for i, end := range s.ends {
		addresses[i], from = texts[from:end], end
	}
	for _, h := range s.hits {
		if n := h.addresses; n > 0 {
			found[h.at].Addresses, addresses = addresses[:n:n], addresses[n:]
		}
	}
}

// misses gives the places of n keys that are no hits, which are in order.
func (s *scratch) misses(n int) (missing []int32) {
	hits := s.hits
	if len(hits) == n {
		return nil
	}
	missing = make([]int32, 0, n-len(hits))
	for i := range n {
		if len(hits) > 0 && hits[0].at == i {
			hits = hits[1:]
			continue
		}
		missing = append(missing, int32(i))
	}
	return missing
}

// Set caches preferences, but none in place of a newer version, for half of the
// ttl to all of it: what many calls bring in a short time, as those of an import
// do, is not read again together. It never fails.
func (c *Preferences) Set(_ context.Context, preferences []*pipeline.Preference) error {
	expires := c.after(c.ttl - rand.N(c.ttl/2+1))
	c.put(len(preferences),
		func(i int) string { return preferences[i].UserID },
		func(i int) record { return preferenceRecord(preferences[i], expires) })
	return nil
}

// Invalidate forgets keys that are not newer than a version, and for 10 s keeps
// out what is older. It never fails.
func (c *Preferences) Invalidate(_ context.Context, keys []pipeline.PreferenceKey, version int64) error {
	expires := c.after(min(cmp.Or(c.ttl, tombstoneTTL), tombstoneTTL))
	c.put(len(keys),
		func(i int) string { return keys[i].UserID },
		func(i int) record {
			return record{channel: keys[i].Channel, wants: tombstoneMark, expires: expires, version: version}
		})
	return nil
}

// put takes in n records of users, those of one user that stand side by side at
// once.
func (c *Preferences) put(n int, user func(int) string, record func(int) record) {
	s := c.borrow()
	defer c.scratches.Put(s)
	for from := 0; from < n; {
		to := from + 1
		for to < n && user(to) == user(from) {
			to++
		}
		c.ring.update(user(from), func(entry []byte) []byte {
			var held records
			held.take(entry, c.now())
			for i := from; i < to; i++ {
				held.put(record(i))
			}
			s.written = held.append(s.written[:0])
			return s.written
		})
		from = to
	}
}

// Entries is how many users are held, some of them expired.
func (c *Preferences) Entries() int { return c.ring.len() }
