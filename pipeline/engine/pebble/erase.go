package pebble

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/notifyctl/notifyctl/pipeline"
)

const (
	// maxErasures bounds the users whose erasure is remembered.
	maxErasures = 100_000
	// sweepSize is how many rows of an erased user one change rewrites.
	sweepSize = 1000
)

// erasure is a user whose notifications are being forgotten. It is remembered
// for as long as one that was accepted before it may be unfinished; from then
// on each of them has a row that says that it was erased, or none at all.
type erasure struct {
	user string
	// until is the millisecond since 1970 up to which what was accepted is
	// erased.
	until int64
	// swept says that what had ended when the user was erased is gone.
	swept bool
}

// erasures is the users that are being erased, by hash. It is changed by the
// writer as it builds the commit that says so, before that is synced: whatever
// follows from it is in the same commit or a later one. Its lock is held
// alone.
type erasures struct {
	mu     sync.RWMutex
	byHash map[uint32][]erasure
	count  atomic.Int64
}

// none says that nobody is being erased, which is so nearly always.
func (e *erasures) none() bool { return e.count.Load() == 0 }

// covers says whether a notification of a user was erased.
func (e *erasures) covers(user string, id pipeline.ID) bool {
	if e.none() {
		return false
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	for _, known := range e.byHash[id.UserHash()] {
		if known.user == user && id.Time().UnixMilli() <= known.until {
			return true
		}
	}
	return false
}

// mayCover says whether a notification of which the id alone is known may have
// been erased. It errs when a user with the same hash was.
func (e *erasures) mayCover(id pipeline.ID) bool {
	if e.none() {
		return false
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	for _, known := range e.byHash[id.UserHash()] {
		if id.Time().UnixMilli() <= known.until {
			return true
		}
	}
	return false
}

// set adds an erasure, or replaces that of the same user, and keeps the later
// of the two times.
func (e *erasures) set(added erasure) erasure {
	e.mu.Lock()
	defer e.mu.Unlock()
	hash := pipeline.UserHash(added.user)
	for i := range e.byHash[hash] {
		if known := &e.byHash[hash][i]; known.user == added.user {
			added.until = max(added.until, known.until)
			*known = added
			return added
		}
	}
	if e.byHash == nil {
		e.byHash = map[uint32][]erasure{}
	}
	e.byHash[hash] = append(e.byHash[hash], added)
	e.count.Add(1)
	return added
}

// sweptUntil notes that an erasure is swept, unless it was repeated since.
func (e *erasures) sweptUntil(user string, until int64) (noted erasure, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.byHash[pipeline.UserHash(user)] {
		if known := &e.byHash[pipeline.UserHash(user)][i]; known.user == user && known.until == until {
			known.swept = true
			return *known, true
		}
	}
	return erasure{}, false
}

// forget drops the erasures that are swept and of which nothing from before is
// unfinished, and lists their users.
func (e *erasures) forget(unfinished int64) (users []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for hash, list := range e.byHash {
		kept := list[:0]
		for _, known := range list {
			if known.swept && known.until < unfinished {
				users = append(users, known.user)
			} else {
				kept = append(kept, known)
			}
		}
		if e.byHash[hash] = kept; len(kept) == 0 {
			delete(e.byHash, hash)
		}
	}
	e.count.Add(-int64(len(users)))
	return users
}

// unswept lists the erasures that are not swept.
func (e *erasures) unswept() (list []erasure) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	for _, known := range e.byHash {
		for i := range known {
			if !known[i].swept {
				list = append(list, known[i])
			}
		}
	}
	return list
}

func appendErasure(b []byte, e *erasure) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(e.until))
	if e.swept {
		return append(b, 1)
	}
	return append(b, 0)
}

// decodeErasure reads an erasure's key and value.
func decodeErasure(key, value []byte) (erasure, error) {
	if len(key) < 5 || key[0] != prefixErasure || len(value) != 9 || value[8] > 1 ||
		binary.BigEndian.Uint32(key[1:]) != pipeline.UserHash(string(key[5:])) {
		return erasure{}, damagef("the erasure %x has not its shape", key)
	}
	return erasure{user: string(key[5:]), until: int64(binary.BigEndian.Uint64(value)), swept: value[8] == 1}, nil
}

// recoverErasures reads who is being erased.
func (s *Store) recoverErasures() (err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixErasure}, UpperBound: []byte{prefixErasure + 1}})
	if err != nil {
		return fmt.Errorf("scan the erasures: %w", err)
	}
	defer closeIter(it, &err)
	for valid := it.First(); valid; valid = it.Next() {
		e, err := decodeErasure(it.Key(), it.Value())
		if err != nil {
			return err
		}
		s.erasures.set(e)
	}
	return nil
}

// Erase forgets what a user was sent so far. The user is noted first: from
// there on nothing of it is found, and nothing new of it is written. Then what
// had ended is swept, in changes of bounded size; what is unfinished loses its
// row when it ends.
func (s *Store) Erase(ctx context.Context, user string) error {
	if n := s.erasures.count.Load(); n >= maxErasures {
		return fmt.Errorf("%w: %d users are being erased, and something that was accepted before is unfinished; try again when it has ended", pipeline.ErrFull, n)
	}
	e, err := s.noteErasure(ctx, user)
	if err != nil {
		return err
	}
	if err := s.sweep(ctx, e); err != nil {
		return err
	}
	// What is accepted after the answer must not be of the same millisecond.
	time.Sleep(time.Millisecond)
	return nil
}

// noteErasure makes durable that a user is erased from now on.
func (s *Store) noteErasure(ctx context.Context, user string) (e erasure, err error) {
	err = s.writer.submit(ctx, func(g *group) {
		e = s.erasures.set(erasure{user: user, until: s.now().UnixMilli()})
		g.set(erasureKey(user), appendErasure(nil, &e))
	}, nil)
	return e, err
}

// sweep rewrites the rows of an erased user that have ended, and drops its dead
// letters. A row that has ended never changes, so it is read outside the
// writer.
func (s *Store) sweep(ctx context.Context, e erasure) error {
	var rows []sweptRow
	flush := func() error {
		if len(rows) == 0 {
			return nil
		}
		batch := rows
		rows = nil
		return s.submitRows(ctx, func(g *group) {
			for _, r := range batch {
				r.rewrite(g)
			}
		}, nil)
	}
	from, before := pipeline.ID{}, pipeline.LowestID(time.UnixMilli(e.until+1))
	err := s.userRows(ctx, pipeline.UserHash(e.user), from, before, func(id pipeline.ID, value string) (bool, error) {
		w, err := decodeRow(value)
		if err != nil {
			return false, fmt.Errorf("history of %s: %w", id, err)
		}
		if e.ownsEnded(&w) {
			rows = append(rows, sweptRow{id, w.state})
		}
		if len(rows) < sweepSize {
			return true, nil
		}
		return true, flush()
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return fmt.Errorf("erase a user: %w", err)
	}
	s.recent.swept.Store(true)
	return s.writer.submit(ctx, func(g *group) {
		if noted, ok := s.erasures.sweptUntil(e.user, e.until); ok {
			g.set(erasureKey(e.user), appendErasure(nil, &noted))
		}
	}, nil)
}

// ownsEnded says whether a row of the user's hash, accepted in time, is to be
// swept. Undecodable bytes do not say whose they were, so they go with any user
// of their hash.
func (e *erasure) ownsEnded(w *row) bool {
	if !w.state.Terminal() || w.erased {
		return false
	}
	return w.user == e.user || w.user == "" && w.reason == pipeline.ReasonUndecodable
}

// sweptRow is a row to be erased.
type sweptRow struct {
	id    pipeline.ID
	state pipeline.State
}

func (r sweptRow) rewrite(g *group) {
	g.scratch = appendErasedRow(g.scratch[:0], r.state)
	g.setRow(r.id, g.scratch)
	if r.state == pipeline.Dead {
		g.delete(deadKey(r.id))
	}
}

// sweepLeft goes on with the erasures that a process before did not finish, or
// whose caller gave up. What was swept then leaves the journal too.
func (s *Store) sweepLeft(ctx context.Context) error {
	for _, e := range s.erasures.unswept() {
		if err := s.sweep(ctx, e); err != nil {
			return err
		}
	}
	if s.recent.swept.Swap(false) {
		s.recent.sealAny()
	}
	return nil
}

// forgetErasures drops the erasures that have become true of every row.
func (s *Store) forgetErasures(ctx context.Context, unfinished time.Time) error {
	return s.writer.submit(ctx, func(g *group) {
		users := s.erasures.forget(unfinished.UnixMilli())
		for _, user := range users {
			g.delete(erasureKey(user))
		}
		if len(users) > 0 {
			s.cfg.Log.Info("nothing is left of users that were erased", slog.Int("users", len(users)))
		}
	}, nil)
}
