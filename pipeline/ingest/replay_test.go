package ingest_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/engine/pebble"
)

// graveyard is a stage over a real store that holds dead letters.
type graveyard struct {
	*stage
	store *pebble.Store
}

func newGraveyard(t *testing.T) *graveyard {
	t.Helper()
	store := newStore(t)
	return &graveyard{newStage(store), store}
}

// bury makes a dead letter of each notification, a millisecond apart, and gives
// their ids.
func (g *graveyard) bury(t *testing.T, notifications ...pipeline.Notification) []pipeline.ID {
	t.Helper()
	reservation, err := g.store.Reserve(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reservation.Release()
	var admissions []pipeline.Admission
	var ids []pipeline.ID
	first := g.ids.Reserve(len(notifications))
	for i, n := range notifications {
		id := g.ids.Make(noon().Add(time.Duration(i-1000)*time.Millisecond), &n, first+uint32(i))
		admissions = append(admissions, pipeline.Admission{
			Record: pipeline.Record{ID: id, Notification: n},
			Result: pipeline.Result{State: pipeline.Dead, Reason: "unregistered"}, Claim: -1,
		})
		ids = append(ids, id)
	}
	if err := reservation.Commit(t.Context(), admissions); err != nil {
		t.Fatal(err)
	}
	return ids
}

func (g *graveyard) replay(t *testing.T, r pipeline.Replay) []pipeline.Replacement {
	t.Helper()
	made, err := g.Replay(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func (g *graveyard) account(t *testing.T) pipeline.Account {
	t.Helper()
	a, err := g.store.Account(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func push(user string) pipeline.Notification {
	n := welcome(user)
	n.Channel, n.To = pipeline.Push, "token-"+user
	return n
}

func TestReplayMakesANewNotificationOnce(t *testing.T) {
	g := newGraveyard(t)
	dead := g.bury(t, welcome("ada"), push("bob"))
	first := g.replay(t, pipeline.Replay{IDs: []pipeline.ID{dead[1], dead[0]}})
	if len(first) != 2 || first[0].Dead != dead[1] || first[1].Dead != dead[0] {
		t.Fatalf("got %v for %v", first, dead)
	}
	for _, made := range first {
		entries, err := g.store.ByID(t.Context(), []pipeline.ID{made.New, made.Dead})
		if err != nil {
			t.Fatal(err)
		}
		if entries[0].State != pipeline.Queued || entries[1].State != pipeline.Dead {
			t.Errorf("the new one is %v, and the dead one %v", entries[0].State, entries[1].State)
		}
		if !made.New.Time().Equal(noon()) {
			t.Errorf("the new one was accepted at %v", made.New.Time())
		}
	}
	// Whoever asks again, and however, learns of the same.
	for _, r := range []pipeline.Replay{
		{IDs: []pipeline.ID{dead[1], dead[0]}},
		{IDs: []pipeline.ID{dead[1], dead[0]}, Client: "other", Key: "k"},
		{IDs: []pipeline.ID{dead[1], dead[0]}, Client: "other", Key: "k"},
	} {
		if again := g.replay(t, r); !slices.Equal(again, first) {
			t.Errorf("asked again by %q it answered %v, first %v", r.Client, again, first)
		}
	}
	if a := g.account(t); a.Accepted != 4 || a.Dead != 2 || a.InFlight != 2 {
		t.Errorf("the account is %+v", a)
	}
	if g.counts.replayed != 6 || g.counts.accepted[pipeline.Queue{Channel: pipeline.Push, Priority: pipeline.Normal}] != 1 {
		t.Errorf("observed %+v", g.counts)
	}
}

func TestReplayByFilterIsRepeatedByItsKey(t *testing.T) {
	g := newGraveyard(t)
	dead := g.bury(t, welcome("ada"), push("bob"), push("eve"))
	byFilter := pipeline.Replay{Client: "desk", Key: "k", Filter: pipeline.DeadFilter{Channel: pipeline.Push}}
	first := g.replay(t, byFilter)
	if len(first) != 2 || first[0].Dead != dead[2] || first[1].Dead != dead[1] {
		t.Fatalf("chose %v of %v, want the newest first", first, dead)
	}
	later := g.bury(t, push("zoe"))
	if again := g.replay(t, byFilter); !slices.Equal(again, first) {
		t.Errorf("repeated it answered %v, first %v", again, first)
	}
	other := byFilter
	other.Filter.Channel = pipeline.Email
	if _, err := g.Replay(t.Context(), other); !errors.Is(err, pipeline.ErrConflict) {
		t.Errorf("the same key with another filter: %v", err)
	}
	// The key of another client is another key, and what is left is chosen.
	other = byFilter
	other.Client = "shop"
	if got := g.replay(t, other); len(got) != 1 || got[0].Dead != later[0] {
		t.Errorf("another client's request chose %v", got)
	}
	if got := g.replay(t, pipeline.Replay{Filter: byFilter.Filter}); len(got) != 0 {
		t.Errorf("everything is replayed, and %v was chosen", got)
	}
	if a := g.account(t); a.Accepted != 4+3 || a.InFlight != 3 {
		t.Errorf("the account is %+v", a)
	}
}

func TestReplayIsBounded(t *testing.T) {
	g := newGraveyard(t)
	var notifications []pipeline.Notification
	for range pipeline.MaxReplay {
		notifications = append(notifications, push("bob"))
	}
	g.bury(t, notifications...)
	g.bury(t, notifications[:5]...)
	byFilter := pipeline.Replay{Key: "k"}
	first := g.replay(t, byFilter)
	if len(first) != pipeline.MaxReplay {
		t.Fatalf("%d were replayed", len(first))
	}
	if again := g.replay(t, byFilter); !slices.Equal(again, first) {
		t.Error("repeated it answered otherwise")
	}
	if rest := g.replay(t, pipeline.Replay{}); len(rest) != 5 {
		t.Errorf("%d were left", len(rest))
	}
}

func TestReplayIsAllOrNothing(t *testing.T) {
	g := newGraveyard(t)
	dead := g.bury(t, welcome("ada"))
	queued := g.accept(t, submission(welcome("bob")))[0].ID
	for name, id := range map[string]pipeline.ID{"a queued one": queued, "a made-up one": {1, 2, 3}} {
		_, err := g.Replay(t.Context(), pipeline.Replay{IDs: []pipeline.ID{dead[0], id}})
		not, ok := errors.AsType[*pipeline.NotReplayableError](err)
		if !ok || not.Index != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if a := g.account(t); a.Accepted != 2 {
		t.Errorf("the account is %+v", a)
	}
}

// What its user wants by now holds for a replay, too.
func TestReplayAsksWhatItsUserWants(t *testing.T) {
	g := newGraveyard(t)
	g.preferences.rows[pipeline.PreferenceKey{UserID: "ada", Channel: pipeline.Email}] = pipeline.Preference{Promotional: true}
	late := welcome("bob")
	late.ExpiresAt = noon()
	dead := g.bury(t, welcome("ada"), late)
	made := g.replay(t, pipeline.Replay{IDs: dead})
	entries, err := g.store.ByID(t.Context(), []pipeline.ID{made[0].New, made[1].New})
	if err != nil {
		t.Fatal(err)
	}
	if entries[0].State != pipeline.Suppressed || entries[1].State != pipeline.Expired || entries[0].ReplayOf != dead[0] {
		t.Errorf("became %+v", entries)
	}
}

func TestReplayedByManyAtOnce(t *testing.T) {
	g := newGraveyard(t)
	dead := g.bury(t, welcome("ada"), push("bob"))
	var mu sync.Mutex
	var wg sync.WaitGroup
	answers := map[pipeline.Replacement]bool{}
	for i := range 16 {
		wg.Go(func() {
			ids := dead
			if i%2 == 1 {
				ids = []pipeline.ID{dead[1], dead[0]}
			}
			for {
				made, err := g.Replay(t.Context(), pipeline.Replay{IDs: ids})
				if errors.Is(err, pipeline.ErrRunning) {
					continue
				}
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				for _, m := range made {
					answers[m] = true
				}
				mu.Unlock()
				return
			}
		})
	}
	wg.Wait()
	if len(answers) != 2 {
		t.Errorf("they were told %v", answers)
	}
	if a := g.account(t); a.Accepted != 4 || a.InFlight != 2 {
		t.Errorf("the account is %+v", a)
	}
}

func TestReplayNeedsTheStore(t *testing.T) {
	g := newGraveyard(t)
	dead := g.bury(t, welcome("ada"))
	g.preferences.err = errAway
	if _, err := g.Replay(t.Context(), pipeline.Replay{IDs: dead}); !errors.Is(err, pipeline.ErrUnavailable) {
		t.Errorf("without preferences: %v", err)
	}
	g.preferences.err = nil
	if made := g.replay(t, pipeline.Replay{IDs: dead}); len(made) != 1 {
		t.Errorf("afterwards: %v", made)
	}
}
