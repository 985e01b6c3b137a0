package bloom

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// A filter forgets nothing, and answers in vain for at most a hundredth of the
// others while there is room.
func TestFilter(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	hash := func() (h [16]byte) {
		binary.LittleEndian.PutUint64(h[:8], random.Uint64())
		binary.LittleEndian.PutUint64(h[8:], random.Uint64())
		return h
	}
	for _, n := range []int{1_000, 20_000} {
		f := New(n)
		if !f.IsEmpty() || f.MayHave(hash()) {
			t.Error("a new filter has something")
		}
		var added [][16]byte
		for range f.room {
			h := hash()
			f.Add(h)
			f.Add(h) // counts once
			added = append(added, h)
		}
		for _, h := range added {
			if !f.MayHave(h) {
				t.Fatal("it forgot a hash")
			}
		}
		if f.IsFull() || f.IsEmpty() {
			t.Errorf("with as many as there is room for, full is %v", f.IsFull())
		}
		vain := 0
		for range 100_000 {
			if f.MayHave(hash()) {
				vain++
			}
		}
		if vain > 1_200 {
			t.Errorf("of 100,000 others it has %d", vain)
		}
		for range f.room {
			f.Add(hash())
		}
		if !f.IsFull() {
			t.Error("with twice as many it is not full")
		}
	}
}
