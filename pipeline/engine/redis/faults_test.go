package redis

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// bound is within what time every call ends, with room for a busy machine.
const bound = 4 * time.Second

func someClaims(n int, salt byte) []pipeline.Claim {
	claims := make([]pipeline.Claim, n)
	for i := range claims {
		claims[i] = pipeline.Claim{
			Key: pipeline.KeyHash{salt, byte(i), byte(i >> 8)}, Body: pipeline.BodyHash{salt}, Entries: 1,
			Stamp: pipeline.Stamp{At: time.UnixMilli(1_700_000_000_000), First: uint32(i)},
		}
	}
	return claims
}

func queued(n int) [][]pipeline.Result {
	results := make([][]pipeline.Result, n)
	for i := range results {
		results[i] = []pipeline.Result{{State: pipeline.Queued}}
	}
	return results
}

// calls are all that a client does, once each.
func calls(t *testing.T, c *Client) map[string]func() error {
	claims, user := someClaims(50, 7), preferenceKey("ada")
	cache := c.Preferences(time.Minute)
	return map[string]func() error{
		"reserve": func() error { _, err := c.Keys().Reserve(t.Context(), [16]byte{1}, claims); return err },
		"done": func() error {
			return c.Keys().Done(t.Context(), [16]byte{1}, claims, make([]pipeline.Standing, len(claims)), queued(len(claims)))
		},
		"release": func() error {
			return c.Keys().Release(t.Context(), [16]byte{1}, claims, make([]pipeline.Standing, len(claims)))
		},
		"yield": func() error { return c.Keys().Yield(t.Context(), [16]byte{1}, claims) },
		"take": func() error {
			return c.Limits().TakeDaily(t.Context(), time.Now(), []pipeline.PreferenceKey{user}, pipeline.DailyLimits{Email: 5}, make([]bool, 1))
		},
		"return": func() error {
			return c.Limits().ReturnDaily(t.Context(), time.Now(), []pipeline.PreferenceKey{user})
		},
		"get": func() error {
			_, err := cache.Get(t.Context(), []pipeline.PreferenceKey{user}, make([]pipeline.Preference, 1))
			return err
		},
		"set":        func() error { return cache.Set(t.Context(), []*pipeline.Preference{{PreferenceKey: user}}) },
		"invalidate": func() error { return cache.Invalidate(t.Context(), []pipeline.PreferenceKey{user}, 1) },
		"publish":    func() error { return c.Bus().Publish(t.Context(), []pipeline.Invalidation{{UserID: "ada"}}) },
		"subscribe": func() error {
			stop, err := c.Bus().Subscribe(t.Context(), pipeline.Listener{Heard: func([]pipeline.Invalidation) {}, Missed: func() {}})
			if err == nil {
				stop()
			}
			return err
		},
		"check": func() error { return c.Check(t.Context()) },
	}
}

// wantUnavailable sees that every call fails in time.
func wantUnavailable(t *testing.T, c *Client) {
	t.Helper()
	for name, call := range calls(t, c) {
		begun := time.Now()
		if err := call(); !errors.Is(err, pipeline.ErrUnavailable) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want it unavailable in one line", name, err)
		}
		if took := time.Since(begun); took > bound {
			t.Errorf("%s took %v", name, took)
		}
	}
}

// awaitCutOff waits until the bus has noticed that its subscription is lost.
func awaitCutOff(t *testing.T, c *Client) {
	t.Helper()
	await(t, "the bus is cut off", func() bool {
		c.Bus().mu.Lock()
		defer c.Bus().mu.Unlock()
		return !c.Bus().live
	})
}

func wantAvailable(t *testing.T, c *Client) {
	t.Helper()
	for name, call := range calls(t, c) {
		await(t, name+" works again", func() bool { return call() == nil })
	}
}

func TestAwayEveryCallFailsInTime(t *testing.T) {
	s := runServer(t)
	c := open(t, Config{DSN: s.dsn()})
	wantAvailable(t, c)
	s.kill(t)
	awaitCutOff(t, c) // till then another listener joins a subscription that is lost already
	wantUnavailable(t, c)
	s.start(t)
	wantAvailable(t, c)
}

func TestUnreachableEveryCallFailsInTime(t *testing.T) {
	p := runProxy(t, runServer(t).address)
	c := open(t, Config{DSN: DSN{Addresses: []string{p.listener.Addr().String()}}})
	p.swallows.Store(true)
	wantUnavailable(t, c)
}

// An answer is kept over a restart where Redis keeps its data, and the key is
// free where it does not; a reservation likewise.
func TestRestartKeepsWhatRedisKeeps(t *testing.T) {
	for name, c := range map[string]struct {
		args           []string
		answered, held pipeline.StandingKind // 0: running
	}{
		"append only": {[]string{"--appendonly", "yes", "--appendfsync", "always"}, pipeline.Replayed, 0},
		"in memory":   {[]string{"--appendonly", "no"}, pipeline.Fresh, pipeline.Fresh},
	} {
		t.Run(name, func(t *testing.T) {
			s := runServer(t, c.args...)
			keys := open(t, Config{DSN: s.dsn()}).Keys()
			answered, held := someClaims(1, 1), someClaims(1, 2)
			standings := mustReserve(t, keys, [16]byte{1}, answered)
			must(t, keys.Done(t.Context(), [16]byte{1}, answered, standings, queued(1)))
			mustReserve(t, keys, [16]byte{1}, held)
			s.kill(t)
			s.start(t)
			if got := awaitReserve(t, keys, [16]byte{2}, answered)[0].Kind; got != c.answered {
				t.Errorf("what was answered stands as %d, want %d", got, c.answered)
			}
			after, err := keys.Reserve(t.Context(), [16]byte{3}, held)
			if c.held == 0 && !errors.Is(err, pipeline.ErrRunning) || c.held != 0 && (err != nil || after[0].Kind != c.held) {
				t.Errorf("what was held stands as %v, %v; want %d", after, err, c.held)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mustReserve(t *testing.T, k *Keys, h [16]byte, claims []pipeline.Claim) []pipeline.Standing {
	t.Helper()
	standings, err := k.Reserve(t.Context(), h, claims)
	must(t, err)
	return standings
}

// awaitReserve asks until Redis answers again.
func awaitReserve(t *testing.T, k *Keys, h [16]byte, claims []pipeline.Claim) (standings []pipeline.Standing) {
	t.Helper()
	await(t, "redis answers", func() bool {
		var err error
		standings, err = k.Reserve(t.Context(), h, claims)
		if err != nil && !errors.Is(err, pipeline.ErrUnavailable) {
			t.Fatal(err)
		}
		return err == nil
	})
	return standings
}

// Who held keys that were flushed still stores its answer, unless another took
// them meanwhile; scripts that were flushed are sent again.
func TestFlushedWhileHeld(t *testing.T) {
	s := runServer(t)
	keys := open(t, Config{DSN: s.dsn()}).Keys()
	claims := someClaims(2, 1)
	standings := mustReserve(t, keys, [16]byte{1}, claims)
	s.do(t, "flushall")
	s.do(t, "script", "flush")
	mustReserve(t, keys, [16]byte{2}, claims[1:])
	must(t, keys.Done(t.Context(), [16]byte{1}, claims, standings, queued(2)))
	must(t, keys.Release(t.Context(), [16]byte{1}, claims, standings))
	if s := mustReserve(t, keys, [16]byte{3}, claims[:1]); s[0].Kind != pipeline.Replayed {
		t.Errorf("the answer stands as %d", s[0].Kind)
	}
	if _, err := keys.Reserve(t.Context(), [16]byte{3}, claims[1:]); !errors.Is(err, pipeline.ErrRunning) {
		t.Errorf("what another holds gave %v", err)
	}
}

func TestFullMemoryRefusesKeys(t *testing.T) {
	s := runServer(t, "--maxmemory-policy", "noeviction")
	c := open(t, Config{DSN: s.dsn()})
	held := someClaims(1, 9)
	standings := mustReserve(t, c.Keys(), [16]byte{1}, held)
	s.do(t, "config", "set", "maxmemory", "1")
	claims := someClaims(20, 1)
	for _, n := range []int{1, 20} {
		if _, err := c.Keys().Reserve(t.Context(), [16]byte{1}, claims[:n]); !errors.Is(err, pipeline.ErrFull) || errors.Is(err, pipeline.ErrUnavailable) {
			t.Errorf("%d keys gave %v, want the store full", n, err)
		}
	}
	must(t, c.Keys().Release(t.Context(), [16]byte{1}, held, standings)) // which takes no memory
	second := open(t, Config{DSN: s.dsn()})                              // a start goes on without keys
	s.do(t, "config", "set", "maxmemory", "0")
	mustReserve(t, second.Keys(), [16]byte{2}, claims)
}

// While a cluster has no primary for some keys, calls on them fail in time; what
// was taken of a slice is let go, and all goes on when the replica has taken
// over.
func TestClusterPrimaryDies(t *testing.T) {
	servers := runCluster(t)
	c := open(t, Config{DSN: DSN{Addresses: []string{servers[0].address, servers[1].address, servers[2].address}, Cluster: true}})
	home, err := c.Bus().home(t.Context())
	must(t, err)
	missed := make(chan struct{}, 100)
	heard := make(chan string, 1000)
	stop, err := c.Bus().Subscribe(t.Context(), pipeline.Listener{
		Heard: func(all []pipeline.Invalidation) {
			for _, i := range all {
				heard <- i.UserID
			}
		},
		Missed: func() { missed <- struct{}{} },
	})
	must(t, err)
	defer stop()
	wantAvailable(t, c)
	for _, s := range servers {
		if s.address == home.Options().Addr {
			s.kill(t)
		}
	}
	failed := 0
	for n := 0; ; n++ {
		claims := someClaims(100, byte(n+100))
		begun := time.Now()
		standings, err := c.Keys().Reserve(t.Context(), [16]byte{byte(n)}, claims)
		if took := time.Since(begun); took > bound {
			t.Errorf("it took %v", took)
		}
		if err == nil {
			must(t, c.Keys().Done(t.Context(), [16]byte{byte(n)}, claims, standings, queued(len(claims))))
			break
		}
		failed++
		if !errors.Is(err, pipeline.ErrUnavailable) || n > 100 {
			t.Fatalf("it gave %v", err)
		}
	}
	if failed == 0 {
		t.Error("nothing failed: the server that died had none of the keys")
	}
	wantAvailable(t, c)
	<-missed
	await(t, "the bus is heard", func() bool {
		name := fmt.Sprint(time.Now())
		if c.Bus().Publish(t.Context(), []pipeline.Invalidation{{Subject: pipeline.SubjectPreferences, UserID: name}}) != nil {
			return false
		}
		for deadline := time.After(time.Second); ; {
			select {
			case got := <-heard:
				if got == name {
					return true
				}
			case <-deadline:
				return false
			}
		}
	})
}

// A connection whose other end is gone without a word is noticed, and what may
// have been missed is told before anything newer.
func TestHalfOpenSubscriptionIsNoticed(t *testing.T) {
	s := runServer(t)
	dead, alive := runProxy(t, s.address), runProxy(t, s.address)
	c := open(t, Config{DSN: DSN{Addresses: []string{dead.listener.Addr().String()}}})
	told := make(chan string, 100)
	stop, err := c.Bus().Subscribe(t.Context(), pipeline.Listener{
		Heard:  func(all []pipeline.Invalidation) { told <- all[0].UserID },
		Missed: func() { told <- "missed" },
	})
	must(t, err)
	defer stop()
	publisher := open(t, Config{DSN: DSN{Addresses: []string{alive.listener.Addr().String()}}})
	publish := func(user string) {
		t.Helper()
		must(t, publisher.Bus().Publish(t.Context(), []pipeline.Invalidation{{Subject: pipeline.SubjectPreferences, UserID: user}}))
	}
	publish("before")
	if got := <-told; got != "before" {
		t.Fatalf("told %q", got)
	}
	dead.swallows.Store(true)
	publish("lost")
	begun := time.Now()
	awaitCutOff(t, c)
	if took := time.Since(begun); took > 2*(silentFor+pingEvery) {
		t.Errorf("it took %v", took)
	}
	dead.swallows.Store(false)
	if got := <-told; got != "missed" {
		t.Fatalf("told %q, want that something was missed", got)
	}
	publish("after")
	if got := <-told; got != "after" {
		t.Errorf("told %q", got)
	}
}
