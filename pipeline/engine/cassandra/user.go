package cassandra

import (
	"context"

	gocql "github.com/apache/cassandra-gocql-driver/v2"

	"github.com/notifyctl/notifyctl/pipeline"
)

const selectUser = "SELECT " + rowColumns + ` FROM history WHERE user_hash = ? AND month = ?
	AND (accepted_at, id) < (?, ?) AND (accepted_at, id) >= (?, ?)`

// ByUser lists what has a row of a user's notifications.
func (s *Store) ByUser(ctx context.Context, user string, p pipeline.Page) (entries []pipeline.Entry, next pipeline.Cursor, err error) {
	l, err := s.openListing(&p, "user", user)
	if err != nil {
		return nil, "", err
	}
	err = call(ctx, "list a user's notifications", func(ctx context.Context) error {
		if err := s.erasures.current(ctx); err != nil {
			return err
		}
		return s.userRows(ctx, pipeline.UserHash(user), l.from, l.before, func(id pipeline.ID, known []row) (more bool) {
			if len(entries) == l.limit || !l.scan(id) {
				next = l.next()
				return false
			}
			if known[0].user == user && !s.erasures.covers(user, id) {
				entries = append(entries, entry(known))
			}
			return true
		})
	})
	if err != nil {
		return nil, "", err
	}
	return entries, next, nil
}

// userRows gives the rows of each notification under a user's hash, newest
// first, with an id from from on and before before, until it is told that it is
// enough. Users whose hashes are alike share them. It goes from partition to
// partition, a month each.
func (s *Store) userRows(ctx context.Context, hash uint32, from, before pipeline.ID, visit func(id pipeline.ID, known []row) (more bool)) error {
	if string(from[:]) >= string(before[:]) {
		return nil
	}
	for month := monthOf(before.Time()); month >= monthOf(from.Time()); month = monthBefore(month) {
		found := s.query(selectUser, int32(hash), month, before.Time().UnixMilli(), before[:], from.Time().UnixMilli(), from[:]).
			PageSize(scanPage).IterContext(ctx)
		more, err := byNotification(found.Scanner(), visit)
		if !more || err != nil {
			return err
		}
	}
	return nil
}

// byNotification gathers the rows of each notification, which come one after
// the other.
func byNotification(rows gocql.Scanner, visit func(id pipeline.ID, known []row) (more bool)) (more bool, err error) {
	var known []row
	for {
		var r row
		found, err := scanRow(rows, &r)
		if err != nil {
			return false, err
		}
		if len(known) > 0 && (!found || r.id != known[0].id) {
			if !visit(known[0].id, known) {
				return false, nil
			}
			known = known[:0]
		}
		if !found {
			return true, nil
		}
		known = append(known, r)
	}
}
