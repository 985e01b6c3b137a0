package preference

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline"
)

// A filter forgets nothing, and answers in vain for at most a hundredth of the
// others while there is room.
func TestFilter(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	hash := func() (h pipeline.AddressHash) {
		binary.LittleEndian.PutUint64(h[:8], random.Uint64())
		binary.LittleEndian.PutUint64(h[8:], random.Uint64())
		return h
	}
	for _, n := range []int{0, 1, 10_000} {
		f := newFilter(n)
		if !f.isEmpty() || f.has(hash()) {
			t.Error("a new filter has something")
		}
		var added []pipeline.AddressHash
		for range f.room {
			h := hash()
			f.add(h)
			f.add(h) // counts once
			added = append(added, h)
		}
		for _, h := range added {
			if !f.has(h) {
				t.Fatal("it forgot an address")
			}
		}
		if f.isFull() || f.isEmpty() {
			t.Errorf("with as many as there is room for, full is %v", f.isFull())
		}
		vain := 0
		for range 100_000 {
			if f.has(hash()) {
				vain++
			}
		}
		if vain > 1_200 {
			t.Errorf("of 100,000 others it has %d", vain)
		}
		for range f.room {
			f.add(hash())
		}
		if !f.isFull() {
			t.Error("with twice as many it is not full")
		}
	}
}
