package pebble

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

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
		time.Sleep(time.Second)   // the loader gives way now and then
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
