package kafka

import (
	"fmt"
	"math/bits"
)

// windowSize is the most records of a partition between its mark and the last
// that was handed out: enough for a channel's workers with their batches,
// whichever partitions they come from, and few enough that which of them have
// left fits into a commit's metadata as a bitmap of 2 KiB. Retries wait in
// topics of their own, so a record leaves the window within the time of one
// call to a provider.
const windowSize = 1 << 14

// window tracks which records of a partition have left. All below the mark
// have.
type window struct {
	mark int64
	done [windowSize / 64]uint64 // a ring: the record's offset modulo windowSize
	// ahead counts those that left from the mark on.
	ahead int64
}

func slot(offset int64) (word int64, bit uint64) {
	return offset % windowSize / 64, uint64(1) << (offset % 64)
}

// leave notes that the record at offset has left, and moves the mark over what
// is contiguous. It reports false when that was known before.
func (w *window) leave(offset int64) bool {
	if offset >= w.mark+windowSize {
		panic(fmt.Sprintf("BUG: offset %d left outside the window from %d", offset, w.mark))
	}
	if w.left(offset) {
		return false
	}
	word, bit := slot(offset)
	w.done[word] |= bit
	w.ahead++
	for {
		word, bit := slot(w.mark)
		if w.done[word]&bit == 0 {
			return true
		}
		w.done[word] &^= bit
		w.mark++
		w.ahead--
	}
}

// left says whether the record at offset has left.
func (w *window) left(offset int64) bool {
	if offset < w.mark || offset >= w.mark+windowSize {
		return offset < w.mark
	}
	word, bit := slot(offset)
	return w.done[word]&bit != 0
}

// room is how many records from next on the window has room for.
func (w *window) room(next int64) int64 { return max(0, w.mark+windowSize-next) }

// reach is the end of what the window knows: behind the last record that left.
func (w *window) reach() int64 {
	reach := w.mark
	w.runs(func(from, to int64) { reach = to })
	return reach
}

// runs calls f for each stretch of records that left from the mark on, in
// order: from the first of it to behind its last.
func (w *window) runs(f func(from, to int64)) {
	for at, found := w.mark, int64(0); found < w.ahead; {
		from := w.seek(at, true)
		to := w.seek(from, false)
		f(from, to)
		found += to - from
		at = to
	}
}

// seek is the first offset from at on that has left, or has not, or the
// window's end.
func (w *window) seek(at int64, left bool) int64 {
	end := w.mark + windowSize
	for at < end {
		word, _ := slot(at)
		bitsLeft := w.done[word]
		if !left {
			bitsLeft = ^bitsLeft
		}
		shift := at % 64
		if rest := bitsLeft >> shift; rest != 0 {
			return min(end, at+int64(bits.TrailingZeros64(rest)))
		}
		at += 64 - shift
	}
	return end
}
