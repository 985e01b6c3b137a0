// Package bloom has a Bloom filter that is added to and asked at the same time.
package bloom

import (
	"encoding/binary"
	"math/bits"
	"sync/atomic"
)

const (
	// bitsEach and probeCount make one look-up in a hundred go on in vain: 9.6
	// bits an element and 7 probes are the optimum of a Bloom filter there.
	bitsEach   = 10
	probeCount = 7
)

// Filter knows of most hashes that they were never added. It is safe for
// concurrent use.
type Filter struct {
	words []atomic.Uint64 // a power of two of them
	room  int             // for so many hashes
	added atomic.Int64    // but for those that it had by chance
}

// New makes a filter with room for so many hashes, in 10 to 20 bits each.
func New(room int) *Filter {
	return &Filter{words: make([]atomic.Uint64, 1<<bits.Len(uint(room*bitsEach/64))), room: room}
}

// probes gives the start and the step of a hash's bits (Kirsch and Mitzenmacher,
// "Less Hashing, Same Performance", 2006).
func probes(h *[16]byte) (at, step uint64) {
	return binary.LittleEndian.Uint64(h[:8]), binary.LittleEndian.Uint64(h[8:]) | 1
}

// Add adds a hash.
func (f *Filter) Add(h [16]byte) {
	at, step := probes(&h)
	changed := false
	for range probeCount {
		bit := uint64(1) << (at % 64)
		changed = f.words[at/64%uint64(len(f.words))].Or(bit)&bit == 0 || changed
		at += step
	}
	if changed {
		f.added.Add(1)
	}
}

// MayHave says whether a hash may have been added: always of one that was, and in
// vain of one in a hundred that was not.
func (f *Filter) MayHave(h [16]byte) bool {
	at, step := probes(&h)
	for range probeCount {
		if f.words[at/64%uint64(len(f.words))].Load()&(1<<(at%64)) == 0 {
			return false
		}
		at += step
	}
	return true
}

// Added is how many hashes were added, but for those that it had by chance.
func (f *Filter) Added() int { return int(f.added.Load()) }

// Room is for how many hashes it was made.
func (f *Filter) Room() int { return f.room }

// IsFull says that more hashes were added than there is room for: it still
// answers right, but more often in vain.
func (f *Filter) IsFull() bool { return f.Added() > f.room }

// IsEmpty says that nothing was ever added.
func (f *Filter) IsEmpty() bool { return f.Added() == 0 }
