package cassandra

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/notifyctl/notifyctl/pipeline"
)

const (
	// maxErasures bounds the users whose erasure is remembered, which every
	// process holds in memory.
	maxErasures = 100_000
	// overlap is how far back each look goes behind the one before it. Erasures
	// are listed by the time at which they were noted, by the clock of who noted
	// them: one whose clock is behind by less is not missed.
	overlap = 5 * time.Minute
)

// erasureLife is for how long an erasure is remembered: what was accepted
// before it has expired in every queue and in the history by then.
func erasureLife(retention time.Duration) time.Duration { return keptAccepted(retention) }

// erasure says of a user that what was accepted up to a time is forgotten.
type erasure struct {
	user  string
	until int64 // milliseconds since 1970
	noted int64 // milliseconds since 1970, by which it is listed
}

// erasures is what a process knows of who was erased. It is read from the list
// whole when the process starts and then, once a second, by what is new. What
// the process does goes by a look that began at most lag before it, and fails
// when none succeeds.
type erasures struct {
	store *Store
	looks singleflight.Group

	mu     sync.RWMutex
	looked time.Time // when the last look that succeeded began, by a clock that does not jump
	byHash map[uint32][]erasure
	count  int
}

func (e *erasures) init(s *Store) {
	e.store, e.byHash = s, map[uint32][]erasure{}
}

// current sees to it that what is known is at most lag old, or was looked for
// since it was called, however long that took. Callers that find it older wait
// for one look together, and for another when the first began before they came.
func (e *erasures) current(ctx context.Context) error {
	called := time.Now()
	for {
		e.mu.RLock()
		looked := e.looked
		e.mu.RUnlock()
		if time.Since(looked) < e.store.cfg.ErasureLag || looked.After(called) {
			return nil
		}
		// The look is not the caller's alone, so that it does not end with it.
		done := e.looks.DoChan("", func() (any, error) { return nil, e.look(context.WithoutCancel(ctx)) })
		select {
		case r := <-done:
			if r.Err != nil {
				return r.Err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// follow looks again and again, ahead of who asks.
func (e *erasures) follow(ctx context.Context) {
	ticker := time.NewTicker(e.store.cfg.ErasureLag / 2)
	defer ticker.Stop()
	failing := false
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		_, err, _ := e.looks.Do("", func() (any, error) { return nil, e.look(ctx) })
		if err != nil && ctx.Err() == nil && !failing { // once, and not each second
			e.store.cfg.Log.Warn("cannot see which users were erased", slog.Any("error", err))
		}
		failing = err != nil
	}
}

const (
	selectErasures      = "SELECT user_id, until, noted_at FROM erasures WHERE list = 0 AND noted_at >= ?"
	insertErasure       = "INSERT INTO erasures (list, noted_at, user_id, until) VALUES (0, ?, ?, ?)"
	deleteErasure       = "DELETE FROM erasures WHERE list = 0 AND noted_at = ? AND user_id = ?"
	erasurePage         = 5000
	millisecondsPerHour = int64(time.Hour / time.Millisecond)
)

// look reads what was noted since the last look, with an overlap, or all.
func (e *erasures) look(ctx context.Context) error {
	e.mu.RLock()
	last := e.looked
	e.mu.RUnlock()
	began := time.Now()
	since := int64(0)
	if !last.IsZero() {
		since = last.Add(-overlap).UnixMilli()
	}
	found := e.store.query(selectErasures, since).PageSize(erasurePage).IterContext(ctx).Scanner()
	var seen []erasure
	for found.Next() {
		var (
			one          erasure
			until, noted time.Time
		)
		if err := found.Scan(&one.user, &until, &noted); err != nil {
			return fmt.Errorf("read who was erased: %w", err)
		}
		one.until, one.noted = until.UnixMilli(), noted.UnixMilli()
		seen = append(seen, one)
	}
	if err := found.Err(); err != nil {
		return fmt.Errorf("read who was erased: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, one := range seen {
		e.add(one)
	}
	if last.IsZero() || began.UnixMilli()/millisecondsPerHour != last.UnixMilli()/millisecondsPerHour {
		e.drop(began.Add(-erasureLife(e.store.cfg.Retention)).UnixMilli())
	}
	if began.After(e.looked) {
		e.looked = began
	}
	return nil
}

// add keeps the later of two erasures of a user. e.mu is held.
func (e *erasures) add(one erasure) {
	hash := pipeline.UserHash(one.user)
	for i := range e.byHash[hash] {
		if known := &e.byHash[hash][i]; known.user == one.user {
			if one.until > known.until {
				*known = one
			}
			return
		}
	}
	e.byHash[hash] = append(e.byHash[hash], one)
	e.count++
}

// drop forgets what has expired in the list by now. e.mu is held.
func (e *erasures) drop(before int64) {
	for hash, list := range e.byHash {
		kept := list[:0]
		for _, one := range list {
			if one.noted >= before {
				kept = append(kept, one)
			}
		}
		e.count -= len(list) - len(kept)
		if len(kept) == 0 {
			delete(e.byHash, hash)
			continue
		}
		e.byHash[hash] = kept
	}
}

// of finds the erasure of a user.
func (e *erasures) of(user string) (erasure, bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	for _, known := range e.byHash[pipeline.UserHash(user)] {
		if known.user == user {
			return known, true
		}
	}
	return erasure{}, false
}

// full says whether no other user can be erased.
func (e *erasures) full() bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.count >= maxErasures
}

// covers says whether a user's notification was erased.
func (e *erasures) covers(user string, id pipeline.ID) bool {
	return e.any(id, func(known *erasure) bool { return known.user == user })
}

// mayCover says whether a notification of which the id alone is known may have
// been erased. It errs when a user with the same hash was.
func (e *erasures) mayCover(id pipeline.ID) bool {
	return e.any(id, func(*erasure) bool { return true })
}

func (e *erasures) any(id pipeline.ID, fits func(known *erasure) bool) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	list := e.byHash[id.UserHash()]
	for i := range list {
		if id.Time().UnixMilli() <= list[i].until && fits(&list[i]) {
			return true
		}
	}
	return false
}
