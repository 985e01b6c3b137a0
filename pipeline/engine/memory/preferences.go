package memory

import (
	"context"
	"sync"
	"time"

	"github.com/VictoriaMetrics/fastcache"
	"github.com/cespare/xxhash/v2"

	"github.com/notifyctl/notifyctl/pipeline"
)

const (
	// tombstoneTTL is how long a key that was forgotten keeps older values out.
	// A read that was under way is over by then.
	tombstoneTTL = 10 * time.Second
	// writers is how many groups of users are written at once.
	writers = 64
	// maxEntry is how long a user's id and entry may be together, so that they
	// and their lengths are shorter than a chunk of fastcache's.
	maxEntry = 64<<10 - 5
)

// Preferences is a cache of preferences, bounded in time and bytes, one entry a
// user. What was written longest ago goes first, so that whoever was read when a
// notification came is still there when it is sent. Its texts are outside of
// Go's heap and taken as they are needed: the collector neither looks through
// them nor waits for them to double. It is safe for concurrent use, also by
// several services.
type Preferences struct {
	cache *fastcache.Cache
	ttl   time.Duration
	began time.Time
	// writing is held to read a user's entry and write what follows from it.
	writing   [writers]sync.Mutex
	scratches sync.Pool
}

// NewPreferences makes a cache that keeps preferences for ttl, and so many bytes
// of them, but 32 MiB at least. It takes some 30 bytes more for each user, in
// Go's heap.
func NewPreferences(ttl time.Duration, maxBytes uint64) *Preferences {
	return &Preferences{cache: fastcache.New(int(max(1, maxBytes))), ttl: ttl, began: time.Now()}
}

// now is the time that records expire by, in milliseconds since the cache was
// made.
func (c *Preferences) now() uint64 { return uint64(time.Since(c.began).Milliseconds()) }

func (c *Preferences) after(ttl time.Duration) uint64 { return c.now() + uint64(ttl.Milliseconds()) }

// scratch is what a call works in. It is used again by later ones.
type scratch struct {
	user, entry, written []byte
	hits                 []hit
	texts                []byte // of the addresses of all hits
	ends                 []int  // of each address in texts
}

// hit is a record that was found, and how many addresses it has.
type hit struct {
	at, addresses int
	record        record
}

// borrow gives what a call works in, to be put back.
func (c *Preferences) borrow() *scratch {
	if s, ok := c.scratches.Get().(*scratch); ok {
		return s
	}
	return new(scratch)
}

// read reads a user's entry into the scratch; empty for none.
func (c *Preferences) read(s *scratch, user string) {
	s.user = append(s.user[:0], user...)
	s.entry = c.cache.Get(s.entry[:0], s.user)
}

// Get sets found[i] for each keys[i] that is cached. What it gives is the
// caller's, all of it in a few pieces of memory, and shares the user ids with the
// keys. It never fails.
func (c *Preferences) Get(_ context.Context, keys []pipeline.PreferenceKey, found []*pipeline.Preference) error {
	s := c.borrow()
	defer c.scratches.Put(s)
	s.hits, s.texts, s.ends = s.hits[:0], s.texts[:0], s.ends[:0]
	now := c.now()
	for i := range keys {
		if i == 0 || keys[i].UserID != keys[i-1].UserID {
			c.read(s, keys[i].UserID)
		}
		r, ok := findRecord(s.entry, keys[i].Channel)
		if !ok || r.tombstone() || r.expires <= now {
			continue
		}
		before := len(s.ends)
		s.texts, s.ends = r.appendTexts(s.texts, s.ends)
		r.addresses = nil // the entry is the next user's
		s.hits = append(s.hits, hit{at: i, addresses: len(s.ends) - before, record: r})
	}
	s.give(keys, found)
	return nil
}

// give makes preferences of the hits.
func (s *scratch) give(keys []pipeline.PreferenceKey, found []*pipeline.Preference) {
	given := make([]pipeline.Preference, len(s.hits))
	texts := string(s.texts)
	addresses := make([]string, len(s.ends))
	from := 0
	for i, end := range s.ends {
		addresses[i], from = texts[from:end], end
	}
	for i := range s.hits {
		h, p := &s.hits[i], &given[i]
		p.PreferenceKey, p.Version = keys[h.at], h.record.version
		p.Transactional, p.Promotional = h.record.wants&wantsTransactional != 0, h.record.wants&wantsPromotional != 0
		if n := h.addresses; n > 0 {
			p.Addresses, addresses = addresses[:n:n], addresses[n:]
		}
		found[h.at] = p
	}
}

// Set caches preferences, but none in place of a newer version. It never fails.
func (c *Preferences) Set(_ context.Context, preferences []*pipeline.Preference) error {
	s := c.borrow()
	defer c.scratches.Put(s)
	expires := c.after(c.ttl)
	for len(preferences) > 0 {
		user, n := preferences[0].UserID, 1
		for n < len(preferences) && preferences[n].UserID == user {
			n++
		}
		c.change(s, user, func(records *records) {
			for _, p := range preferences[:n] {
				records.put(preferenceRecord(p, expires))
			}
		})
		preferences = preferences[n:]
	}
	return nil
}

// Invalidate forgets keys that are not newer than a version, and for 10 s keeps
// out what is older. It never fails.
func (c *Preferences) Invalidate(_ context.Context, keys []pipeline.PreferenceKey, version int64) error {
	s := c.borrow()
	defer c.scratches.Put(s)
	expires := c.after(min(c.ttl, tombstoneTTL))
	for len(keys) > 0 {
		user, n := keys[0].UserID, 1
		for n < len(keys) && keys[n].UserID == user {
			n++
		}
		c.change(s, user, func(records *records) {
			for _, key := range keys[:n] {
				records.put(record{channel: key.Channel, wants: tombstoneMark, expires: expires, version: version})
			}
		})
		keys = keys[n:]
	}
	return nil
}

// change lets put change what is held of a user.
func (c *Preferences) change(s *scratch, user string, put func(*records)) {
	group := &c.writing[xxhash.Sum64String(user)%writers]
	group.Lock()
	defer group.Unlock()
	c.read(s, user)
	var held records
	held.take(s.entry, c.now())
	put(&held)
	s.written = held.append(s.written[:0])
	if len(s.user)+len(s.written) > maxEntry {
		c.cache.Del(s.user) // or what was before would stay
		return
	}
	c.cache.Set(s.user, s.written)
}

// Entries is how many users are held, some of them expired.
func (c *Preferences) Entries() int {
	var stats fastcache.Stats
	c.cache.UpdateStats(&stats)
	return int(stats.EntriesCount)
}

// Close gives the memory back to other caches of the process. The cache must not
// be used after it.
func (c *Preferences) Close() { c.cache.Reset() }
