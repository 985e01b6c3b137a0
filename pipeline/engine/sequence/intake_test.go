package sequence

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// reserve makes a claim and its admission.
func (w *world) reserve(ctx context.Context) (pipeline.Reservation, []pipeline.Admission, error) {
	n := to("ada")
	claim := pipeline.Claim{Key: pipeline.KeyHash{1}, Body: pipeline.BodyHash{1}, Entries: 1, Stamp: pipeline.Stamp{At: time.Now(), First: 7}}
	r, err := w.store.Reserve(ctx, []pipeline.Claim{claim})
	if err != nil {
		return nil, nil, err
	}
	s := r.Standing()[0]
	return r, []pipeline.Admission{{
		Record: pipeline.Record{ID: pipeline.IDKey{1}.Make(s.Stamp.At, &n, s.Stamp.First), Notification: n},
		Result: pipeline.Result{State: pipeline.Queued},
	}}, nil
}

func (w *world) standing() pipeline.StandingKind {
	w.Helper()
	r, _, err := w.reserve(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	defer r.Release()
	return r.Standing()[0].Kind
}

// failing has one step give an error, once, and counts what is passed.
func (w *world) failing(name string) (passed map[string]int) {
	passed = map[string]int{}
	w.boundary = func(boundary string) fault {
		passed[boundary]++
		if boundary == name && passed[boundary] == 1 {
			return away
		}
		return nothing
	}
	return passed
}

// What a failed commit leaves of its keys, by the step that failed.
func TestWhatAFailedCommitLeavesOfItsKeys(t *testing.T) {
	for _, c := range []struct {
		failed string
		err    error
		then   pipeline.StandingKind
	}{
		{"before append", pipeline.ErrUnavailable, pipeline.Fresh},
		{"after append", pipeline.ErrAmbiguous, pipeline.Resumed},
		{"before done", nil, pipeline.Replayed}, // it is tried again
		{"after done", nil, pipeline.Replayed},
	} {
		inWorld(t, nil, func(w *world) {
			w.failing(c.failed)
			r, admissions, err := w.reserve(w.Context())
			if err != nil {
				w.Fatal(err)
			}
			if err := r.Commit(w.Context(), admissions); !errors.Is(err, c.err) {
				w.Errorf("%s: committing gave %v, want %v", c.failed, err, c.err)
			}
			r.Release()
			if then := w.standing(); then != c.then {
				w.Errorf("%s: the key then stands %v, want %v", c.failed, then, c.then)
			}
		})
	}
}

// Keys that stay away when all is written leave the request open.
func TestKeysThatStayAwayMakeACommitAmbiguous(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		r, admissions, err := w.reserve(w.Context())
		if err != nil {
			w.Fatal(err)
		}
		w.awayUntil(time.Hour, "before done")
		began := time.Now()
		if err := r.Commit(w.Context(), admissions); !errors.Is(err, pipeline.ErrAmbiguous) {
			w.Errorf("it gave %v", err)
		}
		r.Release()
		if took := time.Since(began); took > commitTime {
			w.Errorf("it took %v", took)
		}
		if then := w.standing(); then != pipeline.Resumed {
			w.Errorf("the key then stands %v", then)
		}
	})
}

// A client that goes away before the commit takes nothing with it; one that goes
// away meanwhile undoes nothing.
func TestACommitDoesNotEndWithItsClient(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		ctx, cancel := context.WithCancel(w.Context())
		r, admissions, err := w.reserve(ctx)
		if err != nil {
			w.Fatal(err)
		}
		cancel()
		if err := r.Commit(ctx, admissions); !errors.Is(err, pipeline.ErrUnavailable) {
			w.Errorf("it gave %v", err)
		}
		r.Release()
		w.wantAccount(pipeline.Account{})
		if then := w.standing(); then != pipeline.Fresh {
			w.Errorf("the key then stands %v", then)
		}
	})
	inWorld(t, nil, func(w *world) {
		ctx, cancel := context.WithCancel(w.Context())
		r, admissions, err := w.reserve(ctx)
		if err != nil {
			w.Fatal(err)
		}
		w.boundary = func(string) fault {
			cancel()
			return nothing
		}
		if err := r.Commit(ctx, admissions); err != nil {
			w.Errorf("it gave %v", err)
		}
		r.Release()
		w.wantAccount(pipeline.Account{Accepted: 1, InFlight: 1})
		if then := w.standing(); then != pipeline.Replayed {
			w.Errorf("the key then stands %v", then)
		}
	})
}

// What comes late after its reservation, or was begun before, is to be checked.
func TestWhatMayBeQueuedTwiceIsChecked(t *testing.T) {
	for pause, want := range map[time.Duration]bool{0: false, promptness: false, promptness + time.Second: true} {
		inWorld(t, nil, func(w *world) {
			r, admissions, err := w.reserve(w.Context())
			if err != nil {
				w.Fatal(err)
			}
			time.Sleep(pause)
			entries := r.(*reservation).entries(admissions)
			if entries[0].Check != want {
				w.Errorf("after %v it is checked: %v", pause, entries[0].Check)
			}
			r.(*reservation).yield(w.Context())
			again, admissions, err := w.reserve(w.Context())
			if err != nil {
				w.Fatal(err)
			}
			if entries := again.(*reservation).entries(admissions); !entries[0].Check {
				w.Error("what is resumed is not checked")
			}
		})
	}
}

// Nobody waits for the deadline of keys that may have been reserved.
func TestAReservationThatFailedIsGivenUp(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.failing("after reserve")
		if _, _, err := w.reserve(w.Context()); !errors.Is(err, pipeline.ErrUnavailable) {
			w.Fatalf("it gave %v", err)
		}
		if then := w.standing(); then != pipeline.Resumed {
			w.Errorf("the key then stands %v", then)
		}
	})
}

// Without a key the store of keys is not asked at all.
func TestWithoutAKeyNoKeysAreAsked(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		passed := w.failing("")
		r, err := w.store.Reserve(w.Context(), nil)
		if err != nil {
			w.Fatal(err)
		}
		n := to("ada")
		if err := r.Commit(w.Context(), []pipeline.Admission{{
			Record: pipeline.Record{ID: pipeline.ID{1}, Notification: n}, Result: pipeline.Result{State: pipeline.Queued}, Claim: -1,
		}}); err != nil {
			w.Fatal(err)
		}
		r.Release()
		if len(passed) != 2 || passed["before append"] != 1 || passed["after append"] != 1 {
			w.Errorf("passed were %v", passed)
		}
	})
}
