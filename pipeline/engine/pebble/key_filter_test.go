package pebble

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/notifyctl/notifyctl/pipeline"
)

// keyNumber is a key like those that requests have, which are hashes.
func keyNumber(n int) (key pipeline.KeyHash) {
	random := rand.New(rand.NewPCG(uint64(n), 1))
	binary.LittleEndian.PutUint64(key[:8], random.Uint64())
	binary.LittleEndian.PutUint64(key[8:], random.Uint64())
	return key
}

// A filter forgets no key as it grows, and lets few others through.
func TestKeyFilterGrows(t *testing.T) {
	f := newKeyFilter(1, true)
	const kept = 6 * keyFilterRoom
	for n := range kept {
		if f.add(keyNumber(n)); !f.mayHold(keyNumber(n)) {
			t.Fatalf("it forgot key %d as that was added", n)
		}
	}
	if parts := len(*f.parts.Load()); parts != 3 {
		t.Errorf("%d keys are in %d parts, want 3", kept, parts)
	}
	vain := 0
	for n := range kept {
		if !f.mayHold(keyNumber(n)) {
			t.Fatalf("it forgot key %d", n)
		}
		if f.mayHold(keyNumber(kept + n)) {
			vain++
		}
	}
	if vain > kept*3/100 {
		t.Errorf("of %d others it may hold %d", kept, vain)
	}
}

// What an earlier process left is looked for on the disk, until all of it is in
// the filter; and it is found in either case.
func TestKeysOfBeforeAreLoaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := vfs.NewMem()
		s := open(t, disk)
		const kept = 3 * stride
		answerKeys(t, s, 0, kept)
		closeStore(t, s)

		s = open(t, disk)
		defer closeStore(t, s)
		answerKeys(t, s, kept, 1) // beside the loader
		synctest.Wait()
		filters := *s.keys.generations.Load()
		if len(filters) != 1 || !filters[0].whole.Load() {
			t.Fatalf("%d generations are known, want a whole one", len(filters))
		}
		for n := range kept + 1 {
			if a, found, err := s.answer(keyNumber(n)); err != nil || !found || a.stamp.At.IsZero() {
				t.Fatalf("key %d: found is %v, the error %v", n, found, err)
			}
		}
		if filters[0].mayHold(keyNumber(kept + 1)) {
			t.Error("it may hold a key that nobody has used")
		}
	})
}

// answerKeys keeps the answers of requests with n keys from first on.
func answerKeys(t *testing.T, s *Store, first, n int) {
	t.Helper()
	claims, admissions := make([]pipeline.Claim, n), make([]pipeline.Admission, n)
	for i := range claims {
		claims[i] = pipeline.Claim{Key: keyNumber(first + i), Stamp: pipeline.Stamp{At: time.Now()}, Entries: 1}
		to := pipeline.Notification{UserID: "ada", Channel: pipeline.Email, Priority: pipeline.High, Category: pipeline.Promotional}
		admissions[i] = pipeline.Admission{
			Record: pipeline.Record{ID: pipeline.IDKey{}.Make(time.Now(), &to, uint32(first+i)), Notification: to},
			Result: pipeline.Result{State: pipeline.Suppressed}, Claim: i,
		}
	}
	r, err := s.Reserve(t.Context(), claims)
	must(t, err)
	must(t, r.Commit(t.Context(), admissions))
}
