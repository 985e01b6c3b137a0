package memory

import (
	"encoding/binary"
	"sync"

	"github.com/cespare/xxhash/v2"
)

const (
	// ringChunk is how much memory is taken at a time. No entry is longer, nor lies
	// in two.
	ringChunk = 1 << 20
	// ringAlign is what entries begin at a multiple of, so that positions of 48
	// bits last for 2 PB of writing.
	ringAlign = 8
	// ringHeader is what stands before an entry: how long its key and its value
	// are, 4 bytes each.
	ringHeader = 8
	// setSlots is how many slots of the index a key may be in: those of one line of
	// a processor's cache.
	setSlots = 8
	// bytesPerSlot is for how many bytes of entries there is a slot. With entries of
	// twice as many, one set in fifty has more than its slots and loses its oldest
	// (Poisson's distribution of a mean of 4); of three times as many, two in a
	// thousand.
	bytesPerSlot = 64
	// positionBits are those of a slot for the position, plus one; those above are
	// of the key's hash.
	positionBits = 48
)

// ring keeps values by their keys: what was put longest ago goes first. It has no
// pointers for the collector to follow, takes memory as it fills, and knows where
// a key is by one line of memory. Many keys are looked up together, so that the
// processor waits for the memory of several at a time; that, and not what is
// computed, is what looking up a million users costs. It is safe for concurrent
// use.
type ring struct {
	mu     sync.RWMutex
	index  []uint64 // in sets of setSlots; 0 is an empty slot
	chunks [][]byte
	living []int  // entries that are not replaced, of each chunk
	end    uint64 // where the next entry goes, of all bytes ever put
	last   uint64 // the chunk that is written, of all ever begun
	held   int    // entries
}

// newRing makes a ring of so many bytes with its index, but of two chunks at
// least.
func newRing(bytes uint64) *ring {
	const slots = ringChunk / bytesPerSlot
	chunks := max(2, bytes/(ringChunk+8*slots))
	return &ring{index: make([]uint64, chunks*slots), chunks: make([][]byte, chunks), living: make([]int, chunks)}
}

// set gives the slots that a key may be in, by the upper half of its hash.
func (r *ring) set(hash uint64) []uint64 {
	at := (hash >> 32 * uint64(len(r.index)/setSlots) >> 32) * setSlots
	return r.index[at : at+setSlots : at+setSlots]
}

// slotOf makes the slot of an entry.
func slotOf(hash, position uint64) uint64 { return hash<<positionBits | (position/ringAlign + 1) }

// isOf says whether a slot may be of a key with a hash.
func isOf(slot, hash uint64) bool { return slot != 0 && (slot^hash<<positionBits)>>positionBits == 0 }

// position is where a slot's entry is, of all bytes ever put, and whether it is
// there still.
func (r *ring) position(slot uint64) (position uint64, there bool) {
	position = (slot&(1<<positionBits-1) - 1) * ringAlign
	return position, slot != 0 && position/ringChunk+uint64(len(r.chunks)) > r.last
}

// entry gives what begins at a position.
func (r *ring) entry(position uint64) []byte {
	return r.chunks[r.chunk(position)][position%ringChunk:]
}

func (r *ring) chunk(position uint64) int { return int(position / ringChunk % uint64(len(r.chunks))) }

// find gives the value of a key and its slot in the set; none is -1. The value is
// the ring's memory, to be used under mu alone.
func (r *ring) find(hash uint64, key string) (value []byte, slot int) {
	for i, s := range r.set(hash) {
		position, there := r.position(s)
		if !there || !isOf(s, hash) {
			continue
		}
		entry := r.entry(position)
		keyed, valued := int(binary.LittleEndian.Uint32(entry)), int(binary.LittleEndian.Uint32(entry[4:]))
		if entry = entry[ringHeader:]; keyed == len(key) && string(entry[:keyed]) == key {
			return entry[keyed : keyed+valued], i
		}
	}
	return nil, -1
}

// get calls found with the value of each of n keys that is held. The value is the
// ring's memory, to be used during the call alone.
func (r *ring) get(n int, key func(int) string, found func(i int, value []byte)) {
	hashes := make([]uint64, n)
	r.mu.RLock()
	defer r.mu.RUnlock()
	r.fetch(hashes, key)
	for i, hash := range hashes {
		if value, slot := r.find(hash, key(i)); slot >= 0 {
			found(i, value)
		}
	}
}

// fetch hashes keys, and has the memory come that they will be found in: none of
// its loads waits for another key's. What it gives means nothing but that they
// cannot be left out.
func (r *ring) fetch(hashes []uint64, key func(int) string) (sum uint64) {
	for i := range hashes {
		hashes[i] = xxhash.Sum64String(key(i))
		sum += r.set(hashes[i])[0]
	}
	for _, hash := range hashes {
		for _, s := range r.set(hash) {
			if position, there := r.position(s); there && isOf(s, hash) {
				sum += uint64(r.entry(position)[0])
			}
		}
	}
	return sum
}

// update puts in place of a key's value what change makes of it, nil where there
// was none. What is too long for a chunk is not kept, nor is what was before it.
// What change is given is the ring's memory, and what it gives must not be.
func (r *ring) update(key string, change func(old []byte) []byte) {
	hash := xxhash.Sum64String(key)
	r.mu.Lock()
	defer r.mu.Unlock()
	old, slot := r.find(hash, key)
	value := change(old)
	size := uint64(ringHeader+len(key)+len(value)+ringAlign-1) / ringAlign * ringAlign
	set := r.set(hash)
	if size > ringChunk {
		if slot >= 0 {
			r.empty(&set[slot])
		}
		return
	}
	r.makeRoom(size)
	if slot < 0 {
		slot = r.oldest(set)
	}
	r.empty(&set[slot])
	set[slot] = slotOf(hash, r.end)
	r.living[r.chunk(r.end)]++
	r.held++
	entry := binary.LittleEndian.AppendUint32(r.entry(r.end)[:0], uint32(len(key)))
	entry = binary.LittleEndian.AppendUint32(entry, uint32(len(value)))
	_ = append(append(entry, key...), value...)
	r.end += size
}

// makeRoom has the end be where so many bytes fit: else in the next chunk, whose
// entries go.
func (r *ring) makeRoom(size uint64) {
	if left := ringChunk - r.end%ringChunk; left < size {
		r.end += left
	}
	if r.end%ringChunk > 0 {
		return
	}
	r.last = r.end / ringChunk
	at := r.chunk(r.end)
	r.held -= r.living[at]
	r.living[at] = 0
	if r.chunks[at] == nil {
		r.chunks[at] = make([]byte, ringChunk)
	}
}

// oldest gives the slot of a set that is empty, or whose entry was put first.
func (r *ring) oldest(set []uint64) int {
	at, first := 0, r.end
	for i, s := range set {
		position, there := r.position(s)
		if !there {
			return i
		}
		if position < first {
			at, first = i, position
		}
	}
	return at
}

// empty takes a slot's entry out, if it is there still.
func (r *ring) empty(slot *uint64) {
	if position, there := r.position(*slot); there {
		r.living[r.chunk(position)]--
		r.held--
	}
	*slot = 0
}

// len is how many keys are held.
func (r *ring) len() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.held
}
