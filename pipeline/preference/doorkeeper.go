package preference

import (
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"github.com/notifyctl/notifyctl/pipeline"
)

const (
	// periodAsks is how many keys, for each entry of a cache, are asked for in a
	// period: TinyLFU's sample (Einziger, Friedman and Manes, 2017) is as long.
	periodAsks = 10
	// askBits is how many bits of a period's set there are to each of them: with
	// two of them set, a twentieth of the keys at its end are taken for others.
	askBits = 8
)

// doorkeeper knows which keys a full cache should take in: those that were
// asked for in the period before as well. Of many users that are asked for
// equally rarely a cache would else take in every one, for nothing. The
// present period does not count: a notification asks twice within seconds,
// when it is submitted and before it is sent, which says nothing of the next.
// It is safe for concurrent use and takes no lock.
type doorkeeper struct {
	asks   int64 // of a period
	period atomic.Pointer[period]
}

// period is what is asked for now, and what was in the period before.
type period struct {
	former, present keySet
	left            atomic.Int64 // asks until it ends
}

// newDoorkeeper makes the doorkeeper of a cache of so many entries.
func newDoorkeeper(entries int) *doorkeeper {
	d := &doorkeeper{asks: int64(entries) * periodAsks}
	d.begin(newKeySet(d.asks))
	return d
}

func (d *doorkeeper) begin(former keySet) {
	p := &period{former: former, present: newKeySet(d.asks)}
	p.left.Store(d.asks)
	d.period.Store(p)
}

// admit gives the period that n keys are asked for in; nil lets them all in.
func (d *doorkeeper) admit(n int) *period {
	if d == nil {
		return nil
	}
	p := d.period.Load()
	if left := p.left.Add(int64(-n)); left <= 0 && left+int64(n) > 0 { // the one that ends it
		d.begin(p.present)
	}
	return p
}

// ask notes that a key is asked for, and says whether it was in the period
// before.
func (p *period) ask(key pipeline.PreferenceKey) bool {
	if p == nil {
		return true
	}
	hash := xxhash.Sum64String(key.UserID) + uint64(key.Channel)*0x9e3779b97f4a7c15 // 2^64 by the golden ratio
	p.present.add(hash)
	return p.former.has(hash)
}

// keySet is a Bloom filter of blocks of a word: a key is two bits of one.
type keySet []atomic.Uint64

func newKeySet(keys int64) keySet { return make(keySet, keys*askBits/64+1) }

// place gives a key's word and its bits in it, by disjoint parts of its hash.
func (s keySet) place(hash uint64) (word *atomic.Uint64, bits uint64) {
	bits = 1<<(hash&63) | 1<<(hash>>6&63)
	return &s[(hash>>32)*uint64(len(s))>>32], bits
}

func (s keySet) has(hash uint64) bool {
	word, bits := s.place(hash)
	return word.Load()&bits == bits
}

func (s keySet) add(hash uint64) {
	if word, bits := s.place(hash); word.Load()&bits != bits {
		word.Or(bits)
	}
}
