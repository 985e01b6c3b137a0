package pipelinetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// list reads all pages of a user's list.
func (w *rowWorld) list(user string, p pipeline.Page) []pipeline.ID {
	w.Helper()
	return idsOf(allPages(w.T, p, func(p pipeline.Page) ([]pipeline.Entry, pipeline.Cursor, error) {
		return w.rows.ByUser(w.Context(), user, p)
	}))
}

func (w *rowWorld) listed(what string, got, want []pipeline.ID) {
	w.Helper()
	if !slices.Equal(got, newestFirst(want)) {
		w.Fatalf("%s: listed are %v, want %v", what, got, newestFirst(want))
	}
}

// severalWeeks records outcomes of a user over some weeks, and so over months,
// and of others, and gives the user's ids.
func (w *rowWorld) severalWeeks(user string, weeks, each int) (ids []pipeline.ID) {
	w.Helper()
	var facts []pipeline.Fact
	for week := range weeks {
		for n := range each {
			at := time.Now().Add(-time.Duration(week)*7*day - time.Duration(n)*time.Second)
			d := w.delivery(at, user)
			ids = append(ids, d.ID)
			facts = append(facts, sentFact(d), sentFact(w.delivery(at, w.user(fmt.Sprint("other", n)))))
		}
	}
	w.record(facts...)
	return ids
}

func rowPages(w *rowWorld) {
	ada := w.user("ada")
	ids := w.severalWeeks(ada, 4, 7)
	// Several rows of one notification are one entry.
	retry := retryFact(w.delivery(time.Now().Add(-time.Minute), ada))
	w.record(retry)
	w.record(retryFact(w.again(retry)))
	ids = append(ids, retry.Delivery.ID)
	for _, limit := range []int{1, 2, 7, len(ids) - 1, len(ids), len(ids) + 1, pipeline.MaxPage} {
		w.listed(fmt.Sprint("by ", limit), w.list(ada, pipeline.Page{Limit: limit}), ids)
	}
	for _, unknown := range []string{w.user("nobody"), ada + "a", ada[:len(ada)-1], ""} {
		w.listed(fmt.Sprintf("of %q", unknown), w.list(unknown, everything()), nil)
	}
}

func rowBounds(w *rowWorld) {
	ada := w.user("ada")
	ids := newestFirst(w.severalWeeks(ada, 4, 2))
	for i, from := range ids {
		for j, to := range ids {
			p := pipeline.Page{Limit: 3, From: from.Time(), To: to.Time()}
			var want []pipeline.ID
			if i > j { // from the older on, before the newer
				want = ids[j+1 : i+1]
			}
			w.listed(fmt.Sprintf("from %v to %v", p.From, p.To), w.list(ada, p), want)
		}
	}
	between := ids[3].Time().Add(time.Microsecond)
	w.listed("from just after one", w.list(ada, pipeline.Page{Limit: 9, From: between}), ids[:3])
	w.listed("to just after one", w.list(ada, pipeline.Page{Limit: 9, To: between}), ids[3:])
	w.listed("from the far future", w.list(ada, pipeline.Page{Limit: 9, From: time.Now().AddDate(600, 0, 0)}), nil)
	w.listed("from long ago to the far future", w.list(ada, pipeline.Page{Limit: 9, From: time.Unix(-1e9, 0), To: time.Now().AddDate(600, 0, 0)}), ids)
}

func rowStablePages(w *rowWorld) {
	ada := w.user("ada")
	before := w.severalWeeks(ada, 3, 5)
	var seen []pipeline.ID
	p := pipeline.Page{Limit: 4}
	for {
		entries, next, err := w.rows.ByUser(w.Context(), ada, p)
		w.must(err)
		seen = append(seen, idsOf(entries)...)
		if next == "" {
			break
		}
		p.After = next
		w.ends(time.Now(), ada)
	}
	w.listed("while more was recorded", seen, before)
}

func rowCursors(w *rowWorld) {
	ada := w.user("ada")
	w.severalWeeks(ada, 1, 3)
	p := pipeline.Page{Limit: 1}
	_, cursor, err := w.rows.ByUser(w.Context(), ada, p)
	w.must(err)
	if cursor == "" {
		w.Fatal("a page of one of three has no next")
	}
	refused := func(what, user string, p pipeline.Page) {
		w.Helper()
		if _, _, err := w.rows.ByUser(w.Context(), user, p); !errors.Is(err, pipeline.ErrBadCursor) {
			w.Errorf("%s: gave %v, want %v", what, err, pipeline.ErrBadCursor)
		}
	}
	refused("another user", w.user("bob"), pipeline.Page{Limit: 1, After: cursor})
	refused("other bounds", ada, pipeline.Page{Limit: 1, After: cursor, From: time.Unix(1, 0)})
	refused("cut off", ada, pipeline.Page{Limit: 1, After: cursor[:len(cursor)-1]})
	refused("no cursor", ada, pipeline.Page{Limit: 1, After: "hello"})
	if _, _, err := w.rows.Dead(w.Context(), pipeline.DeadFilter{}, pipeline.Page{Limit: 1, After: cursor}); !errors.Is(err, pipeline.ErrBadCursor) {
		w.Errorf("dead letters: gave %v, want %v", err, pipeline.ErrBadCursor)
	}
}

func rowsAlike(w *rowWorld) {
	one, other := alike()
	at := time.Now().Add(-time.Hour)
	var ones, others []pipeline.ID
	for n := range 5 {
		ones = append(ones, w.ends(at.Add(time.Duration(n)*time.Second), one))
		others = append(others, w.ends(at.Add(time.Duration(n)*time.Second), other))
	}
	// The names are every test's, so that there may be more of them.
	p := pipeline.Page{Limit: 3, From: at.Truncate(time.Millisecond), To: at.Add(5 * time.Second)}
	w.listed("of one", w.list(one, p), ones)
	w.listed("of the other", w.list(other, p), others)
	w.must(w.rows.Erase(w.Context(), one))
	w.listed("of one, erased", w.list(one, everything()), nil)
	w.listed("of the other, kept", w.list(other, p), others)
	for i := range ones {
		if e := w.entry(ones[i]); e.State != 0 {
			w.Fatalf("of an erased user is found %+v", e)
		}
		if e := w.entry(others[i]); e.State != pipeline.Delivered {
			w.Fatalf("of one who is alike is found %+v", e)
		}
	}
}

// letters reads all pages of a list of dead letters.
func (w *rowWorld) letters(f pipeline.DeadFilter, p pipeline.Page) []pipeline.DeadLetter {
	w.Helper()
	return allPages(w.T, p, func(p pipeline.Page) ([]pipeline.DeadLetter, pipeline.Cursor, error) {
		return w.rows.Dead(w.Context(), f, p)
	})
}

func (w *rowWorld) letter(id pipeline.ID) pipeline.DeadLetter {
	w.Helper()
	letters, err := w.rows.DeadByID(w.Context(), []pipeline.ID{id})
	w.must(err)
	return letters[0]
}

// die records that one of a user's died.
func (w *rowWorld) die(at time.Time, c pipeline.Channel, user, reason string) pipeline.ID {
	w.Helper()
	d := w.delivery(at, user)
	d.Channel = c
	d.ID = w.ids.Make(at, &d.Notification, w.ids.Reserve(1))
	w.record(deadFact(d, reason))
	return d.ID
}

func rowLetters(w *rowWorld) {
	now := time.Now()
	gone, template := "gone_"+w.tag, "template_"+w.tag
	ada, bob := w.user("ada"), w.user("bob")
	old := []pipeline.ID{w.die(now.Add(-2*day), pipeline.Email, ada, gone), w.die(now.Add(-2*day-time.Second), pipeline.SMS, bob, gone)}
	today := []pipeline.ID{
		w.die(now, pipeline.Email, ada, gone), w.die(now.Add(-time.Millisecond), pipeline.Push, bob, gone),
		w.die(now.Add(-2*time.Millisecond), pipeline.Email, bob, gone), w.die(now.Add(-time.Hour), pipeline.Push, bob, gone),
	}
	other := w.die(now, pipeline.Push, ada, template)
	w.ends(now, ada)
	for _, limit := range []int{1, 2, 5, pipeline.MaxPage} {
		for what, c := range map[string]struct {
			filter   pipeline.DeadFilter
			from, to time.Time
			want     []pipeline.ID
		}{
			"a reason":      {filter: pipeline.DeadFilter{Reason: gone}, want: slices.Concat(old, today)},
			"another":       {filter: pipeline.DeadFilter{Reason: template}, want: []pipeline.ID{other}},
			"none":          {filter: pipeline.DeadFilter{Reason: w.tag}},
			"a channel":     {filter: pipeline.DeadFilter{Channel: pipeline.Push, Reason: gone}, want: []pipeline.ID{today[1], today[3]}},
			"up to a day":   {filter: pipeline.DeadFilter{Reason: gone}, to: now.Add(-day), want: old},
			"from a day on": {filter: pipeline.DeadFilter{Reason: gone}, from: now.Add(-day), want: today},
			"days before":   {filter: pipeline.DeadFilter{Reason: gone}, to: now.Add(-3 * day)},
		} {
			letters := w.letters(c.filter, pipeline.Page{Limit: limit, From: c.from, To: c.to})
			var ids []pipeline.ID
			for _, l := range letters {
				if ids = append(ids, l.ID); l.Record != nil {
					w.Fatalf("%s: the list holds a record: %+v", what, l)
				}
			}
			w.listed(fmt.Sprintf("%s by %d", what, limit), ids, c.want)
		}
	}
	l := w.letters(pipeline.DeadFilter{Reason: gone}, pipeline.Page{Limit: 1})[0]
	if l.State != pipeline.Dead || l.UserID != ada || l.Reason != gone || l.EndedAt.IsZero() || len(l.Attempts) != 1 ||
		l.Attempts[0].Error != "no such user" || l.Queue != (pipeline.Queue{Channel: pipeline.Email, Priority: today[0].Priority()}) ||
		!l.ReplayedBy.IsZero() || l.Undecodable != nil {
		w.Fatalf("the newest is %+v", l)
	}
	_, cursor, err := w.rows.Dead(w.Context(), pipeline.DeadFilter{Reason: gone}, pipeline.Page{Limit: 1})
	w.must(err)
	if _, _, err := w.rows.Dead(w.Context(), pipeline.DeadFilter{Reason: template}, pipeline.Page{Limit: 1, After: cursor}); !errors.Is(err, pipeline.ErrBadCursor) {
		w.Fatalf("a cursor of another filter gave %v", err)
	}
}
