package pipelinetest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// eventually waits for something that the store does by itself.
func (w *world) eventually(what string, is func() bool) {
	w.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); !is(); <-ticker.C {
		if time.Now().After(deadline) {
			w.Fatalf("waited for nothing: %s", what)
		}
	}
}

// full says whether the store takes nothing more.
func (w *world) full(claims ...pipeline.Claim) bool {
	w.Helper()
	r, err := w.store.Reserve(w.Context(), claims)
	if errors.Is(err, pipeline.ErrFull) {
		return true
	}
	w.must(err)
	r.Release()
	return false
}

func fullQueue(_ *testing.T, w *world) {
	w.reopen(StoreLimits{Queue: 64 << 10})
	var ids []pipeline.ID
	for n := 0; !w.full(); {
		if n > 1<<14 {
			w.Fatal("the queue has no end")
		}
		some := make([]pipeline.Notification, 20)
		for i := range some {
			n++
			some[i] = notification("ada", n)
		}
		ids = append(ids, w.commit(some...)...)
	}
	w.crash()
	w.limit("a full queue to be closed after a crash", func() bool { return w.full() })
	w.deliver(w.fetchAll(len(ids))...)
	w.limit("an empty queue to take something", func() bool { return !w.full() })
	for _, id := range ids {
		w.state(id, pipeline.Delivered)
	}
}

func fullKeys(t *testing.T, w *world) {
	if !w.under.BoundsKeys {
		t.Skip("the engine's keys have the limit of their server")
	}
	w.reopen(StoreLimits{Keys: 1000})
	n := uint16(1)
	for ; !w.full(w.claim(n, 1, 1)); n++ {
		if n == 1<<14 {
			w.Fatal("keys have no end")
		}
		w.admit([]pipeline.Claim{w.claim(n, 1, 1)}, w.admissions(0, notification("ada", int(n))))
	}
	if w.full() {
		w.Fatal("without keys nothing is taken either")
	}
	w.crash()
	w.limit("full keys to be closed after a crash", func() bool { return w.full(w.claim(n, 1, 1)) })
}

// limit checks that a limit does what it should, by now or soon.
func (w *world) limit(what string, holds func() bool) {
	w.Helper()
	if !w.under.ExactLimits {
		w.eventually(what, holds)
	} else if !holds() {
		w.Fatalf("the limit is not held: wanted %s", what)
	}
}

// filler ends at ingest and takes a kilobyte of history.
func (w *world) filler(at time.Time, user string) pipeline.ID {
	w.Helper()
	admissions := w.stamped(at, -1, notification(user, 1))
	admissions[0].Result = pipeline.Result{State: pipeline.Suppressed, Reason: strings.Repeat("x", 1000)}
	return w.admit(nil, admissions)[0]
}

const fillers = 20

// noon is the middle of a day before today, far from where days meet.
func noon(daysAgo int) time.Time {
	return time.Now().Truncate(day).Add(day / 2).Add(-time.Duration(daysAgo) * day)
}

// days fills each of the days before today, the oldest first.
func (w *world) days(n int) (ids [][]pipeline.ID) {
	w.Helper()
	ids = make([][]pipeline.ID, n)
	for d := range n {
		for range fillers {
			ids[d] = append(ids[d], w.filler(noon(n-d), "ada"))
		}
		w.settled(ids[d]...)
	}
	return ids
}

func dropsDays(t *testing.T, w *world) {
	if !w.under.DropsDays {
		t.Skip("the engine's history ends by age")
	}
	ids := w.days(5)
	letter := w.die(noon(5), "template", notification("bob", 1))[0]
	// Room for two days and some of a third.
	w.reopen(StoreLimits{History: fillers * 1000 * 3})
	w.eventually("a day to be dropped", func() bool { return w.entry(ids[2][0]).State == 0 })
	check := func() {
		t.Helper()
		for d := range ids {
			want := pipeline.Suppressed
			if d < 3 {
				want = 0
			}
			for _, id := range ids[d] {
				w.state(id, want)
			}
		}
		w.state(letter, 0)
		if l := w.letter(letter); l.State != 0 {
			t.Fatalf("the letter of a dropped day is %+v", l)
		}
		w.wantLetters("left", w.letters(pipeline.DeadFilter{}, everything()), nil)
		w.listed("left", w.list("ada", everything()), append(append([]pipeline.ID{}, ids[3]...), ids[4]...))
		if w.full() {
			t.Fatal("the store takes nothing after it has made room")
		}
		w.account(pipeline.Account{Accepted: 5*fillers + 1, Suppressed: 5 * fillers, Dead: 1})
	}
	check()
	w.crash()
	check()
}

func keepsUnfinished(t *testing.T, w *world) {
	if !w.under.DropsDays {
		t.Skip("the engine's history ends by age")
	}
	queued := w.commitAt(noon(3), notification("bob", 1))[0]
	waiting := w.commitAt(noon(4), notification("eve", 1))[0]
	for _, d := range w.fetchAll(2) {
		if d.ID == waiting {
			w.settle(retrying(d, time.Now().Add(patience)))
		}
	}
	w.crash() // the queued one may have been sent
	ids := w.days(5)
	w.reopen(StoreLimits{History: fillers * 1000})
	// The oldest day goes: nothing of it is unfinished. The next waits.
	w.eventually("nothing to be taken", func() bool { return w.full() })
	w.state(ids[0][0], 0)
	w.state(ids[1][0], pipeline.Suppressed)
	w.state(ids[4][0], pipeline.Suppressed)
	w.state(waiting, pipeline.Retrying)
	w.state(queued, pipeline.Queued)
	w.crash()
	w.eventually("nothing to be taken after a crash", func() bool { return w.full() })
	w.state(waiting, pipeline.Retrying)
	w.state(queued, pipeline.Queued)
	d := w.fetchAll(1)
	if d[0].ID != queued {
		t.Fatalf("handed out is %s", d[0].Ref)
	}
	w.deliver(d...)
	// A smaller day than the one that waits cannot go before it.
	w.state(ids[2][0], pipeline.Suppressed)
	// Without a limit the store is open, whatever it holds.
	w.reopen(StoreLimits{})
	w.eventually("something to be taken", func() bool { return !w.full() })
	w.state(waiting, pipeline.Retrying)
	w.account(pipeline.Account{Accepted: 5*fillers + 2, Suppressed: 5 * fillers, Delivered: 1, InFlight: 1})
}
