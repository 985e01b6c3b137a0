package memory_test

import (
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

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
	found := make([]*pipeline.Preference, len(keys))
	if err := c.Get(t.Context(), keys, found); err != nil {
		t.Fatal(err)
	}
	var out []int64
	for _, p := range found {
		if p == nil {
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
	defer c.Close()
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
		defer c.Close()
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
		defer c.Close()
		set(t, c, preference("a", 9))
		time.Sleep(299 * time.Second) // virtual
		if got := versions(t, c, "a"); got[0] != 9 {
			t.Error("it went early")
		}
		time.Sleep(2 * time.Second) // virtual
		if got := versions(t, c, "a"); got[0] != -1 {
			t.Error("it stays")
		}
		set(t, c, preference("a", 1))
		if got := versions(t, c, "a"); got[0] != 1 {
			t.Error("what has expired keeps a lower version out")
		}
	})
}

func TestPreferencesAreBoundedInBytes(t *testing.T) {
	const limit = 4 << 20
	c := memory.NewPreferences(time.Hour, limit)
	defer c.Close()
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	for i := range 100_000 {
		set(t, c, preference(fmt.Sprintf("user-%08d", i), 1))
	}
	used := heap() - before
	if c.Entries() < 5_000 || used > 2*limit {
		t.Errorf("%d entries in %d bytes with a limit of %d", c.Entries(), used, limit)
	}
	t.Logf("%d entries in %d bytes", c.Entries(), used)
}
