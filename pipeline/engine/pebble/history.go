package pebble

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"github.com/notifyctl/notifyctl/pipeline"
)

// row reads a notification's history row: in memory, then in the tables, where
// it is before it leaves memory.
func (s *Store) row(id pipeline.ID) (w row, found bool, err error) {
	if dayOf(id.Time()) < s.horizon() {
		return row{}, false, nil
	}
	value, found := s.recent.get(id)
	if !found {
		if value, found, err = s.get(appendRowKey(nil, s.sliced.of(id), id)); err != nil || !found {
			return row{}, false, err
		}
	}
	if w, err = decodeRow(value); err != nil {
		return row{}, false, fmt.Errorf("history of %s: %w", id, err)
	}
	return w, true, nil
}

// entry is what a row says.
func (w *row) entry(id pipeline.ID) pipeline.Entry {
	e := pipeline.Entry{
		ID: id, State: w.state, Ref: w.ref, UserID: w.user, Reason: w.reason,
		ReplayOf: w.replayOf, Attempts: w.attempts,
	}
	if w.state.Terminal() {
		e.EndedAt = w.at
	}
	return e
}

// hidden says whether a row's user was erased.
func (s *Store) hidden(w *row, id pipeline.ID) bool { return w.erased || s.erasures.covers(w.user, id) }

// ByID looks notifications up: in the history, then among those that are being
// sent; what is in neither is queued.
func (s *Store) ByID(ctx context.Context, ids []pipeline.ID) ([]pipeline.Entry, error) {
	entries := make([]pipeline.Entry, len(ids))
	for i, id := range ids {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		e, err := s.byID(id)
		if err != nil {
			return nil, err
		}
		e.ID = id
		entries[i] = e
	}
	return entries, nil
}

func (s *Store) byID(id pipeline.ID) (pipeline.Entry, error) {
	maybeErased := s.erasures.mayCover(id)
	if e, found, err := s.settled(id); found || err != nil {
		return e, err
	}
	if e, found := s.sending(id); found {
		return e, nil
	}
	// It may have been settled between the two.
	if e, found, err := s.settled(id); found || err != nil {
		return e, err
	}
	// What has no row is in the queue, unless its day was dropped: nothing of
	// such a day is unfinished.
	if dayOf(id.Time()) < s.horizon() {
		return pipeline.Entry{}, nil
	}
	if maybeErased {
		return s.queuedOf(id)
	}
	return pipeline.Entry{State: pipeline.Queued}, nil
}

// queuedOf is the entry of a queued notification whose user may have been
// erased. Only what is due next says without a search whose it is: of two users
// whose hashes are alike, one of whom was erased, the other's backlog from
// before is taken for erased until its turn comes near.
func (s *Store) queuedOf(id pipeline.ID) (pipeline.Entry, error) {
	pending, err := s.pending(id.UserHash())
	if err != nil {
		return pipeline.Entry{}, err
	}
	for _, e := range pending {
		if e.ID == id && !s.erasures.covers(e.UserID, id) {
			return e, nil
		}
	}
	return pipeline.Entry{}, nil
}

// settled is the entry of a notification that has a row; its state is zero when
// its user was erased.
func (s *Store) settled(id pipeline.ID) (pipeline.Entry, bool, error) {
	w, found, err := s.row(id)
	if err != nil || !found {
		return pipeline.Entry{}, false, err
	}
	if s.hidden(&w, id) {
		return pipeline.Entry{}, true, nil
	}
	return w.entry(id), true, nil
}

// sending is the entry of a notification that was handed out and has no row.
func (s *Store) sending(id pipeline.ID) (pipeline.Entry, bool) {
	d := s.handedOut(id)
	if d == nil {
		return pipeline.Entry{}, false
	}
	if s.erasures.covers(d.UserID, id) {
		return pipeline.Entry{}, true
	}
	return sendingEntry(d), true
}

func sendingEntry(d *pipeline.Delivery) pipeline.Entry {
	return pipeline.Entry{ID: d.ID, State: pipeline.Sending, Ref: d.Ref, UserID: d.UserID, ReplayOf: d.ReplayOf}
}

// handedOut finds a delivery in its partition's window.
func (s *Store) handedOut(id pipeline.ID) *pipeline.Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lane(pipeline.Queue{Channel: id.Channel(), Priority: id.Priority()})
	p := l.partitions[partitionOf(id, len(l.partitions))]
	for offset := p.mark; offset < p.next; offset++ {
		if d := p.handed[offset%windowSize]; d != nil && d.ID == id {
			return d
		}
	}
	return nil
}

// partitionOf spreads a queue over its partitions by user, so that a user's
// notifications of one queue stay in order.
func partitionOf(id pipeline.ID, partitions int) int {
	return partitionOfHash(id.UserHash(), partitions)
}

func partitionOfHash(hash uint32, partitions int) int { return int(hash % uint32(partitions)) }

// userRows gives each row under a user's hash, newest first, with an id from
// from on and before before, until it is told that it is enough. Users whose
// hashes are alike share them. Memory is looked into first: what becomes a table
// meanwhile is found in both, and once.
func (s *Store) userRows(ctx context.Context, hash uint32, from, before pipeline.ID, each func(id pipeline.ID, value string) (more bool, err error)) (err error) {
	if kept := pipeline.LowestID(s.horizon().begin()); string(from[:]) < string(kept[:]) {
		from = kept
	}
	recent := s.recent.ofUser(hash, from, before)
	tables, err := s.openTableRows(hash, from, before)
	if err != nil {
		return err
	}
	defer closeIter(tables.it, &err)
	for tables.seek(); ; {
		if err := errors.Join(ctx.Err(), tables.err); err != nil {
			return err
		}
		var id pipeline.ID
		var value string
		switch {
		case len(recent) > 0 && (!tables.valid || string(recent[0].id[:]) >= string(tables.id[:])):
			id, value = recent[0].id, string(recent[0].row)
			recent = recent[1:]
		case tables.valid:
			id, value = tables.id, string(tables.it.Value())
		default:
			return nil
		}
		if tables.valid && tables.id == id {
			tables.prev()
		}
		if more, err := each(id, value); !more || err != nil {
			return err
		}
	}
}

// tableRows goes through the rows under a user's hash that are in tables, newest
// first.
type tableRows struct {
	it           *pebble.Iterator
	hash         uint32
	from, before pipeline.ID
	in           slice // where it is
	// The row it is at, unless it is at the end, or err.
	id    pipeline.ID
	valid bool
	err   error
}

func (s *Store) openTableRows(hash uint32, from, before pipeline.ID) (*tableRows, error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: rowsBefore(dayOf(from.Time())), UpperBound: []byte{prefixRow + 1}})
	if err != nil {
		return nil, fmt.Errorf("read a user's history: %w", err)
	}
	return &tableRows{it: it, hash: hash, from: from, before: before, in: s.sliced.of(before)}, nil
}

// seek goes to the newest row.
func (r *tableRows) seek() {
	r.find(r.it.SeekLT(append(appendUserKey(nil, r.in, r.hash), r.before[:]...)))
}

// prev goes to the next older row.
func (r *tableRows) prev() { r.find(r.it.Prev()) }

// find goes from where the iterator is to the next row of the user: a slice
// that has none takes a seek.
func (r *tableRows) find(at bool) {
	last := highestID()
	r.valid = false
	for ; at; at = r.it.SeekLT(append(appendUserKey(nil, r.in, r.hash), last[:]...)) {
		in, hash, id, err := parseRowKey(r.it.Key())
		switch {
		case err != nil:
			r.err = err
			return
		case in == r.in && hash == r.hash:
			r.id, r.valid = id, string(id[:]) >= string(r.from[:])
			return
		case in < r.in:
			r.in = in
		case r.in == 0:
			return
		default:
			r.in-- // the slice has rows, and none of the user's
		}
	}
	r.err = r.it.Error()
}

// ByUser lists a user's notifications: what has a row, and of what has none
// what is in memory.
func (s *Store) ByUser(ctx context.Context, user string, p pipeline.Page) ([]pipeline.Entry, pipeline.Cursor, error) {
	l, err := openListing(&p, "user", user)
	if err != nil {
		return nil, "", err
	}
	hash := pipeline.UserHash(user)
	// First what has no row: what leaves memory meanwhile has one then.
	entries, err := s.pending(hash)
	if err != nil {
		return nil, "", err
	}
	entries = slices.DeleteFunc(entries, func(e pipeline.Entry) bool {
		return e.UserID != user || !l.holds(e.ID) || s.erasures.covers(user, e.ID)
	})
	rows, whole := 0, true
	err = s.userRows(ctx, hash, l.from, l.before, func(id pipeline.ID, value string) (bool, error) {
		if rows > p.Limit || !l.scan(ctx) {
			whole = false
			return false, ctx.Err()
		}
		l.last = id
		w, err := decodeRow(value)
		if err != nil {
			return false, fmt.Errorf("history of %s: %w", id, err)
		}
		if w.user == user && !s.hidden(&w, id) {
			entries = append(entries, w.entry(id))
			rows++
		}
		return true, nil
	})
	if err != nil {
		return nil, "", err
	}
	return l.page(entries, whole, p.Limit)
}

// page orders and cuts what was found, where a row stands behind what was in
// memory of the same notification. Unless it was all there is, what lies behind
// the last row that was looked at belongs to a later page.
func (l *listing) page(entries []pipeline.Entry, whole bool, limit int) ([]pipeline.Entry, pipeline.Cursor, error) {
	slices.SortStableFunc(entries, func(a, b pipeline.Entry) int { return strings.Compare(string(b.ID[:]), string(a.ID[:])) })
	kept := entries[:0]
	for _, e := range entries {
		if n := len(kept); n > 0 && kept[n-1].ID == e.ID {
			kept[n-1] = e
			continue
		}
		kept = append(kept, e)
	}
	if !whole {
		kept = slices.DeleteFunc(kept, func(e pipeline.Entry) bool { return string(e.ID[:]) < string(l.last[:]) })
	}
	if len(kept) > limit {
		kept = kept[:limit]
		l.last, whole = kept[limit-1].ID, false
	}
	if whole {
		return kept, "", nil
	}
	return kept, l.next(), nil
}
