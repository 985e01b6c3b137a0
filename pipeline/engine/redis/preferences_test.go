package redis

import (
	"crypto/rand"
	"fmt"
	"math"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
)

// cacheWorld is a cache under test. Its users are a test's own, as the Redis is
// shared.
type cacheWorld struct {
	*testing.T
	client *Client
	cache  *Preferences
	salt   string
}

func newCacheWorld(t *testing.T, open opener, ttl time.Duration) *cacheWorld {
	c := open(t, Config{})
	return &cacheWorld{T: t, client: c, cache: c.Preferences(ttl), salt: rand.Text()}
}

func (w *cacheWorld) key(user string) pipeline.PreferenceKey { return preferenceKey(user + w.salt) }

func (w *cacheWorld) set(user string, version int64) {
	w.Helper()
	must(w.T, w.cache.Set(w.Context(), []*pipeline.Preference{{PreferenceKey: w.key(user), Version: version}}))
}

func (w *cacheWorld) forget(user string, version int64) {
	w.Helper()
	must(w.T, w.cache.Invalidate(w.Context(), []pipeline.PreferenceKey{w.key(user)}, version))
}

// version is that of a user's preference, none for nothing.
func (w *cacheWorld) version(user string) int64 {
	w.Helper()
	var found [1]pipeline.Preference
	missing, err := w.cache.Get(w.Context(), []pipeline.PreferenceKey{w.key(user)}, found[:])
	must(w.T, err)
	if len(missing) > 0 {
		return none
	}
	return found[0].Version
}

const none = math.MinInt64 + 1

func (w *cacheWorld) want(user string, version int64) {
	w.Helper()
	if got := w.version(user); got != version {
		w.Fatalf("%s has version %d, want %d", user, got, version)
	}
}

func TestPreferencesRoundTrip(t *testing.T) {
	onEach(t, func(t *testing.T, open opener) {
		w := newCacheWorld(t, open, time.Minute)
		var all []*pipeline.Preference
		var keys []pipeline.PreferenceKey
		address := pipeline.IDKey{1}.AddressHash(pipeline.Recipient{Channel: pipeline.SMS, Address: "+4915112345678"})
		for i := range 300 {
			key := w.key(fmt.Sprint("{user} \u00e4", i))
			key.Channel = pipeline.Channels()[i%3]
			all = append(all, &pipeline.Preference{
				PreferenceKey: key, Transactional: i%2 == 0, Promotional: i%5 == 0, Addresses: make([]string, i%4), Version: int64(i) << 44,
			})
			for n := range all[i].Addresses {
				all[i].Addresses[n] = fmt.Sprint("address\x00", n)
			}
			if i%4 == 0 {
				all[i].Addresses = nil
			}
			keys = append(keys, key)
		}
		all[0].PreferenceKey = address.Key(pipeline.SMS)
		keys[0] = all[0].PreferenceKey
		must(t, w.cache.Set(t.Context(), all))
		keys = append(keys, w.key("nobody"), keys[7])
		found := make([]pipeline.Preference, len(keys))
		missing, err := w.client.Preferences(time.Hour).Get(t.Context(), keys, found) // another cache of the same Redis
		if err != nil || !slices.Equal(missing, []int32{int32(len(all))}) {
			t.Errorf("missing are %v, %v", missing, err)
		}
		for i, p := range append(all, &pipeline.Preference{}, all[7]) {
			if !reflect.DeepEqual(&found[i], p) {
				t.Errorf("%+v was cached as %+v", p, found[i])
			}
		}
		must(t, w.cache.Set(t.Context(), nil))
		if missing, err := w.cache.Get(t.Context(), nil, nil); err != nil || missing != nil {
			t.Errorf("of no keys %v are missing, %v", missing, err)
		}
		must(t, w.cache.Invalidate(t.Context(), nil, 1))
	})
}

func TestPreferencesKeepTheNewest(t *testing.T) {
	onEach(t, func(t *testing.T, open opener) {
		w := newCacheWorld(t, open, time.Minute)
		w.set("a", 5)
		w.set("a", 4)
		w.want("a", 5)
		w.set("a", 5)
		w.forget("a", 4) // a newer value came meanwhile
		w.want("a", 5)
		w.forget("a", 5)
		w.want("a", none)
		w.set("a", 4)
		w.want("a", none)
		w.set("a", 6)
		w.want("a", 6)
		for i, version := range []int64{math.MinInt64, -1, 0, 255, 256, 1 << 32, 1<<53 + 1, 1<<53 + 2, math.MaxInt64} { // the last two differ beyond a double
			w.set("b", version)
			w.want("b", version)
			if i > 0 {
				w.set("b", version-1)
				w.want("b", version)
			}
		}
	})
}

func TestPreferencesExpire(t *testing.T) {
	onEach(t, func(t *testing.T, open opener) {
		w := newCacheWorld(t, open, 200*time.Millisecond)
		w.set("a", 5)
		w.want("a", 5)
		await(t, "it expires", func() bool { return w.version("a") == none })
		w.forget("b", 5)
		await(t, "the tombstone expires with the time of the cache", func() bool { w.set("b", 1); return w.version("b") == 1 })
		long := newCacheWorld(t, open, time.Hour)
		long.forget("c", 5)
		ttl, err := long.client.rdb.PTTL(t.Context(), long.cache.name(long.key("c"))).Result()
		if err != nil || ttl > tombstoneTTL || ttl < tombstoneTTL-5*time.Second {
			t.Errorf("a tombstone expires after %v, %v", ttl, err)
		}
	})
}

func TestDamagedPreferencesAreMisses(t *testing.T) {
	onEach(t, func(t *testing.T, open opener) {
		w := newCacheWorld(t, open, time.Minute)
		for _, damage := range []string{"", "x", "\x01", "\x02--------\x03\x00", "\x01--------\x03\x05a", "\x01--------\x09"} {
			must(t, w.client.rdb.Set(t.Context(), w.cache.name(w.key("a")), damage, 0).Err())
			w.want("a", none)
		}
		w.set("b", 1)
		must(t, w.client.rdb.Set(t.Context(), w.cache.name(w.key("b")), "\x09another format", 0).Err())
		w.set("b", 1)
		w.want("b", 1)
	})
}

func TestPreferencesConcurrently(t *testing.T) {
	onEach(t, func(t *testing.T, open opener) {
		w := newCacheWorld(t, open, time.Minute)
		var wg sync.WaitGroup
		for writer := range 8 {
			wg.Go(func() {
				for n := range 50 {
					p := &pipeline.Preference{PreferenceKey: w.key("a"), Version: int64(n*8 + writer)}
					if err := w.cache.Set(t.Context(), []*pipeline.Preference{p}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		w.want("a", 399)
	})
}

func FuzzReadPreference(f *testing.F) {
	p := &pipeline.Preference{PreferenceKey: preferenceKey("ada"), Promotional: true, Addresses: []string{"a@b.c", ""}, Version: 1 << 50}
	form := appendPreference(nil, p)
	for n := range len(form) + 1 {
		f.Add(string(form[:n]))
	}
	f.Add(string(form) + "x")
	f.Add(string(appendTombstone(nil, 7)))
	f.Fuzz(func(t *testing.T, entry string) {
		p, ok := readPreference(entry, preferenceKey("ada"))
		if !ok {
			return
		}
		if again, _ := readPreference(string(appendPreference(nil, &p)), p.PreferenceKey); !reflect.DeepEqual(again, p) {
			t.Errorf("%q is read as %+v, which is read back as %+v", entry, p, again)
		}
	})
}

func TestPreferenceEntriesSortByVersion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64().Draw(t, "a"), rapid.Int64().Draw(t, "b")
		if (a < b) != (string(appendVersion(nil, a)) < string(appendVersion(nil, b))) {
			t.Fatalf("%d and %d do not sort as their entries", a, b)
		}
	})
}
