package pebble

import "fmt"

// windowSize is the most records of a partition that are handed out and not
// ended: enough for a channel's workers with their batches, whichever
// partitions they come from. Waiting retries are not in the window, so a
// record leaves it within the time of one call to a provider.
const windowSize = 1 << 14

// window tracks which records from the mark on have ended. All below the mark
// have.
type window struct {
	mark int64
	done [windowSize / 64]uint64
	// ahead counts those that ended beyond the mark.
	ahead int64
}

// finish notes that the record at offset has ended and moves the mark over
// what is contiguous. It reports false when that was known before.
func (w *window) finish(offset int64) bool {
	if offset < w.mark {
		return false
	}
	if offset >= w.mark+windowSize {
		panic(fmt.Sprintf("BUG: offset %d ended outside the window from %d", offset, w.mark))
	}
	word, bit := offset%windowSize/64, uint64(1)<<(offset%64)
	if w.done[word]&bit != 0 {
		return false
	}
	w.done[word] |= bit
	w.ahead++
	for {
		word, bit := w.mark%windowSize/64, uint64(1)<<(w.mark%64)
		if w.done[word]&bit == 0 {
			return true
		}
		w.done[word] &^= bit
		w.mark++
		w.ahead--
	}
}
