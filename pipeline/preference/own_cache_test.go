package preference

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
)

// modelCache is what an [ownCache] is to hold: what was put last, as many as fit,
// the oldest first. A place whose key was taken out stays empty for its time.
type modelCache struct {
	entries int
	places  []pipeline.Preference
}

func (m *modelCache) find(key pipeline.PreferenceKey) int {
	return slices.IndexFunc(m.places, func(p pipeline.Preference) bool { return p.PreferenceKey == key })
}

func (m *modelCache) forget(key pipeline.PreferenceKey) {
	if at := m.find(key); at >= 0 {
		m.places[at] = pipeline.Preference{}
	}
}

func (m *modelCache) keep(p pipeline.Preference) {
	if at := m.find(p.PreferenceKey); at >= 0 && m.places[at].Version > p.Version {
		return
	}
	m.forget(p.PreferenceKey)
	m.places = append(m.places, p)
	m.places = m.places[max(0, len(m.places)-m.entries):]
}

func TestOwnCacheKeepsTheLatest(t *testing.T) {
	keys := make([]pipeline.PreferenceKey, 8)
	for i := range keys {
		keys[i] = pipeline.PreferenceKey{UserID: fmt.Sprint("user-", i/2), Channel: pipeline.Push + pipeline.Channel(i%2)}
	}
	rapid.Check(t, func(t *rapid.T) {
		entries := rapid.IntRange(1, 6).Draw(t, "entries")
		cache, model := newOwnCache(entries, time.Hour), modelCache{entries: entries}
		aKey := rapid.SampledFrom(keys)
		t.Repeat(map[string]func(*rapid.T){
			"keep": func(t *rapid.T) {
				p := pipeline.Preference{
					PreferenceKey: aKey.Draw(t, "key"), Version: rapid.Int64Range(1, 3).Draw(t, "version"),
					Addresses: rapid.SliceOfN(rapid.String(), 0, 2).Draw(t, "addresses"),
				}
				cache.keep(&p)
				model.keep(p)
			},
			"forget": func(t *rapid.T) {
				key := aKey.Draw(t, "key")
				cache.forget([]pipeline.PreferenceKey{key})
				model.forget(key)
			},
			"clear": func(*rapid.T) {
				cache.clear()
				model.places = nil
			},
			"": func(t *rapid.T) {
				found := make([]pipeline.Preference, len(keys))
				missing := cache.get(keys, found)
				if held := len(keys) - len(missing); cache.len() != int64(held) {
					t.Fatalf("%d entries, of which %d are found", cache.len(), held)
				}
				for i, key := range keys {
					at := model.find(key)
					if lacks := slices.Contains(missing, int32(i)); lacks != (at < 0) {
						t.Fatalf("%v is missing: %v, want %v", key, lacks, at < 0)
					}
					if at >= 0 && (found[i].Version != model.places[at].Version || !slices.Equal(found[i].Addresses, model.places[at].Addresses)) {
						t.Fatalf("%v is %+v, want %+v", key, found[i], model.places[at])
					}
				}
			},
		})
	})
}

func TestOwnCacheForgetsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache := newOwnCache(10, time.Minute)
		p := pipeline.Preference{PreferenceKey: pipeline.PreferenceKey{UserID: "user", Channel: pipeline.SMS}, Version: 7}
		has := func() bool {
			return len(cache.get([]pipeline.PreferenceKey{p.PreferenceKey}, make([]pipeline.Preference, 1))) == 0
		}
		cache.keep(&p)
		time.Sleep(time.Minute - time.Millisecond)
		if !has() {
			t.Error("it is gone before its time")
		}
		time.Sleep(time.Millisecond)
		if has() {
			t.Error("it is there after its time")
		}
		p.Version = 5 // what has run out keeps nothing out
		if cache.keep(&p); !has() {
			t.Error("what is older is not taken in behind what has run out")
		}
	})
}
