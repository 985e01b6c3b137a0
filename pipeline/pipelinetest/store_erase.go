package pipelinetest

import (
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// gone checks that nothing of a user is found.
func (w *world) gone(user string, ids []pipeline.ID) {
	w.Helper()
	for _, id := range ids {
		w.state(id, 0)
		if l := w.letter(id); l.State != 0 || l.Record != nil {
			w.Fatalf("the letter of an erased user is %+v", l)
		}
	}
	w.listed("of an erased user", w.list(user, everything()), nil)
	for _, l := range w.letters(pipeline.DeadFilter{}, everything()) {
		if l.UserID == user {
			w.Fatalf("a letter of an erased user is listed: %+v", l)
		}
	}
}

func erases(_ *testing.T, w *world) {
	w.must(w.store.Erase(w.Context(), "nobody"))
	ada := append(w.severalDays("ada", 3, 3), w.die(time.Now(), "template", notification("ada", 9))...)
	bob := append(w.severalDays("bob", 3, 3), w.die(time.Now(), "template", notification("bob", 9))...)
	account, err := w.store.Account(w.Context())
	w.must(err)
	check := func() {
		w.Helper()
		w.gone("ada", ada)
		w.listed("of another", w.list("bob", everything()), bob)
		if l := w.letter(bob[9]); l.Record == nil || l.Record.UserID != "bob" {
			w.Fatalf("the letter of another is %+v", l)
		}
		w.account(account) // what was accepted ended as it did
		if _, err := w.store.RunOutcomes(w.Context(), "ada"); err != nil {
			w.Fatalf("a load run's outcomes are gone with a user: %v", err)
		}
	}
	w.must(w.store.Erase(w.Context(), "ada"))
	check()
	w.must(w.store.Erase(w.Context(), "ada"))
	check()
	w.crash()
	check()
	w.must(w.store.Erase(w.Context(), "ada"))
	w.shut()
	w.open()
	check()
}

func erasesQueued(_ *testing.T, w *world) {
	ada := w.commit(notification("ada", 1), notification("ada", 2))
	w.settle(retrying(w.fetchAll(1)[0], time.Now().Add(50*time.Millisecond)))
	bob := w.commit(notification("bob", 1))
	w.must(w.store.Erase(w.Context(), "ada"))
	w.gone("ada", ada)
	w.account(pipeline.Account{Accepted: 3, InFlight: 3})
	w.crash()
	w.gone("ada", ada)
	delivered := false // it may come before, between or after the others
	for suppressed := int64(0); suppressed < 2 || !delivered; {
		for _, d := range w.fetch(10) {
			if d.ID != bob[0] {
				w.Fatalf("%s of an erased user was handed out", d.Ref)
			}
			w.deliver(d)
			delivered = true
		}
		a, err := w.store.Account(w.Context())
		w.must(err)
		suppressed = a.Suppressed
	}
	w.gone("ada", ada)
	w.crash()
	w.gone("ada", ada)
	w.account(pipeline.Account{Accepted: 3, Delivered: 1, Suppressed: 2})
	w.nothingDue()
}

func erasesSending(_ *testing.T, w *world) {
	ada := w.commit(notification("ada", 1), notification("ada", 2), notification("ada", 3))
	d := w.fetchAll(3)
	w.must(w.store.Erase(w.Context(), "ada"))
	w.gone("ada", ada)
	w.settle(delivered(d[0]), dead(d[1], "template"), retrying(d[2], time.Now()))
	w.gone("ada", ada)
	want := pipeline.Account{Accepted: 3, Delivered: 1, Dead: 1, Suppressed: 1}
	w.account(want)
	w.settle(delivered(d[0]), dead(d[1], "template"), retrying(d[2], time.Now()))
	w.account(want)
	w.crash()
	w.gone("ada", ada)
	w.nothingDue()
	w.account(want)
}

// What lies between the mark and the frontier is read again after a crash; that
// some of it had ended must not be forgotten with its user.
func erasesBeforeCrash(_ *testing.T, w *world) {
	one, other := alike() // so that they share a partition
	first := w.commit(notification(other, 1))
	ones := w.commit(notification(one, 1), notification(one, 2), notification(one, 3))
	d := w.fetchAll(4)
	w.settle(delivered(d[1]), dead(d[2], "template")) // beyond the mark
	w.must(w.store.Erase(w.Context(), one))
	w.crash()
	left := w.fetchAll(1)[0]
	if left.ID != first[0] || !left.Doubt {
		w.Fatalf("handed out is %+v, want the other user's, in doubt", left)
	}
	w.deliver(left)
	w.nothingDue()
	w.gone(one, ones)
	w.account(pipeline.Account{Accepted: 4, Delivered: 2, Dead: 1, Suppressed: 1})
}

func erasedAndBack(_ *testing.T, w *world) {
	before := w.commit(notification("ada", 1))
	w.must(w.store.Erase(w.Context(), "ada"))
	after := w.commit(notification("ada", 2))
	w.state(after[0], pipeline.Queued)
	for {
		d := w.fetch(10)
		if len(d) == 0 {
			continue
		}
		if len(d) != 1 || d[0].ID != after[0] {
			w.Fatalf("handed out are %d, the first %s", len(d), d[0].Ref)
		}
		w.deliver(d...)
		break
	}
	w.state(before[0], 0)
	w.state(after[0], pipeline.Delivered)
	w.listed("of a user who is back", w.list("ada", everything()), after)
	w.must(w.store.Erase(w.Context(), "ada"))
	w.gone("ada", append(before, after...))
}
