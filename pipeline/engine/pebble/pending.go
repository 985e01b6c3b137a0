package pebble

import (
	"slices"

	"github.com/notifyctl/notifyctl/pipeline"
)

// waitingRoom is what of a partition was handed out, or is due next.
type waitingRoom struct {
	handed []*pipeline.Delivery
	taken  [][]string // records that are being handed out
	ready  []records  // blocks behind them
}

// pending lists what has no row, or had none yet, of the users of a hash, as
// far as no search is needed for it: what was handed out, and what is due next.
func (s *Store) pending(hash uint32) ([]pipeline.Entry, error) {
	var found []pipeline.Entry
	for _, l := range s.lanes {
		room, err := s.waitingRoom(l, hash)
		if err != nil {
			return nil, err
		}
		for _, d := range room.handed {
			if d != nil && d.ID.UserHash() == hash {
				found = append(found, sendingEntry(d))
			}
		}
		for _, records := range room.taken {
			for _, record := range records {
				found = appendQueued(found, record, hash)
			}
		}
		for _, block := range room.ready {
			for block.next < block.end {
				record, err := block.take()
				if err != nil {
					break // who hands it out is told
				}
				found = appendQueued(found, record, hash)
			}
		}
	}
	return found, nil
}

// waitingRoom looks into the lane's partition for a hash. What is due next is
// read from the disk where the lane's reader has not done so yet, right after a
// start or in a backlog.
func (s *Store) waitingRoom(l *lane, hash uint32) (waitingRoom, error) {
	room, partition, next, end := s.inMemory(l, hash)
	if len(room.ready) > 0 || next == end {
		return room, nil
	}
	var err error
	room.ready, _, err = s.readAhead(partition, next, end)
	return room, err
}

// inMemory copies what memory holds of the lane's partition for a hash: the
// outline, under the lock, since what it leads to does not change.
func (s *Store) inMemory(l *lane, hash uint32) (room waitingRoom, partition int, next, end int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := l.partitions[partitionOfHash(hash, len(l.partitions))]
	room = waitingRoom{taken: slices.Clone(p.taken), ready: slices.Clone(p.ready)}
	for offset := p.mark; offset < p.next; offset++ {
		if d := p.handed[offset%windowSize]; d != nil {
			room.handed = append(room.handed, d)
		}
	}
	return room, p.number, p.next, p.end
}

// appendQueued adds the entry of a queued record when it is of the hash.
func appendQueued(entries []pipeline.Entry, record string, hash uint32) []pipeline.Entry {
	id, ok := recordID(record)
	if !ok || id.UserHash() != hash {
		return entries
	}
	var r pipeline.Record
	if _, err := pipeline.DecodeRecord(record, &r); err != nil {
		return entries // who hands it out is told
	}
	return append(entries, pipeline.Entry{ID: r.ID, State: pipeline.Queued, Ref: r.Ref, UserID: r.UserID, ReplayOf: r.ReplayOf})
}
