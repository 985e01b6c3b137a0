package pebble

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"iter"
	"math/bits"
	"slices"

	"github.com/notifyctl/notifyctl/pipeline"
)

const (
	// segmentChunk is the memory that a segment takes at a time for its rows.
	segmentChunk = 1 << 20
	// minBuckets is how many buckets a segment begins with, a power of two.
	minBuckets = 1 << 8
)

// segment is history rows in memory, until a table holds them: the bytes as the
// journal has them, and two indexes without pointers, which the garbage
// collector need not look through. Rows are added, never changed: a later one
// of the same id covers the earlier.
type segment struct {
	chunks  [][]byte
	entries []segmentEntry
	// The heads of the chains, newest first: numbers of entries, counted from 1.
	// A user's bucket is the first bits of the user's hash, so that the buckets
	// in their order are nearly in that of a table's keys.
	byUser, byID []uint32
	bytes        int
	last         uint64 // the commit that brought the last rows
}

// segmentEntry is where a row lies, and the older ones of its buckets.
type segmentEntry struct {
	at             uint64 // the chunk and the offset in it, 32 bits each
	sameUser, same uint32
}

// newSegment makes room for about as many rows as the segment before had.
func newSegment(rows int) *segment {
	buckets := max(minBuckets, 1<<bits.Len(uint(max(rows, 1)-1)))
	return &segment{
		entries: make([]segmentEntry, 0, rows+rows/16),
		byUser:  make([]uint32, buckets), byID: make([]uint32, buckets),
	}
}

// add copies the rows of a commit. It adds those before one that cannot be read.
func (g *segment) add(journal []byte, commit uint64) error {
	if n := len(g.chunks); n == 0 || len(g.chunks[n-1])+len(journal) > cap(g.chunks[n-1]) {
		g.chunks = append(g.chunks, make([]byte, 0, max(segmentChunk, len(journal))))
	}
	n := len(g.chunks) - 1
	at := len(g.chunks[n])
	g.chunks[n] = append(g.chunks[n], journal...)
	g.bytes += len(journal)
	g.last = commit
	for rest := g.chunks[n][at:]; len(rest) > 0; {
		id, _, behind, err := takeJournalled(rest)
		if err != nil {
			return err
		}
		if len(g.entries) == len(g.byUser) {
			g.widen()
		}
		g.link(segmentEntry{at: uint64(n)<<32 | uint64(at)}, id)
		at += len(rest) - len(behind)
		rest = behind
	}
	return nil
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
	g.entries = make([]segmentEntry, 0, buckets+buckets/16)
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

// id is that of the row at a place.
func (g *segment) id(at uint64) pipeline.ID {
	return pipeline.ID(g.chunks[at>>32][uint32(at):])
}

// row is the row at a place. Its bytes never change.
func (g *segment) row(at uint64) []byte {
	_, row, _, err := takeJournalled(g.chunks[at>>32][uint32(at):])
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

// ids gives the id of each row, in the order they came.
func (g *segment) ids() iter.Seq[pipeline.ID] {
	return func(yield func(pipeline.ID) bool) {
		for i := range g.entries {
			if !yield(g.id(g.entries[i].at)) {
				return
			}
		}
	}
}

// sorted gives the last row of each id by user hash and id, as the keys of a
// slice are ordered.
func (g *segment) sorted() iter.Seq2[pipeline.ID, []byte] {
	type place struct {
		hash, number uint32
		id           pipeline.ID
	}
	return func(yield func(pipeline.ID, []byte) bool) {
		var bucket []place
		for _, head := range g.byUser {
			bucket = bucket[:0]
			for n := head; n != 0; n = g.entries[n-1].sameUser {
				id := g.id(g.entries[n-1].at)
				bucket = append(bucket, place{id.UserHash(), n, id})
			}
			slices.SortFunc(bucket, func(a, b place) int {
				return cmp.Or(cmp.Compare(a.hash, b.hash), bytes.Compare(a.id[:], b.id[:]), cmp.Compare(b.number, a.number))
			})
			for i := range bucket {
				if i > 0 && bucket[i].id == bucket[i-1].id {
					continue
				}
				if !yield(bucket[i].id, g.row(g.entries[bucket[i].number-1].at)) {
					return
				}
			}
		}
	}
}
