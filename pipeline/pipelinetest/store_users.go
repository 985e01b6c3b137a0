package pipelinetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

const day = 24 * time.Hour

// commitAt takes notifications in as if at a time.
func (w *world) commitAt(at time.Time, notifications ...pipeline.Notification) []pipeline.ID {
	w.Helper()
	return w.admit(nil, w.stamped(at, -1, notifications...))
}

// endAt takes one in that ends at ingest.
func (w *world) endAt(at time.Time, n pipeline.Notification) pipeline.ID {
	w.Helper()
	admissions := w.stamped(at, -1, n)
	admissions[0].Result = pipeline.Result{State: pipeline.Suppressed, Reason: "opted_out"}
	return w.admit(nil, admissions)[0]
}

// list reads all pages of a user's list.
func (w *world) list(user string, p pipeline.Page) []pipeline.Entry {
	w.Helper()
	return allPages(w.T, p, func(p pipeline.Page) ([]pipeline.Entry, pipeline.Cursor, error) {
		return w.store.ByUser(w.Context(), user, p)
	})
}

// allPages reads a list from a page to its end.
func allPages[E any](t *testing.T, p pipeline.Page, read func(pipeline.Page) ([]E, pipeline.Cursor, error)) (all []E) {
	t.Helper()
	for {
		entries, next, err := read(p)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) > p.Limit {
			t.Fatalf("a page of %d has %d entries", p.Limit, len(entries))
		}
		all = append(all, entries...)
		if next == "" {
			return all
		}
		p.After = next
	}
}

// everything is a page that holds it all.
func everything() pipeline.Page { return pipeline.Page{Limit: pipeline.MaxPage} }

func idsOf(entries []pipeline.Entry) []pipeline.ID {
	ids := make([]pipeline.ID, len(entries))
	for i := range entries {
		ids[i] = entries[i].ID
	}
	return ids
}

// newestFirst orders ids as lists do.
func newestFirst(ids []pipeline.ID) []pipeline.ID {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, func(a, b pipeline.ID) int { return strings.Compare(string(b[:]), string(a[:])) })
	return ids
}

func (w *world) listed(what string, got []pipeline.Entry, want []pipeline.ID) {
	w.Helper()
	if ids := idsOf(got); !slices.Equal(ids, newestFirst(want)) {
		w.Fatalf("%s: listed are %v, want %v", what, ids, newestFirst(want))
	}
}

// severalDays takes in notifications of a user and of others over some days,
// all of which end at once, and gives the user's ids.
func (w *world) severalDays(user string, days, each int) []pipeline.ID {
	w.Helper()
	var ids []pipeline.ID
	now := time.Now()
	for d := range days {
		for n := range each {
			at := now.Add(-time.Duration(d) * day).Add(-time.Duration(n) * time.Second)
			ids = append(ids, w.endAt(at, notification(user, d*each+n)))
			w.endAt(at, notification(fmt.Sprintf("other%d", n), d))
		}
	}
	w.settled(ids...)
	return ids
}

func userPages(_ *testing.T, w *world) {
	ids := w.severalDays("ada", 5, 7)
	for _, limit := range []int{1, 2, 7, len(ids) - 1, len(ids), len(ids) + 1, pipeline.MaxPage} {
		w.listed(fmt.Sprintf("by %d", limit), w.list("ada", pipeline.Page{Limit: limit}), ids)
	}
	e := w.list("ada", pipeline.Page{Limit: 1})[0]
	if e.State != pipeline.Suppressed || e.UserID != "ada" || e.Ref != "ada-0" || e.Reason != "opted_out" || e.EndedAt.IsZero() {
		w.Fatalf("the newest is %+v", e)
	}
	for _, unknown := range []string{"nobody", "ad", "adaa", ""} {
		w.listed(fmt.Sprintf("of %q", unknown), w.list(unknown, everything()), nil)
	}
	w.crash()
	w.listed("after a crash", w.list("ada", pipeline.Page{Limit: 4}), ids)
}

func userBounds(_ *testing.T, w *world) {
	ids := newestFirst(w.severalDays("ada", 4, 5))
	for i, from := range ids {
		for j, to := range ids {
			p := pipeline.Page{Limit: 3, From: from.Time(), To: to.Time()}
			var want []pipeline.ID
			if i > j { // from the older on, before the newer
				want = ids[j+1 : i+1]
			}
			w.listed(fmt.Sprintf("from %v to %v", p.From, p.To), w.list("ada", p), want)
		}
	}
	between := ids[3].Time().Add(time.Microsecond)
	w.listed("from just after one", w.list("ada", pipeline.Page{Limit: 9, From: between}), ids[:3])
	w.listed("to just after one", w.list("ada", pipeline.Page{Limit: 9, To: between}), ids[3:])
	w.listed("from the far future", w.list("ada", pipeline.Page{Limit: 9, From: time.Now().AddDate(600, 0, 0)}), nil)
	w.listed("from long ago to the far future", w.list("ada", pipeline.Page{Limit: 9, From: time.Unix(-1e9, 0), To: time.Now().AddDate(600, 0, 0)}), ids)
}

func userQueued(t *testing.T, w *world) {
	if !w.under.ListsQueued {
		t.Skip("the engine does not list what waits for its first try")
	}
	ids := w.commit(notification("ada", 1), notification("ada", 2), notification("ada", 3), notification("ada", 4))
	states := func(want ...pipeline.State) {
		t.Helper()
		for _, limit := range []int{1, 3, 10} {
			entries := w.list("ada", pipeline.Page{Limit: limit})
			w.listed("all", entries, ids)
			for i, e := range entries {
				at := slices.Index(ids, e.ID)
				if e.State != want[at] || e.Ref != fmt.Sprintf("ada-%d", at+1) || e.UserID != "ada" {
					t.Fatalf("number %d by %d is %+v, want %v", i, limit, e, want[at])
				}
			}
		}
	}
	states(pipeline.Queued, pipeline.Queued, pipeline.Queued, pipeline.Queued)
	d := w.fetchAll(3)
	states(pipeline.Sending, pipeline.Sending, pipeline.Sending, pipeline.Queued)
	w.settle(retrying(d[0], time.Now().Add(time.Hour)), delivered(d[1]))
	states(pipeline.Retrying, pipeline.Delivered, pipeline.Sending, pipeline.Queued)
}

func stablePages(_ *testing.T, w *world) {
	before := w.severalDays("ada", 3, 10)
	var seen []pipeline.ID
	p := pipeline.Page{Limit: 4}
	for n := 0; ; n++ {
		entries, next, err := w.store.ByUser(w.Context(), "ada", p)
		w.must(err)
		seen = append(seen, idsOf(entries)...)
		if next == "" {
			break
		}
		p.After = next
		w.settled(w.endAt(time.Now(), notification("ada", 100+n)))
		w.commit(notification("ada", 200+n))
		w.endAt(time.Now().Add(-day/2), notification("bob", n))
	}
	if !slices.Equal(seen, newestFirst(before)) {
		w.Fatalf("the pages gave %v, want what was there before the first: %v", seen, newestFirst(before))
	}
}

func foreignCursors(_ *testing.T, w *world) {
	w.severalDays("ada", 1, 3)
	p := pipeline.Page{Limit: 1}
	_, cursor, err := w.store.ByUser(w.Context(), "ada", p)
	w.must(err)
	if cursor == "" {
		w.Fatal("a page of one of three has no next")
	}
	for what, c := range map[string]struct {
		user   string
		cursor pipeline.Cursor
		from   time.Time
	}{
		"another user":  {user: "bob", cursor: cursor},
		"other bounds":  {user: "ada", cursor: cursor, from: time.Unix(1, 0)},
		"cut off":       {user: "ada", cursor: cursor[:len(cursor)-1]},
		"with one more": {user: "ada", cursor: cursor + "A"},
		"no cursor":     {user: "ada", cursor: "hello"},
	} {
		p.After, p.From = c.cursor, c.from
		if _, _, err := w.store.ByUser(w.Context(), c.user, p); !errors.Is(err, pipeline.ErrBadCursor) {
			w.Errorf("%s: gave %v, want %v", what, err, pipeline.ErrBadCursor)
		}
	}
	p.After, p.From = cursor, time.Time{}
	if _, _, err := w.store.Dead(w.Context(), pipeline.DeadFilter{}, p); !errors.Is(err, pipeline.ErrBadCursor) {
		w.Errorf("dead letters: gave %v, want %v", err, pipeline.ErrBadCursor)
	}
}

// alike finds two users whose hashes are alike.
func alike() (one, other string) {
	users := map[uint32]string{}
	for n := 0; ; n++ {
		user := fmt.Sprint("user", n)
		hash := pipeline.UserHash(user)
		if known, found := users[hash]; found {
			return known, user
		}
		users[hash] = user
	}
}

func collidingUsers(_ *testing.T, w *world) {
	one, other := alike()
	var ones, others []pipeline.ID
	for n := range 10 {
		at := time.Now().Add(-time.Duration(n) * day / 3)
		ones = append(ones, w.endAt(at, notification(one, n)))
		others = append(others, w.endAt(at, notification(other, n)))
	}
	w.settled(append(slices.Clone(ones), others...)...)
	w.listed("one", w.list(one, pipeline.Page{Limit: 3}), ones)
	w.listed("the other", w.list(other, pipeline.Page{Limit: 3}), others)
	waiting := w.commit(notification(other, 10))[0]
	w.must(w.store.Erase(w.Context(), one))
	for _, id := range ones {
		w.state(id, 0)
	}
	for _, id := range others {
		w.state(id, pipeline.Suppressed)
	}
	if w.under.TellsAlikeApart {
		w.state(waiting, pipeline.Queued)
	}
	d := w.fetchAll(1)
	if w.under.TellsAlikeApart {
		w.sending(waiting)
	}
	w.deliver(d...)
	w.state(waiting, pipeline.Delivered)
	w.listed("one, erased", w.list(one, everything()), nil)
	w.listed("the other, kept", w.list(other, everything()), append(others, waiting))
}
