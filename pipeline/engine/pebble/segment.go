package pebble

import (
	"bytes"
	"encoding/binary"
	"iter"
	"math/bits"
	"slices"

	"github.com/notifyctl/notifyctl/pipeline"
)

const (
	// segmentChunk is the memory that a segment takes at a time for its rows.
	segmentChunk = 1 << 20
	// minBuckets is how many buckets a segment begins with, a power of two, and
	// maxLoad how many rows one has before there are more of them.
	minBuckets = 1 << 8
	maxLoad    = 2
)

// segment is history rows in memory, until a table holds them: the bytes as the
// journal has them, and two indexes without pointers, which the garbage
// collector need not look through. Rows are added, never changed: a later one
// of the same id covers the earlier.
type segment struct {
	// chunks holds the rows. A place is the number of a chunk times segmentChunk,
	// and the offset in it; a longer chunk stands under several numbers, under
	// each of them with what is behind its place.
	chunks  [][]byte
	entries []segmentEntry
	// The heads of the chains, newest first: numbers of entries, counted from 1.
	byUser, byID []uint32
	bytes        int
	last         uint64 // the commit that brought the last rows
}

// segmentEntry is where a row lies, and the older ones of its buckets.
type segmentEntry struct {
	at             uint32
	sameUser, same uint32
}

// newSegment makes room for about as many rows as the segment before had.
func newSegment(rows int) *segment {
	buckets := max(minBuckets, 1<<bits.Len(uint(rows/2)))
	return &segment{
		entries: make([]segmentEntry, 0, rows+rows/16),
		byUser:  make([]uint32, buckets), byID: make([]uint32, buckets),
	}
}

// add copies the rows of a commit. It adds those before one that cannot be read.
func (g *segment) add(journal []byte, commit uint64) error {
	at := g.copy(journal)
	g.last = commit
	for rest := journal; len(rest) > 0; {
		id, _, behind, err := takeJournalled(rest)
		if err != nil {
			return err
		}
		if len(g.entries) == maxLoad*len(g.byUser) {
			g.widen()
		}
		g.link(segmentEntry{at: at}, id)
		at += uint32(len(rest) - len(behind))
		rest = behind
	}
	return nil
}

// copy keeps the bytes of a journal, and returns their place.
func (g *segment) copy(journal []byte) (at uint32) {
	g.bytes += len(journal)
	n := len(g.chunks) - 1
	if n < 0 || len(g.chunks[n])+len(journal) > segmentChunk {
		n = len(g.chunks)
		chunk := make([]byte, 0, max(segmentChunk, len(journal)))
		g.chunks = append(g.chunks, chunk)
	}
	at = uint32(n*segmentChunk + len(g.chunks[n]))
	g.chunks[n] = append(g.chunks[n], journal...)
	for behind := segmentChunk; behind < len(g.chunks[n]); behind += segmentChunk {
		g.chunks = append(g.chunks, g.chunks[n][behind:])
	}
	return at
}

// link puts an entry at the heads of its chains.
func (g *segment) link(e segmentEntry, id pipeline.ID) {
	user, same := &g.byUser[g.userBucket(id.UserHash())], &g.byID[g.idBucket(id)]
	e.sameUser, e.same = *user, *same
	g.entries = append(g.entries, e)
	*user, *same = uint32(len(g.entries)), uint32(len(g.entries))
}

// widen makes the buckets four times as many.
func (g *segment) widen() {
	buckets := 4 * len(g.byUser)
	g.byUser, g.byID = make([]uint32, buckets), make([]uint32, buckets)
	linked := g.entries
	g.entries = make([]segmentEntry, 0, maxLoad*buckets)
	for _, e := range linked {
		g.link(e, g.id(e.at))
	}
}

func (g *segment) userBucket(hash uint32) uint32 {
	return hash >> (32 - bits.TrailingZeros(uint(len(g.byUser))))
}

// idBucket mixes the time of an id with its sequence: ids differ in these.
func (g *segment) idBucket(id pipeline.ID) uint64 {
	const golden = 0x9e3779b97f4a7c15 // 2^64 over the golden ratio, odd
	mixed := (binary.BigEndian.Uint64(id[:])*golden ^ binary.BigEndian.Uint64(id[8:])) * golden
	return mixed >> (64 - bits.TrailingZeros(uint(len(g.byID))))
}

// at is the bytes at a place, and what is behind them.
func (g *segment) at(place uint32) []byte {
	return g.chunks[place/segmentChunk][place%segmentChunk:]
}

// id is that of the row at a place.
func (g *segment) id(at uint32) pipeline.ID { return pipeline.ID(g.at(at)) }

// row is the row at a place. Its bytes never change.
func (g *segment) row(at uint32) []byte {
	_, row, _, err := takeJournalled(g.at(at))
	if err != nil {
		panic("BUG: a row that was read before cannot be read: " + err.Error())
	}
	return row
}

// get finds the last row of an id.
func (g *segment) get(id pipeline.ID) (row []byte, found bool) {
	for n := g.byID[g.idBucket(id)]; n != 0; n = g.entries[n-1].same {
		if at := g.entries[n-1].at; g.id(at) == id {
			return g.row(at), true
		}
	}
	return nil, false
}

// recentRow is a row in memory.
type recentRow struct {
	id  pipeline.ID
	row []byte
}

// appendUser appends the rows of a user's hash with an id from from on and
// before before, newest row first.
func (g *segment) appendUser(rows []recentRow, hash uint32, from, before pipeline.ID) []recentRow {
	for n := g.byUser[g.userBucket(hash)]; n != 0; n = g.entries[n-1].sameUser {
		at := g.entries[n-1].at
		if id := g.id(at); id.UserHash() == hash && string(id[:]) >= string(from[:]) && string(id[:]) < string(before[:]) {
			rows = append(rows, recentRow{id, g.row(at)})
		}
	}
	return rows
}

// stride is how many rows are looked through before others may run: half a
// millisecond of work that nobody waits for.
const stride = 1 << 14

// strides gives a long list in parts, and gives way after each.
func strides[S ~[]E, E any](list S) iter.Seq[S] {
	return func(yield func(S) bool) {
		for some := range slices.Chunk(list, stride) {
			if !yield(some) {
				return
			}
			giveWay()
		}
	}
}

// ids gives the id of each row, in the order they came.
func (g *segment) ids() iter.Seq[pipeline.ID] {
	return func(yield func(pipeline.ID) bool) {
		for some := range strides(g.entries) {
			for i := range some {
				if !yield(g.id(some[i].at)) {
					return
				}
			}
		}
	}
}

// sorted gives the last row of each id by user hash and id, as the keys of a
// slice are ordered.
func (g *segment) sorted() iter.Seq2[pipeline.ID, []byte] {
	return func(yield func(pipeline.ID, []byte) bool) {
		places := g.placesByHash()
		seen := 0
		var run []recentRow
		for len(places) > 0 {
			if seen -= len(run); seen <= 0 {
				seen = min(lookAhead, len(places))
				g.touch(places[:seen])
			}
			n := 1
			for n < len(places) && places[n]>>32 == places[0]>>32 {
				n++
			}
			run = run[:0]
			for _, place := range slices.Backward(places[:n]) {
				run = append(run, recentRow{g.id(uint32(place)), g.row(uint32(place))})
			}
			places = places[n:]
			if n > 1 {
				slices.SortStableFunc(run, func(a, b recentRow) int { return bytes.Compare(a.id[:], b.id[:]) })
			}
			for i := range run {
				if (i == 0 || run[i].id != run[i-1].id) && !yield(run[i].id, run[i].row) {
					return
				}
			}
		}
	}
}

// lookAhead is how many rows are touched before they are needed.
const lookAhead = 64

// touch reads a little of each row, so that the processor waits for several of
// them at once: in the order of a table they lie at random places.
//
//go:noinline
func (g *segment) touch(places []uint64) (sum byte) {
	for _, place := range places {
		row := g.at(uint32(place))
		sum += row[0] + row[min(64, len(row)-1)]
	}
	return sum
}

// placesByHash lists the rows by user hash, and those of a hash oldest first:
// the hash in the upper half and the place in the lower. It sorts by 11 bits of
// the hash at a time, the last first.
func (g *segment) placesByHash() []uint64 {
	const digit, passes = 11, 3
	places, sorted := make([]uint64, 0, len(g.entries)), make([]uint64, len(g.entries))
	for some := range strides(g.entries) {
		for _, e := range some {
			places = append(places, uint64(g.id(e.at).UserHash())<<32|uint64(e.at))
		}
	}
	for pass := range passes {
		shift := 32 + digit*pass
		var next [1 << digit]int
		for some := range strides(places) {
			for _, place := range some {
				next[place>>shift%(1<<digit)]++
			}
		}
		sum := 0
		for i, n := range next {
			next[i], sum = sum, sum+n
		}
		for some := range strides(places) {
			for _, place := range some {
				to := &next[place>>shift%(1<<digit)]
				sorted[*to] = place
				*to++
			}
		}
		places, sorted = sorted, places
	}
	return places
}
