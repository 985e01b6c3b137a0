package pebble

import (
	"cmp"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/notifyctl/notifyctl/pipeline"
)

// A key is kept for its time, however the spans lie that expire together, and
// after a restart too.
func TestKeysAreKeptForTheirTime(t *testing.T) {
	for _, ttl := range []time.Duration{0, time.Minute, 5 * time.Hour, 72 * time.Hour} {
		t.Run(ttl.String(), func(t *testing.T) {
			files, kept := vfs.NewMem(), cmp.Or(ttl, 24*time.Hour)
			now := time.Now().Truncate(time.Millisecond)
			cfg := inMemory(files)
			cfg.KeyTTL, cfg.Now = ttl, func() time.Time { return now }
			claim := pipeline.Claim{Key: pipeline.KeyHash{1}, Body: pipeline.BodyHash{2}, Stamp: pipeline.Stamp{At: now}, Entries: 1}
			standing := func(s *Store, commit bool) pipeline.StandingKind {
				t.Helper()
				claim.Stamp.At = now
				r, err := s.Reserve(t.Context(), []pipeline.Claim{claim})
				if err != nil {
					t.Fatal(err)
				}
				defer r.Release()
				kind := r.Standing()[0].Kind
				if !commit {
					return kind
				}
				n := pipeline.Notification{UserID: "ada", Channel: pipeline.Email, Priority: pipeline.High, Category: pipeline.Promotional}
				if err := r.Commit(t.Context(), []pipeline.Admission{{
					Record: pipeline.Record{ID: pipeline.IDKey{}.Make(now, &n, 1), Notification: n}, Result: pipeline.Result{State: pipeline.Suppressed},
				}}); err != nil {
					t.Fatal(err)
				}
				return kind
			}
			s, err := Open(cfg)
			if err != nil {
				t.Fatal(err)
			}
			if got := standing(s, true); got != pipeline.Fresh {
				t.Errorf("a first claim stands %v", got)
			}
			now = now.Add(kept - time.Millisecond)
			if got := standing(s, false); got != pipeline.Replayed {
				t.Errorf("just before its end a claim stands %v", got)
			}
			closeStore(t, s)
			if s, err = Open(cfg); err != nil {
				t.Fatal(err)
			}
			defer closeStore(t, s)
			if got := standing(s, false); got != pipeline.Replayed {
				t.Errorf("after a restart a claim stands %v", got)
			}
			now = now.Add(time.Millisecond)
			if got := standing(s, false); got != pipeline.Fresh {
				t.Errorf("at its end a claim stands %v", got)
			}
		})
	}
}
