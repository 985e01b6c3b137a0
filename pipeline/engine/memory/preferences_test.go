package memory_test

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/engine/memory"
)

func preference(user string, version int64) *pipeline.Preference {
	return &pipeline.Preference{PreferenceKey: pipeline.PreferenceKey{UserID: user, Channel: pipeline.Email}, Version: version}
}

func versions(t *testing.T, c *memory.Preferences, users ...string) []int64 {
	t.Helper()
	var keys []pipeline.PreferenceKey
	for _, user := range users {
		keys = append(keys, pipeline.PreferenceKey{UserID: user, Channel: pipeline.Email})
	}
	found := make([]pipeline.Preference, len(keys))
	missing, err := c.Get(t.Context(), keys, found)
	if err != nil {
		t.Fatal(err)
	}
	var out []int64
	for i, p := range found {
		if slices.Contains(missing, int32(i)) {
			out = append(out, -1)
		} else {
			out = append(out, p.Version)
		}
	}
	return out
}

func set(t *testing.T, c *memory.Preferences, preferences ...*pipeline.Preference) {
	t.Helper()
	if err := c.Set(t.Context(), preferences); err != nil {
		t.Fatal(err)
	}
}

func TestPreferencesKeepTheNewestVersion(t *testing.T) {
	c := memory.NewPreferences(time.Minute, 1<<20)
	set(t, c, preference("a", 0), preference("b", 5))
	if got := fmt.Sprint(versions(t, c, "a", "b", "c")); got != "[0 5 -1]" {
		t.Errorf("got %s", got)
	}
	set(t, c, preference("a", 3), preference("b", 4), preference("c", 0))
	if got := fmt.Sprint(versions(t, c, "c", "b", "a"), c.Entries()); got != "[0 5 3] 3" {
		t.Errorf("got %s", got)
	}
	if err := c.Invalidate(t.Context(), []pipeline.PreferenceKey{{UserID: "b", Channel: pipeline.Email}, {UserID: "a", Channel: pipeline.SMS}}, 5); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(versions(t, c, "a", "b")); got != "[3 -1]" {
		t.Errorf("got %s", got)
	}
}

// What was forgotten keeps older values out until no read from before it can be
// under way.
func TestTombstonesKeepOlderVersionsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := memory.NewPreferences(300*time.Second, 1<<20)
		forget := func(version int64) {
			if err := c.Invalidate(t.Context(), email("a"), version); err != nil {
				t.Fatal(err)
			}
		}
		set(t, c, preference("a", 9))
		forget(7) // a newer value came meanwhile
		if got := versions(t, c, "a"); got[0] != 9 {
			t.Errorf("got %v, want the newer value", got)
		}
		forget(9)
		set(t, c, preference("a", 0))
		set(t, c, preference("a", 8))
		if got := versions(t, c, "a"); got[0] != -1 {
			t.Errorf("got %v from before it was forgotten", got)
		}
		time.Sleep(9 * time.Second) // virtual
		set(t, c, preference("a", 8))
		if got := versions(t, c, "a"); got[0] != -1 {
			t.Errorf("got %v from before it was forgotten", got)
		}
		set(t, c, preference("a", 10))
		if got := versions(t, c, "a"); got[0] != 10 {
			t.Errorf("got %v, want what came after", got)
		}
		forget(11)
		time.Sleep(11 * time.Second) // virtual
		set(t, c, preference("a", 0))
		if got := versions(t, c, "a"); got[0] != 0 {
			t.Errorf("got %v after the tombstone's time", got)
		}
	})
}

func email(user string) []pipeline.PreferenceKey {
	return []pipeline.PreferenceKey{{UserID: user, Channel: pipeline.Email}}
}

func TestPreferencesExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := memory.NewPreferences(300*time.Second, 1<<20)
		const users = 100
		for i := range users {
			set(t, c, preference(fmt.Sprint("user", i), 9))
		}
		set(t, c, preference("a", 9))
		held := func() (n int) {
			for i := range users {
				if versions(t, c, fmt.Sprint("user", i))[0] == 9 {
					n++
				}
			}
			return n
		}
		time.Sleep(149 * time.Second) // virtual
		if n := held(); n != users {
			t.Errorf("in less than half of its time %d of %d went", users-n, users)
		}
		time.Sleep(75 * time.Second) // virtual
		if n := held(); n < users/4 || n > users*3/4 {
			t.Errorf("in three quarters of their time %d of %d went, want about half", users-n, users)
		}
		time.Sleep(77 * time.Second) // virtual
		if n := held(); n != 0 {
			t.Errorf("%d stay", n)
		}
		set(t, c, preference("a", 1))
		if got := versions(t, c, "a"); got[0] != 1 {
			t.Error("what has expired keeps a lower version out")
		}
	})
}

// Without a time preferences stay, and tombstones go all the same.
func TestPreferencesStayWithoutATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := memory.NewPreferences(0, 1<<20)
		set(t, c, preference("a", 9), preference("b", 9))
		if err := c.Invalidate(t.Context(), email("b"), 9); err != nil {
			t.Fatal(err)
		}
		time.Sleep(9 * time.Second) // virtual
		set(t, c, preference("b", 8))
		if got := fmt.Sprint(versions(t, c, "a", "b")); got != "[9 -1]" {
			t.Errorf("got %s while the tombstone is there", got)
		}
		time.Sleep(1000 * time.Hour) // virtual
		set(t, c, preference("b", 8))
		if got := fmt.Sprint(versions(t, c, "a", "b")); got != "[9 8]" {
			t.Errorf("got %s after 1000 hours", got)
		}
	})
}

// Who was written longest ago goes first.
func TestPreferencesAreBoundedInBytes(t *testing.T) {
	const limit, size, users = 32 << 20, 1000, 100_000
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	c := memory.NewPreferences(time.Hour, limit)
	name := func(i int) string { return fmt.Sprintf("user-%08d", i) }
	for i := range users {
		p := preference(name(i), 1)
		p.Addresses = []string{strings.Repeat("a", size)}
		set(t, c, p)
	}
	if used := heap() - before; used > limit+limit/8 {
		t.Errorf("%d bytes of heap, with a limit of %d", used, limit)
	}
	held := 0
	for i := range users {
		if versions(t, c, name(i))[0] == 1 {
			held++
		} else if i > users-limit/size*3/4 {
			t.Fatalf("of %d users, number %d is gone", users, i)
		}
	}
	if held*size > limit || held != c.Entries() {
		t.Errorf("%d users of %d bytes are held, %d counted, with a limit of %d", held, size, c.Entries(), limit)
	}
}

// What does not fit into an entry is not cached, nor is what was before it.
func TestAPreferenceThatIsTooLongIsNotCached(t *testing.T) {
	c := memory.NewPreferences(time.Hour, 1<<20)
	p := preference("a", 1)
	p.Addresses = []string{strings.Repeat("a", 1000<<10)}
	set(t, c, p, preference("b", 1))
	p = preference("a", 2)
	p.Addresses = []string{strings.Repeat("a", 600<<10), strings.Repeat("b", 600<<10)}
	set(t, c, p)
	if got := fmt.Sprint(versions(t, c, "a", "b")); got != "[-1 1]" {
		t.Errorf("got %s", got)
	}
}

// Whatever is set, forgotten and asked for at once, each key has what a map of
// the newest versions has.
func TestPreferencesFollowAModel(t *testing.T) {
	key := rapid.Custom(func(t *rapid.T) pipeline.PreferenceKey {
		return pipeline.PreferenceKey{UserID: rapid.SampledFrom([]string{"", "a", "b", "\u00e4 \""}).Draw(t, "user"), Channel: rapid.SampledFrom(pipeline.Channels()).Draw(t, "channel")}
	})
	text := rapid.OneOf(rapid.String(), rapid.Map(rapid.IntRange(126, 300), func(n int) string { return strings.Repeat("x", n) }))
	rapid.Check(t, func(rt *rapid.T) {
		c := memory.NewPreferences(time.Hour, 1<<20)
		type held struct {
			preference *pipeline.Preference // nil: forgotten
			version    int64
		}
		model := map[pipeline.PreferenceKey]held{}
		put := func(key pipeline.PreferenceKey, h held) {
			if old, found := model[key]; !found || old.version <= h.version {
				model[key] = h
			}
		}
		version := rapid.Int64Range(-3, 3)
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			keys := rapid.SliceOfN(key, 0, 6).Draw(rt, "keys")
			switch rapid.IntRange(0, 2).Draw(rt, "step") {
			case 0:
				var all []*pipeline.Preference
				for _, key := range keys {
					p := &pipeline.Preference{
						PreferenceKey: key, Transactional: rapid.Bool().Draw(rt, "transactional"), Promotional: rapid.Bool().Draw(rt, "promotional"),
						Addresses: rapid.SliceOfN(text, 0, 3).Draw(rt, "addresses"), Version: version.Draw(rt, "version"),
					}
					if len(p.Addresses) == 0 {
						p.Addresses = nil
					}
					all = append(all, p)
					put(key, held{p, p.Version})
				}
				set(t, c, all...)
			case 1:
				v := version.Draw(rt, "version")
				if err := c.Invalidate(t.Context(), keys, v); err != nil {
					rt.Fatal(err)
				}
				for _, key := range keys {
					put(key, held{nil, v})
				}
			case 2:
				found := make([]pipeline.Preference, len(keys))
				missing, err := c.Get(t.Context(), keys, found)
				if err != nil {
					rt.Fatal(err)
				}
				var lacking []int32
				for i, key := range keys {
					if want := model[key].preference; want == nil {
						lacking = append(lacking, int32(i))
					} else if !reflect.DeepEqual(found[i], *want) {
						rt.Fatalf("%+v is %+v, want %+v", key, found[i], want)
					}
				}
				if !slices.Equal(missing, lacking) {
					rt.Fatalf("missing are %v, want %v", missing, lacking)
				}
			}
		}
	})
}

// Many set and forget the same users at once: of each the newest stays.
func TestManyChangeTheSameUsers(t *testing.T) {
	c := memory.NewPreferences(time.Hour, 1<<20)
	const most = 400
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range most {
				user := fmt.Sprint("user", i%3)
				p := preference(user, int64(i*4+w))
				p.Channel = pipeline.Channels()[w%3]
				p.Addresses = []string{fmt.Sprint(p.Version)}
				_ = c.Set(context.Background(), []*pipeline.Preference{p})
				var found [1]pipeline.Preference
				missing, _ := c.Get(context.Background(), []pipeline.PreferenceKey{p.PreferenceKey}, found[:])
				if got := found[0]; len(missing) > 0 || got.Version < p.Version || got.Addresses[0] != fmt.Sprint(got.Version) {
					t.Errorf("got %+v, missing %v, after %+v", got, missing, p)
					return
				}
			}
		})
	}
	wg.Wait()
}
