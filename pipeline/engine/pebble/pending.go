package pebble

import (
	"slices"

	"github.com/notifyctl/notifyctl/pipeline"
)

// waitingRoom is what memory holds of a partition without a row.
type waitingRoom struct {
	handed []*pipeline.Delivery
	taken  []string  // records that are being handed out
	ready  []records // blocks behind them
}

// pending lists what memory holds of the users of a hash: what was handed out,
// and what is due next. It has no rows, or had none yet.
func (s *Store) pending(hash uint32) []pipeline.Entry {
	var found []pipeline.Entry
	for _, l := range s.lanes {
		room := s.waitingRoom(l, hash)
		for _, d := range room.handed {
			if d != nil && d.ID.UserHash() == hash {
				found = append(found, sendingEntry(d))
			}
		}
		for _, record := range room.taken {
			found = appendQueued(found, record, hash)
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
	return found
}

// waitingRoom copies what memory holds of the lane's partition for a hash: the
// outline, under the lock, since what it leads to does not change.
func (s *Store) waitingRoom(l *lane, hash uint32) waitingRoom {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := l.partitions[partitionOfHash(hash, len(l.partitions))]
	room := waitingRoom{taken: slices.Clone(p.taken), ready: slices.Clone(p.ready)}
	for offset := p.mark; offset < p.next; offset++ {
		if d := p.handed[offset%windowSize]; d != nil {
			room.handed = append(room.handed, d)
		}
	}
	return room
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
