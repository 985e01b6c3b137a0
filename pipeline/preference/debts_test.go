package preference_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/engine/memory"
	"github.com/notifyctl/notifyctl/pipeline/preference"
)

// interrupted is an L2 that cannot be reached at times, and keeps what it has.
type interrupted struct {
	*memory.Preferences
	away atomic.Bool
}

var errAway = errors.New("no connection")

func (l *interrupted) Get(ctx context.Context, keys []pipeline.PreferenceKey, found []pipeline.Preference) ([]int32, error) {
	if l.away.Load() {
		return nil, errAway
	}
	return l.Preferences.Get(ctx, keys, found)
}

func (l *interrupted) Set(ctx context.Context, preferences []*pipeline.Preference) error {
	if l.away.Load() {
		return errAway
	}
	return l.Preferences.Set(ctx, preferences)
}

func (l *interrupted) Invalidate(ctx context.Context, keys []pipeline.PreferenceKey, version int64) error {
	if l.away.Load() {
		return errAway
	}
	return l.Preferences.Invalidate(ctx, keys, version)
}

// The shared cache holds what was before a change that it was not told of. It
// is passed over by who made the change, whatever that one's own cache forgets,
// and is told once it can be, as the other services are.
func TestAChangeThatL2MissedIsMadeUpFor(t *testing.T) {
	for name, c := range map[string]struct {
		before string
		change func(t *testing.T, s *preference.Service)
		after  string
	}{
		"opt-out": {"y", func(t *testing.T, s *preference.Service) { put(t, s, optedOut("ada")) }, "n"},
		"erasure": {"n", func(t *testing.T, s *preference.Service) {
			if err := s.Erase(t.Context(), "ada"); err != nil {
				t.Fatal(err)
			}
		}, "y"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bus, l2 := newBus(), &interrupted{Preferences: memory.NewPreferences(300*time.Second, 64<<20)}
				shards := openShards(t, &shardSet{}, modulo(2))
				o := preference.Options{TTL: 60 * time.Second, Bus: bus, Subject: pipeline.SubjectPreferences}
				a, b := overShards(t, shards, l2, o), overShards(t, shards, l2, o)
				if c.before == "n" {
					put(t, a, optedOut("ada"))
				}
				wantPromotional(t, a, c.before, "ada")
				wantPromotional(t, b, c.before, "ada")

				bus.mu.Lock()
				bus.err = errAway
				bus.mu.Unlock()
				l2.away.Store(true)
				c.change(t, a)
				time.Sleep(60*time.Second + 500*time.Millisecond) // virtual, as below: a's own cache has forgotten, and it pays its debts by whole seconds
				l2.away.Store(false)
				wantPromotional(t, b, c.before, "ada") // out of L2, or the test would show nothing
				wantPromotional(t, a, c.after, "ada")
				bus.mu.Lock()
				bus.err = nil
				bus.mu.Unlock()
				time.Sleep(2 * time.Second)
				wantPromotional(t, b, c.after, "ada")
				a.Close()
				b.Close()
			})
		})
	}
}
