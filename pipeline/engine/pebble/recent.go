package pebble

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/notifyctl/notifyctl/pipeline"
)

const (
	// segmentRows is how many rows become a table together, and segmentBytes what
	// they may take: at 50,000/s those of 5 s.
	segmentRows  = 1 << 18
	segmentBytes = 64 << 20
	// maxSealed is how many segments may wait for their tables before those wait
	// who bring more rows.
	maxSealed = 3
)

// recent is the history rows that are in the journal and may be in no table
// yet. Its lock is held alone, and for memory work.
type recent struct {
	rows, bytes int // what a segment holds when it is sealed
	// wake has an element when there may be a segment to write.
	wake chan struct{}
	// swept says that a row was erased since segments were last written for it.
	swept atomic.Bool

	mu      sync.RWMutex
	current *segment
	sealed  []*segment // complete, oldest first
	// dropped is closed when the next segment leaves memory.
	dropped chan struct{}
}

func newRecent(rows, bytes int) recent {
	return recent{rows: rows, bytes: bytes, wake: make(chan struct{}, 1), dropped: make(chan struct{}), current: newSegment(0)}
}

// publish adds the rows of a commit that is synced.
func (r *recent) publish(journal []byte, commit uint64) {
	if len(journal) == 0 {
		return
	}
	if err := r.replay(journal, commit); err != nil {
		panic("BUG: a journal that was just written cannot be read: " + err.Error())
	}
	r.sealFull()
}

// replay adds the rows of a commit.
func (r *recent) replay(journal []byte, commit uint64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current.add(journal, commit)
}

// sealFull completes the current segment when it is large enough.
func (r *recent) sealFull() { r.seal(r.rows, r.bytes) }

// sealAny completes the current segment when there is anything in it.
func (r *recent) sealAny() { r.seal(1, 1) }

func (r *recent) seal(rows, bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.current.entries)
	if n == 0 || n < rows && r.current.bytes < bytes {
		return
	}
	r.sealed, r.current = append(r.sealed, r.current), newSegment(min(n, r.rows))
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// await waits until fewer than n segments wait for their tables.
func (r *recent) await(ctx context.Context, n int) error {
	for {
		r.mu.RLock()
		sealed, dropped := len(r.sealed), r.dropped
		r.mu.RUnlock()
		if sealed < n {
			return nil
		}
		select {
		case <-dropped:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// oldest is the segment whose turn it is to become tables.
func (r *recent) oldest() *segment {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.sealed) == 0 {
		return nil
	}
	return r.sealed[0]
}

// drop forgets the oldest segment, whose rows readers find in tables.
func (r *recent) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sealed = slices.Delete(r.sealed, 0, 1)
	close(r.dropped)
	r.dropped = make(chan struct{})
}

// newestFirst lists the segments. r.mu is held.
func (r *recent) newestFirst() []*segment {
	list := append(make([]*segment, 0, maxSealed+1), r.current)
	for _, g := range slices.Backward(r.sealed) {
		list = append(list, g)
	}
	return list
}

// get finds the last row of an id.
func (r *recent) get(id pipeline.ID) (row string, found bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, g := range r.newestFirst() {
		if row, found := g.get(id); found {
			return string(row), true
		}
	}
	return "", false
}

// ofUser lists the last rows under a user's hash with an id from from on and
// before before, by id, newest first.
func (r *recent) ofUser(hash uint32, from, before pipeline.ID) []recentRow {
	r.mu.RLock()
	var rows []recentRow
	for _, g := range r.newestFirst() {
		rows = g.appendUser(rows, hash, from, before)
	}
	r.mu.RUnlock()
	slices.SortStableFunc(rows, func(a, b recentRow) int { return bytes.Compare(b.id[:], a.id[:]) })
	return slices.CompactFunc(rows, func(a, b recentRow) bool { return a.id == b.id })
}
