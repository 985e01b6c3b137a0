package pebble

import (
	"context"
	"fmt"

	"github.com/notifyctl/notifyctl/pipeline"
)

// row reads a notification's history row.
func (s *Store) row(id pipeline.ID) (row, bool, error) {
	value, found, err := s.get(appendRowKey(nil, id))
	if err != nil || !found {
		return row{}, false, err
	}
	w, err := decodeRow(value)
	if err != nil {
		return row{}, false, fmt.Errorf("history of %s: %w", id, err)
	}
	return w, true, nil
}

// ByID looks notifications up: in the history, then among those that are being
// sent; what is in neither is queued.
func (s *Store) ByID(ctx context.Context, ids []pipeline.ID) ([]pipeline.Entry, error) {
	entries := make([]pipeline.Entry, len(ids))
	for i, id := range ids {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		w, found, err := s.row(id)
		if err != nil {
			return nil, err
		}
		if !found {
			entries[i] = s.unsettled(id)
			continue
		}
		entries[i] = pipeline.Entry{
			ID: id, State: w.state, Ref: w.ref, UserID: w.user, Reason: w.reason,
			ReplayOf: w.replayOf, Attempts: w.attempts,
		}
		if w.state.Terminal() {
			entries[i].EndedAt = w.at
		}
	}
	return entries, nil
}

// unsettled is the entry of a notification without a row.
func (s *Store) unsettled(id pipeline.ID) pipeline.Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lane(pipeline.Queue{Channel: id.Channel(), Priority: id.Priority()})
	p := l.partitions[partitionOf(id, len(l.partitions))]
	for offset := p.mark; offset < p.next; offset++ {
		if d := p.handed[offset%windowSize]; d != nil && d.ID == id {
			return pipeline.Entry{ID: id, State: pipeline.Sending, Ref: d.Ref, UserID: d.UserID}
		}
	}
	return pipeline.Entry{ID: id, State: pipeline.Queued}
}

// partitionOf spreads a queue over its partitions by user, so that a user's
// notifications of one queue stay in order.
func partitionOf(id pipeline.ID, partitions int) int { return int(id.UserHash() % uint32(partitions)) }
