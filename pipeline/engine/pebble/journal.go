package pebble

import (
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/notifyctl/notifyctl/pipeline"
)

// maxJournalRoom bounds the memory for rows that a commit leaves to the next.
const maxJournalRoom = 1 << 20

// The rows of a commit are one value of the journal, one behind the other: each
// is its id, its length and its bytes. So a commit costs the store one key,
// behind all others of the journal, and not one a row at a random place.

// appendJournalled appends a row to a journal's value.
func appendJournalled(b []byte, id pipeline.ID, row []byte) []byte {
	b = binary.AppendUvarint(append(b, id[:]...), uint64(len(row)))
	return append(b, row...)
}

var errBadJournal = damagef("bytes are not a journal of history rows")

// takeJournalled reads the first row of a journal's value, and what lies behind.
func takeJournalled(b []byte) (id pipeline.ID, row, rest []byte, err error) {
	if len(b) < len(id) {
		return id, nil, nil, errBadJournal
	}
	id, b = pipeline.ID(b), b[len(id):]
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return id, nil, nil, errBadJournal
	}
	b = b[n:]
	return id, b[:size:size], b[size:], nil
}

// setRow adds a history row to the commit's journal.
func (g *group) setRow(id pipeline.ID, row []byte) {
	g.journal = appendJournalled(g.journal, id, row)
	g.grow(id, rowKeySize+len(row))
}

// writeJournal adds the rows of the commit to its batch.
func (g *group) writeJournal() {
	if len(g.journal) > 0 {
		g.set(journalKey(g.w.commits), g.journal)
	}
}

// replayJournal reads the rows that are in no table into memory. All of them
// become one segment, so that it holds whatever a segment held that was being
// written when the last process ended: its tables may be there already, and are
// covered by those that are written now.
func (s *Store) replayJournal() (err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixJournal}, UpperBound: []byte{prefixJournal + 1}})
	if err != nil {
		return fmt.Errorf("read the journal of history rows: %w", err)
	}
	defer closeIter(it, &err)
	for valid := it.First(); valid; valid = it.Next() {
		commit, err := parseJournalKey(it.Key())
		if err != nil {
			return err
		}
		value, err := it.ValueAndErr()
		if err != nil {
			return fmt.Errorf("read the journal of history rows: %w", err)
		}
		if err := s.recent.replay(value, commit); err != nil {
			return fmt.Errorf("commit %d: %w", commit, err)
		}
	}
	s.recent.sealFull()
	return nil
}
