package preference

import (
	"encoding/binary"
	"math/bits"
	"sync/atomic"

	"github.com/notifyctl/notifyctl/pipeline"
)

const (
	// filterBits and filterProbes make one look-up in a hundred go on in vain:
	// 9.6 bits an element and 7 probes are the optimum of a Bloom filter there.
	filterBits   = 10
	filterProbes = 7
	// filterRoom is for how many addresses there is room at least.
	filterRoom = 1024
)

// filter knows of most addresses that nothing was ever said of them: a Bloom
// filter, whose elements are hashes already. It is safe for concurrent use.
type filter struct {
	words []atomic.Uint64 // a power of two of them
	room  int             // for so many addresses
	added atomic.Int64    // but for those that it had by chance
}

// newFilter makes a filter for so many addresses, and as many again.
func newFilter(addresses int) *filter {
	room := 2 * max(addresses, filterRoom)
	return &filter{words: make([]atomic.Uint64, 1<<bits.Len(uint(room*filterBits/64))), room: room}
}

// probes gives the start and the step of an address's bits (Kirsch and
// Mitzenmacher, "Less Hashing, Same Performance", 2006).
func probes(h *pipeline.AddressHash) (at, step uint64) {
	return binary.LittleEndian.Uint64(h[:8]), binary.LittleEndian.Uint64(h[8:]) | 1
}

// add makes an address one that something may have been said of.
func (f *filter) add(h pipeline.AddressHash) {
	at, step := probes(&h)
	changed := false
	for range filterProbes {
		bit := uint64(1) << (at % 64)
		changed = f.words[at/64%uint64(len(f.words))].Or(bit)&bit == 0 || changed
		at += step
	}
	if changed {
		f.added.Add(1)
	}
}

// isFull says that there are more addresses than there is room for: it still
// answers right, but more often in vain.
func (f *filter) isFull() bool { return f.added.Load() > int64(f.room) }

// has says whether something may have been said of an address.
func (f *filter) has(h pipeline.AddressHash) bool {
	at, step := probes(&h)
	for range filterProbes {
		if f.words[at/64%uint64(len(f.words))].Load()&(1<<(at%64)) == 0 {
			return false
		}
		at += step
	}
	return true
}

// isEmpty says that nothing was ever added.
func (f *filter) isEmpty() bool { return f.added.Load() == 0 }
