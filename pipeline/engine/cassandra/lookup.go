package cassandra

import (
	"context"

	"github.com/notifyctl/notifyctl/pipeline"
)

// lookup reads what is known of ids, of each one that is not of an erased user.
// Read is called for each id with its rows, by several goroutines.
func (s *Store) lookup(ctx context.Context, what string, ids []pipeline.ID, read func(i int, known []row)) error {
	if len(ids) == 0 {
		return nil
	}
	return call(ctx, what, func(ctx context.Context) error {
		if err := s.erasures.current(ctx); err != nil {
			return err
		}
		return each(ctx, len(ids), func(ctx context.Context, i int) error {
			known, err := s.rows(ctx, ids[i])
			if err == nil {
				read(i, known)
			}
			return err
		})
	})
}

// ByID looks notifications up. What has no row waits or is being sent, and is
// Queued in either case: only its row says more. Unless it is older than the
// history is kept; or a user with its hash was erased after its acceptance,
// since nothing says whether it is that user's.
func (s *Store) ByID(ctx context.Context, ids []pipeline.ID) ([]pipeline.Entry, error) {
	entries := make([]pipeline.Entry, len(ids))
	err := s.lookup(ctx, "look notifications up", ids, func(i int, known []row) {
		entries[i] = pipeline.Entry{ID: ids[i]}
		switch {
		case len(known) == 0:
			if !s.expired(ids[i]) && !s.erasures.mayCover(ids[i]) {
				entries[i].State = pipeline.Queued
			}
		case !s.erasures.covers(known[0].user, ids[i]):
			entries[i] = entry(known)
		}
	})
	if err != nil {
		return nil, err
	}
	return entries, nil
}

// expired says whether a notification is older than the history is kept.
func (s *Store) expired(id pipeline.ID) bool { return s.now().Sub(id.Time()) > s.cfg.Retention }

// Rows looks up what is held of ids, with the deliveries that left it.
func (s *Store) Rows(ctx context.Context, ids []pipeline.ID) ([]pipeline.Row, error) {
	rows := make([]pipeline.Row, len(ids))
	err := s.lookup(ctx, "look notifications up", ids, func(i int, known []row) {
		rows[i].ID = ids[i]
		if len(known) == 0 || s.erasures.covers(known[0].user, ids[i]) {
			return
		}
		rows[i] = rowOf(known)
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// rowOf is what a notification's rows say of it and of the deliveries that left
// them; known has one at least.
func rowOf(known []row) pipeline.Row {
	r := decisive(known)
	row := pipeline.Row{Entry: entryOf(r, known), Token: r.token, Origin: r.origin, DeliveryDue: r.due}
	for i := range known {
		k := &known[i]
		if k.state == pipeline.Sending {
			continue
		}
		if k.due.After(row.DeliveryDue) {
			row.DeliveryDue = k.due
		}
		if k.state == pipeline.Retrying && k.token == r.token && k.retry.After(row.Due) {
			row.Due = k.retry
		}
	}
	return row
}
