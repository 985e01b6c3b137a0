package pipelinetest

import (
	"crypto/rand"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// keyWorld is a store under test, with what the tests do to it. Its methods fail
// the test.
type keyWorld struct {
	*testing.T
	keys IdempotencyKeys
}

// unique makes a hash or a holder that no other test has.
func unique() (u [16]byte) {
	_, _ = rand.Read(u[:]) // it never fails
	return u
}

// claims makes claims of new keys on an entry each.
func (w *keyWorld) claims(n int) []pipeline.Claim {
	claims := make([]pipeline.Claim, n)
	for i := range claims {
		claims[i] = pipeline.Claim{Key: unique(), Body: unique(), Entries: 1, Stamp: stampNow(uint32(i))}
	}
	return claims
}

func stampNow(first uint32) pipeline.Stamp {
	return pipeline.Stamp{At: time.UnixMilli(time.Now().UnixMilli()), First: first}
}

// later is the same request again, which comes under a stamp of its own.
func later(claims []pipeline.Claim) []pipeline.Claim {
	again := append([]pipeline.Claim(nil), claims...)
	for i := range again {
		again[i].Stamp = stampNow(1_000_000 + uint32(i))
	}
	return again
}

func (w *keyWorld) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// reserve takes claims, each of which must stand as wanted: under its own stamp
// when it is fresh.
func (w *keyWorld) reserve(h [16]byte, claims []pipeline.Claim, want ...pipeline.StandingKind) []pipeline.Standing {
	w.Helper()
	standings, err := w.keys.Reserve(w.Context(), h, claims)
	w.must(err)
	if len(standings) != len(claims) {
		w.Fatalf("%d claims have %d standings", len(claims), len(standings))
	}
	for i, s := range standings {
		if kind := want[min(i, len(want)-1)]; s.Kind != kind {
			w.Fatalf("claim %d stands as %d, want %d", i, s.Kind, kind)
		}
		if s.Kind == pipeline.Fresh {
			w.wantStamp(s, claims[i].Stamp)
		}
	}
	return standings
}

func (w *keyWorld) wantStamp(s pipeline.Standing, want pipeline.Stamp) {
	w.Helper()
	if !s.Stamp.At.Equal(want.At) || s.Stamp.First != want.First {
		w.Fatalf("the stamp is %+v, want %+v", s.Stamp, want)
	}
}

// refused checks that a holder is refused for a claim.
func (w *keyWorld) refused(h [16]byte, claims []pipeline.Claim, index int, reason error) {
	w.Helper()
	standings, err := w.keys.Reserve(w.Context(), h, claims)
	refusal, ok := errors.AsType[*pipeline.ClaimError](err)
	if !ok || refusal.Claim != index || !errors.Is(err, reason) {
		w.Fatalf("reserving gave %+v, %v; want claim %d refused with %q", standings, err, index, reason)
	}
}

func (w *keyWorld) done(h [16]byte, claims []pipeline.Claim, standings []pipeline.Standing, results ...[]pipeline.Result) {
	w.Helper()
	for len(results) < len(claims) {
		results = append(results, queuedResults())
	}
	w.must(w.keys.Done(w.Context(), h, claims, standings, results))
}

func (w *keyWorld) release(h [16]byte, claims []pipeline.Claim, standings []pipeline.Standing) {
	w.Helper()
	w.must(w.keys.Release(w.Context(), h, claims, standings))
}

func (w *keyWorld) yield(h [16]byte, claims []pipeline.Claim) {
	w.Helper()
	w.must(w.keys.Yield(w.Context(), h, claims))
}

// awaitReserve asks until the keys are not running any more, or had their time.
func (w *keyWorld) awaitReserve(h [16]byte, claims []pipeline.Claim, until pipeline.StandingKind) []pipeline.Standing {
	w.Helper()
	deadline := time.Now().Add(patience)
	for {
		standings, err := w.keys.Reserve(w.Context(), h, claims)
		if err == nil && standings[0].Kind == until {
			return standings
		}
		if err != nil && !errors.Is(err, pipeline.ErrRunning) {
			w.Fatal(err)
		}
		if time.Now().After(deadline) {
			w.Fatalf("the keys stand as %+v, %v; want %d", standings, err, until)
		}
		time.Sleep(5 * time.Millisecond) // the store's clock cannot be moved
	}
}

func queuedResults() []pipeline.Result { return []pipeline.Result{{State: pipeline.Queued}} }

// wantResults checks the answer of a replayed claim.
func (w *keyWorld) wantResults(s pipeline.Standing, want []pipeline.Result) {
	w.Helper()
	if !reflect.DeepEqual(s.Results, want) {
		w.Fatalf("the answer is %+v, want %+v", s.Results, want)
	}
}
