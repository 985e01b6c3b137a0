package pipelinetest

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

func dead(d *pipeline.Delivery, reason string) pipeline.Fact {
	now := time.Now()
	return pipeline.Fact{
		Delivery: d, State: pipeline.Dead, Reason: reason, At: now,
		Attempt: pipeline.Attempt{Provider: "sendgrid", At: now, Class: pipeline.Permanent, Error: "no"},
	}
}

// letters reads all pages of a list of dead letters.
func (w *world) letters(f pipeline.DeadFilter, p pipeline.Page) []pipeline.DeadLetter {
	w.Helper()
	return allPages(w.T, p, func(p pipeline.Page) ([]pipeline.DeadLetter, pipeline.Cursor, error) {
		return w.store.Dead(w.Context(), f, p)
	})
}

func (w *world) letter(id pipeline.ID) pipeline.DeadLetter {
	w.Helper()
	letters, err := w.store.DeadByID(w.Context(), []pipeline.ID{id})
	w.must(err)
	return letters[0]
}

func (w *world) wantLetters(what string, got []pipeline.DeadLetter, want []pipeline.ID) {
	w.Helper()
	entries := make([]pipeline.Entry, len(got))
	for i := range got {
		entries[i] = got[i].Entry
		if got[i].Record != nil {
			w.Fatalf("%s: the list holds a record: %+v", what, got[i])
		}
	}
	w.listed(what, entries, want)
}

// die takes notifications in and settles them as dead.
func (w *world) die(at time.Time, reason string, notifications ...pipeline.Notification) []pipeline.ID {
	w.Helper()
	ids := w.commitAt(at, notifications...)
	for _, d := range w.fetchAll(len(ids)) {
		w.settle(dead(d, reason))
	}
	return ids
}

func deadLists(_ *testing.T, w *world) {
	w.wantLetters("of nothing", w.letters(pipeline.DeadFilter{}, everything()), nil)
	now := time.Now()
	old := w.die(now.Add(-2*day), "unregistered", notification("ada", 1), notification("bob", 1))
	today := w.die(now, "template", notification("ada", 2), notification("eve", 1), notification("kim", 1))
	w.deliver(w.fetchAll(len(w.commit(notification("ada", 3))))...)
	push := notification("ada", 4)
	push.Channel = pipeline.Push
	pushed := w.commit(push)
	l := w.lease(pipeline.Push)
	w.must(l.Await(w.Context(), pipeline.High, 1, 0))
	d, err := l.Fetch(w.Context(), pipeline.High, 1)
	w.must(err)
	w.must(w.store.Settle(w.Context(), l, []pipeline.Fact{dead(d[0], "unregistered")}))
	all := append(append(append([]pipeline.ID{}, old...), today...), pushed...)
	for _, limit := range []int{1, 2, 5, pipeline.MaxPage} {
		p := pipeline.Page{Limit: limit}
		for what, c := range map[string]struct {
			filter   pipeline.DeadFilter
			from, to time.Time
			want     []pipeline.ID
		}{
			"all":            {want: all},
			"a channel":      {filter: pipeline.DeadFilter{Channel: pipeline.Push}, want: pushed},
			"another":        {filter: pipeline.DeadFilter{Channel: pipeline.SMS}},
			"a reason":       {filter: pipeline.DeadFilter{Reason: "template"}, want: today},
			"both":           {filter: pipeline.DeadFilter{Channel: pipeline.Email, Reason: "unregistered"}, want: old},
			"up to a day":    {to: now.Add(-day), want: old},
			"from a day on":  {from: now.Add(-day), want: append(append([]pipeline.ID{}, today...), pushed...)},
			"of days before": {to: now.Add(-3 * day)},
		} {
			p.From, p.To = c.from, c.to
			w.wantLetters(fmt.Sprintf("%s by %d", what, limit), w.letters(c.filter, p), c.want)
		}
	}
	e := w.letters(pipeline.DeadFilter{Reason: "unregistered"}, pipeline.Page{Limit: 1})[0]
	if e.State != pipeline.Dead || e.Ref != "ada-4" || e.Queue != push.Queue() || e.UserID != "ada" || e.EndedAt.IsZero() ||
		len(e.Attempts) != 1 || e.Attempts[0].Error != "no" || !e.ReplayedBy.IsZero() || e.Undecodable != nil {
		w.Fatalf("the newest is %+v", e)
	}
	_, cursor, err := w.store.Dead(w.Context(), pipeline.DeadFilter{}, pipeline.Page{Limit: 1})
	w.must(err)
	if _, _, err := w.store.Dead(w.Context(), pipeline.DeadFilter{Reason: "template"}, pipeline.Page{Limit: 1, After: cursor}); !errors.Is(err, pipeline.ErrBadCursor) {
		w.Fatalf("a cursor of another filter gave %v", err)
	}
}

// resend makes an admission of a dead letter.
func (w *world) resend(l pipeline.DeadLetter) pipeline.ID {
	w.Helper()
	admissions := w.admissions(-1, l.Record.Notification)
	admissions[0].ReplayOf = l.ID
	return w.admit(nil, admissions)[0]
}

func replaysDead(_ *testing.T, w *world) {
	n := notification("ada", 1)
	id := w.die(time.Now(), "unregistered", n)[0]
	other := w.die(time.Now(), "unregistered", notification("bob", 1))[0]
	w.crash()
	l := w.letter(id)
	if l.State != pipeline.Dead || l.Record == nil || l.Record.ID != id || !reflect.DeepEqual(l.Record.Notification, n) {
		w.Fatalf("the letter is %+v with the record %+v, want of %+v", l, l.Record, n)
	}
	again := w.resend(l)
	check := func() {
		w.Helper()
		if l := w.letter(id); l.State != pipeline.Dead || l.Record != nil || l.ReplayedBy != again || l.Reason != "unregistered" {
			w.Fatalf("once replayed the letter is %+v, want it replayed by %s", l, again)
		}
		if l := w.letters(pipeline.DeadFilter{}, everything()); len(l) < 2 || l[len(l)-1].ReplayedBy != again || !l[len(l)-2].ReplayedBy.IsZero() {
			w.Fatalf("listed are %+v, want the older replayed by %s", l, again)
		}
		w.state(id, pipeline.Dead)
		w.state(other, pipeline.Dead)
	}
	check()
	w.crash()
	check()
	d := w.fetchAll(1)[0]
	if d.ID != again || d.ReplayOf != id || !reflect.DeepEqual(d.Notification, n) {
		w.Fatalf("sent again is %+v", d)
	}
	w.settle(dead(d, "unregistered"))
	if l := w.letter(again); l.Record == nil || l.ReplayOf != id || !l.ReplayedBy.IsZero() {
		w.Fatalf("what died again is %+v", l)
	}
	check()
	alive := w.commit(notification("eve", 1))[0]
	for what, id := range map[string]pipeline.ID{"a queued one": alive, "no letter": {1}} {
		if l := w.letter(id); l.State != 0 || l.Record != nil {
			w.Errorf("%s is the letter %+v", what, l)
		}
	}
	w.account(pipeline.Account{Accepted: 4, Dead: 3, InFlight: 1})
}
