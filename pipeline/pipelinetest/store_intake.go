package pipelinetest

import (
	"encoding/binary"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// claim makes a claim of one of the test's own keys on so many entries.
func (w *world) claim(key uint16, body byte, entries int) pipeline.Claim {
	hash := w.keys
	binary.BigEndian.PutUint16(hash[:], key)
	return pipeline.Claim{
		Key: hash, Body: pipeline.BodyHash{body}, Entries: entries,
		Stamp: pipeline.Stamp{At: time.Now().Truncate(time.Millisecond), First: uint32(key) * 1000},
	}
}

func replays(_ *testing.T, w *world) {
	c := w.claim(1, 1, 2)
	admissions := w.admissions(0, notification("ada", 1), notification("ada", 2))
	admissions[1].Result = pipeline.Result{State: pipeline.Suppressed, Reason: "opted_out"}
	w.admit([]pipeline.Claim{c}, admissions)
	check := func() {
		w.Helper()
		again := c
		again.Stamp.First++ // a repeated request comes under a stamp of its own
		r, err := w.store.Reserve(w.Context(), []pipeline.Claim{again})
		w.must(err)
		defer r.Release()
		s := r.Standing()[0]
		if s.Kind != pipeline.Replayed || !s.Stamp.At.Equal(c.Stamp.At) || s.Stamp.First != c.Stamp.First {
			w.Fatalf("the repeated claim stands %+v, want it replayed under the first stamp %+v", s, c.Stamp)
		}
		if len(s.Results) != 2 || s.Results[0] != admissions[0].Result || s.Results[1] != admissions[1].Result {
			w.Fatalf("replayed %+v, want %+v and %+v", s.Results, admissions[0].Result, admissions[1].Result)
		}
	}
	check()
	check() // a replay takes nothing
	w.shut()
	w.open()
	check()
	w.crash()
	check()
}

func conflicts(_ *testing.T, w *world) {
	w.admit([]pipeline.Claim{w.claim(1, 1, 1)}, w.admissions(0, notification("ada", 1)))
	w.claimError([]pipeline.Claim{w.claim(2, 1, 1), w.claim(1, 9, 1)}, 1, pipeline.ErrConflict)
	// The key beside the conflicting one is free again.
	w.admit([]pipeline.Claim{w.claim(2, 1, 1)}, w.admissions(0, notification("ada", 2)))
}

func running(_ *testing.T, w *world) {
	r, err := w.store.Reserve(w.Context(), []pipeline.Claim{w.claim(1, 1, 1)})
	w.must(err)
	w.claimError([]pipeline.Claim{w.claim(1, 1, 1)}, 0, pipeline.ErrRunning)
	w.claimError([]pipeline.Claim{w.claim(1, 2, 1)}, 0, pipeline.ErrRunning)
	r.Release()
	r.Release() // twice is fine
	w.admit([]pipeline.Claim{w.claim(1, 1, 1)}, w.admissions(0, notification("ada", 1)))
	w.account(pipeline.Account{Accepted: 1, InFlight: 1})
}

func allOrNone(_ *testing.T, w *world) {
	r, err := w.store.Reserve(w.Context(), []pipeline.Claim{w.claim(2, 1, 1)})
	w.must(err)
	w.claimError([]pipeline.Claim{w.claim(1, 1, 1), w.claim(2, 1, 1), w.claim(3, 1, 1)}, 1, pipeline.ErrRunning)
	other, err := w.store.Reserve(w.Context(), []pipeline.Claim{w.claim(1, 1, 1), w.claim(3, 1, 1)})
	w.must(err)
	other.Release()
	r.Release()
}

func races(_ *testing.T, w *world) {
	const requests = 32
	var wg sync.WaitGroup
	var mu sync.Mutex
	committed := 0
	for range requests {
		wg.Go(func() {
			for {
				r, err := w.store.Reserve(w.Context(), []pipeline.Claim{w.claim(1, 1, 1)})
				if errors.Is(err, pipeline.ErrRunning) {
					continue
				}
				if err != nil {
					w.Error(err)
					return
				}
				if r.Standing()[0].Kind == pipeline.Fresh {
					if err := r.Commit(w.Context(), w.admissions(0, notification("ada", 1))); err != nil {
						w.Error(err)
					}
					mu.Lock()
					committed++
					mu.Unlock()
				}
				r.Release()
				return
			}
		})
	}
	wg.Wait()
	if committed != 1 {
		w.Fatalf("%d of %d requests with one key were committed, want 1", committed, requests)
	}
	w.account(pipeline.Account{Accepted: 1, InFlight: 1})
}

func endedAtIngest(_ *testing.T, w *world) {
	admissions := w.admissions(-1, notification("ada", 1), notification("ada", 2), notification("ada", 3))
	admissions[1].Result = pipeline.Result{State: pipeline.Suppressed, Reason: "opted_out"}
	ids := w.admit(nil, admissions)
	w.settled(ids[1])
	w.account(pipeline.Account{Accepted: 3, Suppressed: 1, InFlight: 2})
	e := w.entry(ids[1])
	if e.State != pipeline.Suppressed || e.Reason != "opted_out" || e.UserID != "ada" || e.Ref != "ada-2" || e.EndedAt.IsZero() {
		w.Fatalf("the suppressed one is %+v", e)
	}
	w.deliver(w.fetchAll(2)...)
	w.nothingDue()
	w.account(pipeline.Account{Accepted: 3, Suppressed: 1, Delivered: 2})
}
