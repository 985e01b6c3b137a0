package preference_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/engine/memory"
	"github.com/notifyctl/notifyctl/pipeline/preference"
)

func email(user string) pipeline.PreferenceKey {
	return pipeline.PreferenceKey{UserID: user, Channel: pipeline.Email}
}

func optedOut(user string) pipeline.Preference {
	return pipeline.Preference{PreferenceKey: email(user), Transactional: true}
}

// promotional looks keys up and says which take promotional notifications.
func promotional(t testing.TB, s *preference.Service, users ...string) string {
	t.Helper()
	var keys []pipeline.PreferenceKey
	for _, user := range users {
		keys = append(keys, email(user))
	}
	out := ""
	for i, p := range lookup(t, s, keys) {
		if p.PreferenceKey != keys[i] {
			t.Fatalf("place %d has %+v, want %+v", i, p.PreferenceKey, keys[i])
		}
		if p.Promotional {
			out += "y"
		} else {
			out += "n"
		}
	}
	return out
}

func reads(stores []*store) int64 {
	n := int64(0)
	for _, s := range stores {
		n += s.reads.Load()
	}
	return n
}

func put(t testing.TB, s *preference.Service, preferences ...pipeline.Preference) {
	t.Helper()
	if err := s.Put(context.Background(), preferences); err != nil {
		t.Fatal(err)
	}
}

// Over any number of shards, lookups answer as a map does, whatever is cached.
func TestServiceFollowsAModel(t *testing.T) {
	user := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g"})
	rapid.Check(t, func(rt *rapid.T) {
		s, _ := newService(t, rapid.IntRange(1, 5).Draw(rt, "shards"), preference.Options{
			Local: rapid.Bool().Draw(rt, "local"), Entries: rapid.IntRange(1, 5).Draw(rt, "entries"),
		})
		model := map[string]bool{}
		for range rapid.IntRange(1, 10).Draw(rt, "steps") {
			if rapid.Bool().Draw(rt, "put") {
				var written []pipeline.Preference
				for _, u := range rapid.SliceOfNDistinct(user, 0, 4, rapid.ID).Draw(rt, "written") {
					p := optedOut(u)
					p.Promotional = rapid.Bool().Draw(rt, "promotional")
					written, model[u] = append(written, p), !p.Promotional
				}
				put(t, s, written...)
			}
			users := rapid.SliceOfN(user, 0, 8).Draw(rt, "users") // also one twice
			want := ""
			for _, u := range users {
				want += map[bool]string{true: "n", false: "y"}[model[u]]
			}
			if got := promotional(t, s, users...); got != want {
				rt.Fatalf("%v: got %s, want %s", users, got, want)
			}
		}
	})
}

func TestLookupsAreCachedByLevel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stores := newService(t, 3, preference.Options{TTL: 60 * time.Second})
		put(t, s, optedOut("b"))
		before := reads(stores)
		check := func(wantReads int64) {
			t.Helper()
			if got := promotional(t, s, "a", "b", "c"); got != "yny" {
				t.Errorf("got %s", got)
			}
			if got := reads(stores) - before; got != wantReads {
				t.Errorf("%d keys were read from the store, want %d", got, wantReads)
			}
		}
		check(2) // b is cached by its put; that a and c said nothing is cached too
		check(2)
		time.Sleep(61 * time.Second) // virtual: L1 has forgotten
		check(2)
		time.Sleep(300 * time.Second) // virtual: so has L2
		check(5)
		l1, l2 := s.Stats()
		want1 := preference.LevelStats{Hits: 1 + 3, Misses: 2 + 3 + 3, Entries: 3}
		want2 := preference.LevelStats{Hits: 3, Misses: 2 + 3, Entries: 3}
		if l1 != want1 || l2 != want2 {
			t.Errorf("counted %+v and %+v, want %+v and %+v", l1, l2, want1, want2)
		}
		s.Close()
	})
}

// A read that was under way when a preference was put must not bring the older
// value back, not even when the newer one was evicted meanwhile.
func TestALateReadNeverReplacesANewerValue(t *testing.T) {
	for _, entries := range []int{1000, 1} {
		t.Run(fmt.Sprint("entries=", entries), func(t *testing.T) {
			l2 := &lossy{Preferences: memory.NewPreferences(time.Hour, 64<<20)}
			s, stores := overL2(t, 1, l2, preference.Options{Entries: entries, TTL: time.Hour})
			reading, release := make(chan struct{}), make(chan struct{})
			stores[0].read = func(keys []pipeline.PreferenceKey) {
				if len(keys) == 1 && keys[0] == email("u") {
					stores[0].mu.Lock()
					stores[0].read = nil
					stores[0].mu.Unlock()
					close(reading)
					<-release
				}
			}
			late := make(chan string)
			go func() { late <- promotional(t, s, "u") }()
			<-reading // it has read that u said nothing
			put(t, s, optedOut("u"))
			if entries == 1 {
				l2.lose()
				for i := range 100 {
					promotional(t, s, fmt.Sprint("other", i))
				}
			}
			close(release)
			if got := <-late; got != "y" {
				t.Errorf("the late read got %s", got)
			}
			if got := promotional(t, s, "u"); got != "n" {
				t.Error("the late read brought the older value back")
			}
		})
	}
}

// lossy is an L2 that can lose all that it has.
type lossy struct{ *memory.Preferences }

func (l *lossy) lose() {
	l.Preferences = memory.NewPreferences(time.Hour, 64<<20)
}

// What Put has returned from, every later lookup sees, however many lookups
// and puts there are at once.
func TestPutsAreSeenByLaterLookups(t *testing.T) {
	s, _ := newService(t, 2, preference.Options{Entries: 3})
	var wg sync.WaitGroup
	for w := range 4 {
		user := fmt.Sprint("writer", w)
		wg.Go(func() {
			for i := range 300 {
				p := optedOut(user)
				p.Promotional = i%2 == 0
				if err := s.Put(context.Background(), []pipeline.Preference{p}); err != nil {
					t.Error(err)
					return
				}
				var got [1]pipeline.Preference
				err := s.Lookup(context.Background(), []pipeline.PreferenceKey{email(user)}, got[:])
				if err != nil || got[0].Promotional != p.Promotional {
					t.Errorf("round %d: %+v, %v", i, got, err)
					return
				}
			}
		})
		wg.Go(func() {
			for i := range 300 {
				keys := []pipeline.PreferenceKey{email(user), email(fmt.Sprint("reader", i%20)), email(fmt.Sprint("writer", i%4))}
				if err := s.Lookup(context.Background(), keys, make([]pipeline.Preference, len(keys))); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestAShardThatFailsIsAnError(t *testing.T) {
	s, stores := newService(t, 2, preference.Options{})
	down := errors.New("down")
	var users [2]string // one of each shard
	router := preference.NewRouter(modulo(2))
	for i := range 100 {
		user := fmt.Sprint("u", i)
		users[router.Shard(user)] = user
	}
	put(t, s, optedOut(users[0]))
	stores[1].fail(down)
	if got := promotional(t, s, users[0]); got != "n" {
		t.Errorf("a user of the other shard: %s", got)
	}
	keys := []pipeline.PreferenceKey{email(users[0]), email(users[1]), email("new" + users[0])}
	if err := s.Lookup(t.Context(), keys, make([]pipeline.Preference, len(keys))); !errors.Is(err, down) {
		t.Errorf("got %v", err)
	}
	// The write of the shard that works is seen, the other's is not.
	p := optedOut(users[0])
	p.Promotional = true
	if err := s.Put(t.Context(), []pipeline.Preference{p, optedOut(users[1])}); !errors.Is(err, down) {
		t.Errorf("put: %v", err)
	}
	stores[1].fail(nil)
	if got := promotional(t, s, users[0], users[1]); got != "yy" {
		t.Errorf("after half a put: %s", got)
	}
}

func TestACancelledPutIsAnErrorAndChangesNothing(t *testing.T) {
	s, _ := newService(t, 1, preference.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Put(ctx, []pipeline.Preference{optedOut("u")}); !errors.Is(err, context.Canceled) {
		t.Errorf("put: %v", err)
	}
	if got := promotional(t, s, "u"); got != "y" {
		t.Errorf("got %s", got)
	}
}

// broken is an L2 that answers nothing.
type broken struct{}

func (broken) Get(_ context.Context, keys []pipeline.PreferenceKey, found []pipeline.Preference) ([]int32, error) {
	// Half an answer, and a wrong one, then the end of the connection.
	found[0] = pipeline.Preference{PreferenceKey: keys[0], Version: 1 << 60}
	return nil, errors.New("no connection")
}

func (broken) Set(context.Context, []*pipeline.Preference) error { return errors.New("no connection") }

func (broken) Invalidate(context.Context, []pipeline.PreferenceKey, int64) error {
	return errors.New("no connection")
}
func (broken) Entries() int { return 0 }

func TestAnL2ThatFailsCostsNoAnswer(t *testing.T) {
	s, _ := overL2(t, 2, broken{}, preference.Options{Entries: 1})
	put(t, s, optedOut("a"), optedOut("b"))
	if got := promotional(t, s, "a", "b", "c"); got != "nny" {
		t.Errorf("got %s", got)
	}
	if _, l2 := s.Stats(); l2.Errors == 0 || l2.Hits != 0 {
		t.Errorf("counted %+v", l2)
	}
}

// The keys of a lookup are parts of a request's body: what is cached must not
// keep the whole body alive.
func TestCachesShareNoMemoryWithTheirKeys(t *testing.T) {
	for _, local := range []bool{false, true} {
		s, _ := newService(t, 1, preference.Options{Local: local})
		keys := func() []pipeline.PreferenceKey { return []pipeline.PreferenceKey{email(strings.Clone("somebody"))} }
		first := keys()
		lookup(t, s, first)
		got := lookup(t, s, keys())
		if got[0].UserID != "somebody" || unsafe.StringData(got[0].UserID) == unsafe.StringData(first[0].UserID) {
			t.Errorf("cached %+v", got)
		}
	}
}

// Before a local L2 a miss reads and caches all that its user said, by one read
// for all that ask.
func TestAMissBeforeALocalL2ReadsAllChannels(t *testing.T) {
	s, stores := newService(t, 1, preference.Options{Local: true})
	var written []pipeline.Preference
	for _, c := range pipeline.Channels() {
		p := pipeline.Preference{PreferenceKey: pipeline.PreferenceKey{UserID: "ada", Channel: c}, Addresses: []string{c.String()}}
		written = append(written, p)
	}
	if err := stores[0].Write(t.Context(), written[1:]); err != nil {
		t.Fatal(err)
	}
	ask := func(users string, channels ...pipeline.Channel) {
		t.Helper()
		var keys []pipeline.PreferenceKey
		for _, c := range channels {
			for _, user := range users {
				keys = append(keys, pipeline.PreferenceKey{UserID: map[rune]string{'a': "ada", 'b': "bob"}[user], Channel: c})
			}
		}
		for i, p := range lookup(t, s, keys) {
			want := ""
			if keys[i].UserID == "ada" && keys[i].Channel != written[0].Channel {
				want = keys[i].Channel.String()
			}
			if p.PreferenceKey != keys[i] || strings.Join(p.Addresses, " ") != want || p.Promotional != (want == "") {
				t.Errorf("%+v is %+v, want %q", keys[i], p, want)
			}
		}
	}
	ask("aba", pipeline.SMS, pipeline.Push)
	before := reads(stores)
	ask("ab", pipeline.Channels()...)
	if n := reads(stores) - before; n != 0 {
		t.Errorf("%d keys were read again", n)
	}
	l1, l2 := s.Stats()
	want1, want2 := preference.LevelStats{Misses: 12}, preference.LevelStats{Hits: 6, Misses: 6, Entries: 2}
	if l1 != want1 || l2 != want2 {
		t.Errorf("counted %+v and %+v, want %+v and %+v", l1, l2, want1, want2)
	}
}

func lookup(t testing.TB, s *preference.Service, keys []pipeline.PreferenceKey) []pipeline.Preference {
	t.Helper()
	found := make([]pipeline.Preference, len(keys))
	if err := s.Lookup(context.Background(), keys, found); err != nil {
		t.Fatal(err)
	}
	return found
}

// BenchmarkLookup asks for a slice of users that a local L2 has, as a load run
// draws them; the figures are of one key.
func BenchmarkLookup(b *testing.B) {
	const slice = 100
	for _, users := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprint("users=", users), func(b *testing.B) {
			l2 := memory.NewPreferences(time.Hour, 256<<20)
			s, _ := overL2(b, 4, l2, preference.Options{Local: true})
			keys := make([]pipeline.PreferenceKey, users)
			for i := range keys {
				keys[i] = email(fmt.Sprintf("user-%08d", i))
			}
			for from := 0; from < users; from += 1000 {
				var written []*pipeline.Preference
				for _, key := range keys[from : from+1000] {
					for _, c := range pipeline.Channels() {
						key.Channel = c
						written = append(written, &pipeline.Preference{PreferenceKey: key, Addresses: []string{key.UserID + "@example.com"}, Version: 1})
					}
				}
				if err := l2.Set(context.Background(), written); err != nil {
					b.Fatal(err)
				}
			}
			drawn := make([]pipeline.PreferenceKey, slice)
			b.ReportAllocs()
			for b.Loop() {
				for i := range drawn {
					drawn[i] = keys[rand.IntN(users)]
				}
				lookup(b, s, drawn)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/slice, "ns/key")
			if _, l := s.Stats(); l.Misses > l.Hits/1000 { // the ring may have lost a few
				b.Errorf("%d of %d missed", l.Misses, l.Hits+l.Misses)
			}
		})
	}
}
