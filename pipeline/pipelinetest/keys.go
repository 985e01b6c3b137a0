package pipelinetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// IdempotencyKeys is a store of idempotency keys for the sequence of several
// stores that an intake may be made of.
type IdempotencyKeys interface {
	Reserve(ctx context.Context, holder [16]byte, claims []pipeline.Claim) ([]pipeline.Standing, error)
	Done(ctx context.Context, holder [16]byte, claims []pipeline.Claim, standings []pipeline.Standing, results [][]pipeline.Result) error
	Release(ctx context.Context, holder [16]byte, claims []pipeline.Claim, standings []pipeline.Standing) error
	Yield(ctx context.Context, holder [16]byte, claims []pipeline.Claim) error
}

// KeyTimes are how long keys last.
type KeyTimes struct {
	Reservation time.Duration // until the deadline of a reservation
	TTL         time.Duration // of an answer
}

// Keys runs the conformance suite of [IdempotencyKeys]. open gives a store,
// which may be shared: every test uses keys of its own.
func Keys(t *testing.T, open func(t *testing.T, times KeyTimes) IdempotencyKeys) {
	t.Helper()
	long, short := KeyTimes{time.Hour, time.Hour}, KeyTimes{300 * time.Millisecond, time.Hour}
	for _, c := range []struct {
		name  string
		times KeyTimes
		test  func(w *keyWorld)
	}{
		{"answers a repeated request as the first", long, keysReplay},
		{"keeps large answers with their reasons", long, keysLargeAnswers},
		{"takes slices of any length", long, keysSlices},
		{"refuses another body", long, keysConflict},
		{"refuses what is running, and says which", long, keysRunning},
		{"takes all or none, and puts back what it took", long, keysAllOrNone},
		{"frees what was released, but what was resumed stays resumable", long, keysRelease},
		{"lets go on under the same stamp what was yielded", long, keysYield},
		{"does nothing to another holder's keys", long, keysHolders},
		{"may be asked the same again", long, keysRepeat},
		{"stores the answer of a key that is gone", long, keysGone},
		{"lets another go on after the deadline, and the first do nothing more", short, keysDeadline},
		{"stores an answer after the deadline when nobody else came", short, keysLate},
		{"holds nothing beyond the deadline for a request that was cut off", short, keysCancelled},
		{"forgets answers after their time", KeyTimes{time.Hour, 300 * time.Millisecond}, keysExpire},
		{"gives equal slices at the same time to one of them", long, keysEqualSlices},
		{"gives each of many contested keys to one", long, keysRaces},
		{"follows a model", long, keysModel},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(&keyWorld{T: t, keys: open(t, c.times)}) })
	}
}

func keysReplay(w *keyWorld) {
	h, claims := unique(), w.claims(3)
	standings := w.reserve(h, claims, pipeline.Fresh)
	results := [][]pipeline.Result{
		{{State: pipeline.Queued}},
		{{State: pipeline.Suppressed, Reason: "opted_out"}},
		{{State: pipeline.Queued}, {State: pipeline.Dead, Reason: "no address, \u00e4 \x00"}, {State: pipeline.Queued}},
	}
	w.done(h, claims, standings, results...)
	for range 2 { // a replay takes nothing
		for i, s := range w.reserve(unique(), later(claims), pipeline.Replayed) {
			w.wantStamp(s, claims[i].Stamp)
			w.wantResults(s, results[i])
		}
	}
	mixed := append(later(claims[:1]), w.claims(1)...)
	other := unique()
	w.done(other, mixed, w.reserve(other, mixed, pipeline.Replayed, pipeline.Fresh))
	w.wantStamp(w.reserve(unique(), later(mixed), pipeline.Replayed)[0], claims[0].Stamp)
	if none, err := w.keys.Reserve(w.Context(), unique(), nil); err != nil || len(none) != 0 {
		w.Fatalf("no claims gave %+v, %v", none, err)
	}
	w.must(w.keys.Done(w.Context(), unique(), nil, nil, nil))
	w.must(w.keys.Release(w.Context(), unique(), nil, nil))
	w.must(w.keys.Yield(w.Context(), unique(), nil))
}

func keysLargeAnswers(w *keyWorld) {
	h, claims := unique(), w.claims(2)
	results := [][]pipeline.Result{make([]pipeline.Result, pipeline.MaxSlice), make([]pipeline.Result, pipeline.MaxSlice)}
	for i := range pipeline.MaxSlice {
		results[0][i] = pipeline.Result{State: pipeline.Dead, Reason: fmt.Sprint("reason ", i, strings.Repeat("x", i%50))}
		results[1][i] = pipeline.Result{State: pipeline.Queued}
	}
	w.done(h, claims, w.reserve(h, claims, pipeline.Fresh), results...)
	for i, s := range w.reserve(unique(), later(claims), pipeline.Replayed) {
		w.wantResults(s, results[i])
	}
}

func keysSlices(w *keyWorld) {
	for _, n := range []int{1, 100, pipeline.MaxSlice} {
		h, claims := unique(), w.claims(n)
		standings := w.reserve(h, claims, pipeline.Fresh)
		w.refused(unique(), later(claims[n-1:]), 0, pipeline.ErrRunning)
		w.done(h, claims, standings)
		for i, s := range w.reserve(unique(), later(claims), pipeline.Replayed) {
			w.wantStamp(s, claims[i].Stamp)
		}
	}
}

// withBody is a claim of the same keys for another request.
func withBody(claims []pipeline.Claim) []pipeline.Claim {
	others := later(claims)
	for i := range others {
		others[i].Body = unique()
	}
	return others
}

func keysConflict(w *keyWorld) {
	h, claims := unique(), w.claims(2)
	standings := w.reserve(h, claims, pipeline.Fresh)
	w.refused(unique(), withBody(claims[:1]), 0, pipeline.ErrRunning) // it may still be released
	w.done(h, claims[:1], standings[:1])
	w.yield(h, claims[1:])
	beside := w.claims(1)
	w.refused(unique(), append(beside, withBody(claims[:1])...), 1, pipeline.ErrConflict)
	w.refused(unique(), withBody(claims[1:]), 0, pipeline.ErrConflict)
	w.reserve(unique(), later(beside), pipeline.Fresh)
	w.reserve(unique(), later(claims), pipeline.Replayed, pipeline.Resumed)
}

func keysRunning(w *keyWorld) {
	h, claims := unique(), w.claims(1)
	standings := w.reserve(h, claims, pipeline.Fresh)
	w.refused(unique(), append(w.claims(2), later(claims)...), 2, pipeline.ErrRunning)
	w.release(h, claims, standings)
	w.reserve(unique(), later(claims), pipeline.Fresh)
}

func keysAllOrNone(w *keyWorld) {
	h, held := unique(), w.claims(1)
	w.reserve(h, held, pipeline.Fresh)
	begun := w.claims(1)
	w.reserve(h, begun, pipeline.Fresh)
	w.yield(h, begun)
	claims := append(append(append(w.claims(1), later(begun)...), later(held)...), w.claims(1)...)
	w.refused(unique(), claims, 2, pipeline.ErrRunning)
	rest := later([]pipeline.Claim{claims[0], claims[1], claims[3]})
	standings := w.reserve(unique(), rest, pipeline.Fresh, pipeline.Resumed, pipeline.Fresh)
	w.wantStamp(standings[1], begun[0].Stamp)
}

func keysRelease(w *keyWorld) {
	h, claims := unique(), w.claims(2)
	w.reserve(h, claims, pipeline.Fresh)
	w.yield(h, claims[1:])
	second := later(claims)
	w.release(h, claims[:1], []pipeline.Standing{{Kind: pipeline.Fresh, Stamp: claims[0].Stamp}})
	other := unique()
	standings := w.reserve(other, second, pipeline.Fresh, pipeline.Resumed)
	w.release(other, second, standings)
	w.release(other, second, standings)
	standings = w.reserve(unique(), later(claims), pipeline.Fresh, pipeline.Resumed)
	w.wantStamp(standings[1], claims[1].Stamp)
}

func keysYield(w *keyWorld) {
	first, claims := unique(), w.claims(3)
	w.reserve(first, claims, pipeline.Fresh)
	w.yield(first, claims)
	second := unique()
	standings := w.reserve(second, later(claims), pipeline.Resumed)
	for i, s := range standings {
		w.wantStamp(s, claims[i].Stamp)
	}
	w.yield(second, claims)
	third := unique()
	standings = w.reserve(third, later(claims), pipeline.Resumed)
	w.done(third, later(claims), standings)
	for i, s := range w.reserve(unique(), later(claims), pipeline.Replayed) {
		w.wantStamp(s, claims[i].Stamp)
	}
}

func keysHolders(w *keyWorld) {
	holder, stranger, claims := unique(), unique(), w.claims(2)
	standings := w.reserve(holder, claims, pipeline.Fresh)
	w.release(stranger, claims, standings)
	w.yield(stranger, claims)
	w.done(stranger, claims, standings, []pipeline.Result{{State: pipeline.Dead, Reason: "a stranger's"}})
	w.refused(unique(), later(claims[:1]), 0, pipeline.ErrRunning)
	w.refused(unique(), later(claims[1:]), 0, pipeline.ErrRunning)
	w.done(holder, claims, standings)
	// What is done is nobody's.
	w.release(holder, claims, standings)
	w.yield(holder, claims)
	w.done(stranger, claims, standings, []pipeline.Result{{State: pipeline.Dead, Reason: "a stranger's"}})
	w.wantResults(w.reserve(unique(), later(claims), pipeline.Replayed)[0], queuedResults())
}

func keysRepeat(w *keyWorld) {
	h, claims := unique(), w.claims(2)
	for range 2 {
		w.reserve(h, claims, pipeline.Fresh)
	}
	w.yield(h, claims[1:])
	w.yield(h, claims[1:])
	other := unique()
	var resumed []pipeline.Standing
	for range 2 {
		resumed = w.reserve(other, later(claims[1:]), pipeline.Resumed)
		w.wantStamp(resumed[0], claims[1].Stamp)
	}
	for range 2 {
		w.done(other, claims[1:], resumed)
	}
	w.reserve(unique(), later(claims[1:]), pipeline.Replayed)
}

func keysGone(w *keyWorld) {
	claims := w.claims(1)
	w.done(unique(), claims, []pipeline.Standing{{Kind: pipeline.Fresh, Stamp: claims[0].Stamp}})
	w.wantStamp(w.reserve(unique(), later(claims), pipeline.Replayed)[0], claims[0].Stamp)
	gone := w.claims(1)
	standings := []pipeline.Standing{{Kind: pipeline.Fresh, Stamp: gone[0].Stamp}}
	w.release(unique(), gone, standings)
	w.yield(unique(), gone)
	w.reserve(unique(), gone, pipeline.Fresh)
}

func keysDeadline(w *keyWorld) {
	first, claims := unique(), w.claims(2)
	standings := w.reserve(first, claims, pipeline.Fresh)
	second := unique()
	again := later(claims)
	for i, s := range w.awaitReserve(second, again, pipeline.Resumed) {
		w.wantStamp(s, claims[i].Stamp)
	}
	w.release(first, claims, standings)
	w.yield(first, claims)
	w.done(first, claims, standings, []pipeline.Result{{State: pipeline.Dead, Reason: "late"}}, []pipeline.Result{{State: pipeline.Dead, Reason: "late"}})
	w.done(second, again, []pipeline.Standing{{Kind: pipeline.Resumed, Stamp: claims[0].Stamp}, {Kind: pipeline.Resumed, Stamp: claims[1].Stamp}})
	for i, s := range w.reserve(unique(), later(claims), pipeline.Replayed) {
		w.wantStamp(s, claims[i].Stamp)
		w.wantResults(s, queuedResults())
	}
	// A key that passed its deadline is refused to another body.
	third := w.claims(1)
	w.reserve(first, third, pipeline.Fresh)
	deadline := time.Now().Add(patience)
	for _, err := w.keys.Reserve(w.Context(), unique(), withBody(third)); !errors.Is(err, pipeline.ErrConflict); _, err = w.keys.Reserve(w.Context(), unique(), withBody(third)) {
		if !errors.Is(err, pipeline.ErrRunning) || time.Now().After(deadline) {
			w.Fatalf("got %v, want a conflict after the deadline", err)
		}
		time.Sleep(5 * time.Millisecond) // the store's clock cannot be moved
	}
}

func keysLate(w *keyWorld) {
	h, claims := unique(), w.claims(1)
	standings := w.reserve(h, claims, pipeline.Fresh)
	// Another body is refused as running before the deadline, and conflicts
	// after it: asking so shows the time without taking the key.
	deadline := time.Now().Add(patience)
	for {
		_, err := w.keys.Reserve(w.Context(), unique(), withBody(claims))
		if errors.Is(err, pipeline.ErrConflict) {
			break
		}
		if !errors.Is(err, pipeline.ErrRunning) || time.Now().After(deadline) {
			w.Fatalf("got %v, want the deadline to pass", err)
		}
		time.Sleep(5 * time.Millisecond) // the store's clock cannot be moved
	}
	w.done(h, claims, standings)
	w.wantStamp(w.reserve(unique(), later(claims), pipeline.Replayed)[0], claims[0].Stamp)
}

func keysCancelled(w *keyWorld) {
	claims := w.claims(100)
	ctx, cancel := context.WithCancel(w.Context())
	cancel()
	if standings, err := w.keys.Reserve(ctx, unique(), claims); !errors.Is(err, pipeline.ErrUnavailable) {
		w.Fatalf("with a context that has ended: %+v, %v", standings, err)
	}
	deadline := time.Now().Add(patience)
	for {
		standings, err := w.keys.Reserve(w.Context(), unique(), claims)
		if err == nil && len(standings) == len(claims) {
			return
		}
		if !errors.Is(err, pipeline.ErrRunning) || time.Now().After(deadline) {
			w.Fatalf("afterwards: %v", err)
		}
		time.Sleep(5 * time.Millisecond) // the store's clock cannot be moved
	}
}

func keysExpire(w *keyWorld) {
	h, claims := unique(), w.claims(1)
	w.done(h, claims, w.reserve(h, claims, pipeline.Fresh))
	w.awaitReserve(unique(), later(claims), pipeline.Fresh)
}
