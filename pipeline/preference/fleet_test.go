package preference_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/engine/memory"
	"github.com/notifyctl/notifyctl/pipeline/preference"
)

// unreliable is a bus that can lose what is published.
type unreliable struct {
	*memory.Bus
	mu        sync.Mutex
	losing    bool
	err       error
	listeners []pipeline.Listener
}

func newBus() *unreliable { return &unreliable{Bus: memory.NewBus()} }

func (b *unreliable) Publish(ctx context.Context, all []pipeline.Invalidation) error {
	b.mu.Lock()
	losing, err := b.losing, b.err
	b.mu.Unlock()
	if losing || err != nil {
		return err
	}
	return b.Bus.Publish(ctx, all)
}

func (b *unreliable) Subscribe(ctx context.Context, l pipeline.Listener) (func(), error) {
	b.mu.Lock()
	b.listeners = append(b.listeners, l)
	b.mu.Unlock()
	return b.Bus.Subscribe(ctx, l)
}

// lose loses what is published from now on, or no more; what was lost is told
// of then.
func (b *unreliable) lose(losing bool) {
	b.mu.Lock()
	lost := b.losing && !losing
	b.losing = losing
	listeners := b.listeners
	b.mu.Unlock()
	if lost {
		for _, l := range listeners {
			l.Missed()
		}
	}
}

// fleet is two processes over the same shards, with one L2 and a bus.
type fleet struct {
	set  *shardSet
	bus  *unreliable
	l2   *memory.Preferences
	a, b *preference.Service
}

func newFleet(t *testing.T) *fleet {
	f := &fleet{set: &shardSet{}, bus: newBus(), l2: memory.NewPreferences(300*time.Second, 64<<20)}
	shards := openShards(t, f.set, modulo(2))
	o := preference.Options{TTL: 60 * time.Second, Bus: f.bus, Subject: pipeline.SubjectPreferences}
	f.a, f.b = overShards(t, shards, f.l2, o), overShards(t, shards, f.l2, o)
	return f
}

func wantPromotional(t *testing.T, s *preference.Service, want string, users ...string) {
	t.Helper()
	if got := promotional(t, s, users...); got != want {
		t.Errorf("%v: got %s, want %s", users, got, want)
	}
}

func TestAChangeIsSeenEverywhere(t *testing.T) {
	f := newFleet(t)
	for _, s := range []*preference.Service{f.a, f.b} {
		wantPromotional(t, s, "yy", "ada", "bob")
	}
	put(t, f.a, optedOut("ada"))
	wantPromotional(t, f.b, "ny", "ada", "bob")
	again := optedOut("ada")
	again.Promotional = true
	put(t, f.b, again)
	wantPromotional(t, f.a, "y", "ada")
	put(t, f.b, optedOut("ada"))
	wantPromotional(t, f.a, "n", "ada")
	if err := f.a.Erase(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*preference.Service{f.a, f.b} {
		wantPromotional(t, s, "y", "ada")
	}
	put(t, f.b, optedOut("ada")) // who comes back is not kept out by a tombstone
	for _, s := range []*preference.Service{f.a, f.b} {
		wantPromotional(t, s, "n", "ada")
	}
}

// What the bus loses is believed no longer than the process's own cache keeps
// it: the shared one was told by who changed it.
func TestALostMessageIsMadeUpForInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		wantPromotional(t, f.b, "y", "ada")
		f.bus.lose(true)
		time.Sleep(30 * time.Second) // virtual, as all below
		put(t, f.a, optedOut("ada"))
		wantPromotional(t, f.b, "y", "ada") // or the test would show nothing
		time.Sleep(31 * time.Second)
		wantPromotional(t, f.b, "n", "ada")

		// Once it is known that something was lost, at once.
		wantPromotional(t, f.b, "y", "bob")
		put(t, f.a, optedOut("bob"))
		wantPromotional(t, f.b, "y", "bob")
		f.bus.lose(false)
		wantPromotional(t, f.b, "n", "bob")
		f.a.Close()
		f.b.Close()
	})
}

// With a shared cache that does not hear of it either, a value is at most as
// old as both together.
func TestStalenessIsBoundedByBothCaches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := &shardSet{}
		shards := openShards(t, set, modulo(1))
		l2 := memory.NewPreferences(300*time.Second, 64<<20)
		s := overShards(t, shards, l2, preference.Options{TTL: 60 * time.Second})
		wantPromotional(t, s, "y", "ada")
		if err := shards.Write(t.Context(), []pipeline.Preference{optedOut("ada")}); err != nil { // past every cache
			t.Fatal(err)
		}
		seen := time.Duration(0)
		for ; promotional(t, s, "ada") == "y"; seen += time.Second {
			time.Sleep(time.Second) // virtual
		}
		if seen < 150*time.Second || seen > 360*time.Second {
			t.Errorf("it was seen after %v", seen)
		}
		s.Close()
	})
}

// A read that was under way in one process while another changed or erased what
// it reads leaves the old value in no cache.
func TestALateReadElsewhereNeverReplacesANewerValue(t *testing.T) {
	for name, change := range map[string]func(context.Context, *preference.Service) error{
		"change": func(ctx context.Context, s *preference.Service) error {
			p := optedOut("ada")
			p.Promotional = true
			return s.Put(ctx, []pipeline.Preference{p})
		},
		"erasure": func(ctx context.Context, s *preference.Service) error { return s.Erase(ctx, "ada") },
	} {
		for _, lost := range []bool{false, true} { // the message, too
			t.Run(fmt.Sprint(name, "/lost=", lost), func(t *testing.T) {
				f := newFleet(t)
				if err := f.set.stores[preference.NewRouter(modulo(2)).Shard("ada")].Write(t.Context(), []pipeline.Preference{optedOut("ada")}); err != nil {
					t.Fatal(err)
				}
				reading, release := make(chan struct{}), make(chan struct{})
				var held atomic.Bool
				for _, store := range f.set.stores {
					store.read = func([]pipeline.PreferenceKey) {
						if held.CompareAndSwap(false, true) {
							close(reading)
							<-release
						}
					}
				}
				f.bus.lose(lost)
				late := make(chan string)
				go func() { late <- promotional(t, f.b, "ada") }()
				<-reading // it has read the opt-out
				if err := change(t.Context(), f.a); err != nil {
					t.Fatal(err)
				}
				f.bus.lose(false) // and it is told that something may be lost
				close(release)
				if got := <-late; got != "n" {
					t.Errorf("the late read got %s", got)
				}
				wantPromotional(t, f.a, "y", "ada")
				wantPromotional(t, f.b, "y", "ada")
			})
		}
	}
}

func TestABusThatFailsCostsNoChange(t *testing.T) {
	f := newFleet(t)
	f.bus.err = errors.New("no connection")
	put(t, f.a, optedOut("ada"), optedOut("bob"))
	wantPromotional(t, f.a, "nn", "ada", "bob")
	if n := f.a.Untold(); n != 2 {
		t.Errorf("%d changes were not told, want 2", n)
	}
}

// Lookups that miss the same keys at once share one read of each.
func TestReadsOfOneKeyAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stores := newService(t, 1, preference.Options{})
		release := make(chan struct{})
		stores[0].read = func([]pipeline.PreferenceKey) { <-release }
		var wg sync.WaitGroup
		for i := range 20 {
			users := []string{"a", "b", "c"}[:1+i%3]
			wg.Go(func() { promotional(t, s, users...) })
			synctest.Wait()
		}
		if n := stores[0].reads.Load(); n != 3 {
			t.Errorf("%d keys were read, want 3", n)
		}
		close(release)
		wg.Wait()
		s.Close()
	})
}

// Who looks up after a change does not join a read from before it.
func TestASharedReadIsNotFromBeforeAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Without an L2, and with a bus by which it hears its own change, it has
		// to read the shard after that.
		s, stores := overL2(t, 1, broken{}, preference.Options{Bus: newBus(), Subject: pipeline.SubjectPreferences})
		var held atomic.Bool
		release := make(chan struct{})
		stores[0].read = func([]pipeline.PreferenceKey) {
			if held.CompareAndSwap(false, true) {
				<-release
			}
		}
		old := make(chan string, 1)
		go func() { old <- promotional(t, s, "ada") }()
		synctest.Wait()
		put(t, s, optedOut("ada"))
		after := make(chan string, 1)
		go func() { after <- promotional(t, s, "ada") }()
		synctest.Wait()
		close(release)
		if was, is := <-old, <-after; was != "y" || is != "n" {
			t.Errorf("the read from before got %s, the one after %s", was, is)
		}
		s.Close()
	})
}

// A read that fails, as one does whose lookup is given up, fails no other
// lookup.
func TestASharedReadThatFailsIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stores := newService(t, 1, preference.Options{})
		release := make(chan struct{})
		stores[0].wait = release
		ctx, cancel := context.WithCancel(t.Context())
		first := make(chan error, 1)
		go func() {
			first <- s.Lookup(ctx, []pipeline.PreferenceKey{email("ada")}, make([]pipeline.Preference, 1))
		}()
		synctest.Wait()
		second := make(chan string, 1)
		go func() { second <- promotional(t, s, "ada") }()
		synctest.Wait()
		cancel()
		if err := <-first; !errors.Is(err, context.Canceled) {
			t.Errorf("the first got %v", err)
		}
		close(release)
		if got := <-second; got != "y" {
			t.Errorf("the second got %s", got)
		}
		s.Close()
	})
}

// directory is a process that knows addresses, too.
type directory struct{ *preference.Directory }

func newDirectory(t testing.TB, shards *preference.Shards, bus pipeline.Bus, l2s [2]*memory.Preferences) directory {
	t.Helper()
	users := overShards(t, shards, l2s[0], preference.Options{Bus: bus, Subject: pipeline.SubjectPreferences})
	addresses := overShards(t, shards, l2s[1], preference.Options{Bus: bus, Subject: pipeline.SubjectAddresses})
	d, err := preference.NewDirectory(context.Background(), users, addresses, preference.AddressOptions{Key: pipeline.IDKey{1, 2, 3}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return directory{d}
}

// wantAddresses says which addresses take promotional e-mail.
func (d directory) wantAddresses(t *testing.T, want string, addresses ...string) {
	t.Helper()
	recipients := make([]pipeline.Recipient, len(addresses))
	for i, a := range addresses {
		recipients[i] = pipeline.Recipient{Channel: pipeline.Email, Address: a}
	}
	found, err := d.LookupAddresses(t.Context(), recipients)
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for i := range recipients {
		got += map[bool]string{true: "y", false: "n"}[found == nil || found[i].Promotional]
	}
	if got != want {
		t.Errorf("%v: got %s, want %s", addresses, got, want)
	}
}

func says(user string, promotional bool, addresses ...string) []pipeline.Preference {
	return []pipeline.Preference{{PreferenceKey: email(user), Transactional: true, Promotional: promotional, Addresses: addresses}}
}

func (d directory) put(t *testing.T, p []pipeline.Preference) {
	t.Helper()
	if err := d.Put(t.Context(), p); err != nil {
		t.Fatal(err)
	}
}

func newL2s(t testing.TB) [2]*memory.Preferences {
	l2s := [2]*memory.Preferences{memory.NewPreferences(300*time.Second, 1<<20), memory.NewPreferences(300*time.Second, 1<<20)}
	return l2s
}

func TestAnOptOutHoldsForTheAddress(t *testing.T) {
	set, bus, l2s := &shardSet{}, newBus(), newL2s(t)
	shards := openShards(t, set, jumpHash(3))
	a, b := newDirectory(t, shards, bus, l2s), newDirectory(t, shards, bus, l2s)
	for _, d := range []directory{a, b} {
		d.wantAddresses(t, "yy", "ada@x.com", "bob@x.com")
	}
	a.put(t, says("ada", true, "ada@x.com")) // says nothing against
	a.wantAddresses(t, "yy", "ada@x.com", "bob@x.com")
	a.put(t, says("ada", false, "new@x.com")) // for the one known before, too
	everywhere := func(want string) {
		t.Helper()
		for _, d := range []directory{a, b, newDirectory(t, shards, bus, newL2s(t))} { // the last has just started
			d.wantAddresses(t, want, "bob@x.com", "ADA@x.com", "new@x.com")
		}
	}
	everywhere("ynn")
	b.put(t, says("ada", true, "ada@x.com")) // in again, by that address alone
	everywhere("yyn")
	b.put(t, says("ada", false, "ada@x.com"))
	if err := a.Erase(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	everywhere("ynn")
	if err := shards.Reshard(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	if p := awaitMove(t, shards); p.Err != nil {
		t.Fatal(p.Err)
	}
	everywhere("ynn")
}

// An opt-out elsewhere that no message told of is noticed at the refresh.
func TestALostOptOutOfAnAddressIsNoticedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set, bus, l2s := &shardSet{}, newBus(), newL2s(t)
		shards := openShards(t, set, jumpHash(3))
		a, b := newDirectory(t, shards, bus, l2s), newDirectory(t, shards, bus, l2s)
		bus.lose(true)
		time.Sleep(10 * time.Second) // virtual, as all below
		for i := range 3_000 {       // more than there was room for
			a.put(t, says(fmt.Sprint("user", i), false, fmt.Sprintf("%d@x.com", i)))
		}
		b.wantAddresses(t, "yyy", "7@x.com", "2999@x.com", "other@x.com") // or the test would show nothing
		time.Sleep(291 * time.Second)
		b.wantAddresses(t, "nny", "7@x.com", "2999@x.com", "other@x.com")
		a.put(t, says("ada", false, "ada@x.com"))
		b.wantAddresses(t, "y", "ada@x.com")
		bus.lose(false)
		synctest.Wait()
		b.wantAddresses(t, "n", "ada@x.com")
		for _, d := range []directory{a, b} {
			d.Close()
		}
	})
}

func TestRetractions(t *testing.T) {
	set, bus, l2s := &shardSet{}, newBus(), newL2s(t)
	d := newDirectory(t, openShards(t, set, jumpHash(3)), bus, l2s)
	d.put(t, says("ada", true, "old@x.com", "ada@x.com"))
	d.put(t, says("bob", true, "bob@x.com"))
	retract := func(user, address string, optedOut bool) {
		t.Helper()
		for range 2 { // it may be repeated
			if err := d.Retract(t.Context(), []pipeline.Retraction{{PreferenceKey: email(user), Address: address, OptedOut: optedOut}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := func(user, want string) {
		t.Helper()
		var got [1]pipeline.Preference
		err := d.Lookup(t.Context(), []pipeline.PreferenceKey{email(user)}, got[:])
		if s := fmt.Sprint(got[0].Transactional, got[0].Promotional, got[0].Addresses); err != nil || s != want {
			t.Errorf("%s has %s, %v, want %s", user, s, err, want)
		}
	}
	retract("ada", "old@x.com", false)
	want("ada", "true true [ada@x.com]")
	d.wantAddresses(t, "yy", "old@x.com", "ada@x.com")
	retract("ada", "ada@x.com", true)
	want("ada", "false false [ada@x.com]")
	d.wantAddresses(t, "n", "ada@x.com")
	retract("bob", "elsewhere@x.com", true) // no address of bob's: he is not opted out by it
	want("bob", "true true [bob@x.com]")
	d.wantAddresses(t, "ny", "elsewhere@x.com", "bob@x.com")
}

// BenchmarkLookupAddresses: the time is of one address. Of the first nothing was
// said at all; of the second nothing of those asked for.
func BenchmarkLookupAddresses(b *testing.B) {
	for _, optedOut := range []int{0, 10_000} {
		b.Run(fmt.Sprint("opted_out=", optedOut), func(b *testing.B) {
			set, bus, l2s := &shardSet{}, newBus(), newL2s(b)
			d := newDirectory(b, openShards(b, set, jumpHash(3)), bus, l2s)
			for i := range optedOut {
				if err := d.Put(context.Background(), says(fmt.Sprint("user", i), false, fmt.Sprintf("%d@x.com", i))); err != nil {
					b.Fatal(err)
				}
			}
			recipients := make([]pipeline.Recipient, 100)
			for i := range recipients {
				recipients[i] = pipeline.Recipient{Channel: pipeline.Email, Address: fmt.Sprintf("user-%08d@example.com", i)}
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.LookupAddresses(context.Background(), recipients); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(recipients)), "ns/address")
		})
	}
}
