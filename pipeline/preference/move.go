package preference

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Users are moved to another placement while they are read and written, so:
//
//  1. The layout says durably where they go. Every change is from now on made
//     where its user is, and then repeated where he goes.
//  2. The rows are copied, a page at a time, none over a newer one. Changes wait
//     for a page.
//  3. The layout says durably that users are there. In the process reads and
//     changes go there once none is under way that was routed before.
//  4. What lies where its user is not any more is removed.
//
// No other process may use the shards until 3: it would look for users where they
// are not any more. A process that cannot vouch for that any longer begins again
// once it can.
//
// Cut off before 3, it begins again: what lies at the new place counts for
// nothing, and is removed first, since users may have been erased since. Cut off
// after, 4 is repeated. When the copying fails, what was copied is removed as in
// 4, and the users stay where they are.

// Placement is where users are.
func (s *Shards) Placement() pipeline.Placement {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.router.placement
}

// Reshard begins to move users to another number of shards, and returns when
// that is durable: it is finished beside, or after the next opening. Errors:
// [pipeline.ErrResharding], [pipeline.ErrShardsInUse], a *[pipeline.ShardsError],
// what the store said.
func (s *Shards) Reshard(ctx context.Context, to int) error {
	if to < 1 || to > pipeline.MaxShards {
		return &pipeline.ShardsError{To: to, Detail: "want 1 to 256"}
	}
	from, next := s.Placement(), pipeline.Placement{Shards: to, Sharding: s.plan}
	if next == from {
		return &pipeline.ShardsError{To: to, Detail: "the preferences are on as many"}
	}
	if !s.move.begin(from, next, MoveCopying) {
		return pipeline.ErrResharding
	}
	held, release, err := s.set.Alone(s.move.ctx)
	if err == nil {
		if err = s.set.SetLayout(ctx, pipeline.ShardLayout{Placement: from, Next: next}); err != nil {
			release()
		}
	}
	if err != nil {
		s.end(MoveFailed, err)
		return err
	}
	s.move.running.Go(func() {
		s.moveUsers(held, from, next)
		if wasHeld(held, release) {
			return
		}
		s.beginAgain(from, next)
	})
	return nil
}

// wasHeld releases a hold on the shards, and says whether it was one until now.
func wasHeld(held context.Context, release func()) bool {
	defer release()
	return held.Err() == nil
}

// resume goes on with what the last process did not finish.
func (s *Shards) resume(layout pipeline.ShardLayout) {
	if layout.Next.Shards == 0 {
		s.move.begin(layout.Placement, layout.Placement, MoveCleaning)
		s.move.running.Go(func() { s.clean(s.move.ctx, MoveDone, nil) })
		return
	}
	s.log.Warn("users are moved to other shards: it was cut off, and begins again",
		slog.Int("from", layout.Shards), slog.Int("to", layout.Next.Shards))
	s.move.begin(layout.Placement, layout.Next, MoveCopying)
	s.move.running.Go(func() { s.beginAgain(layout.Placement, layout.Next) })
}

// beginAgain takes a move that was cut off to its end, each time that no other
// process uses the shards.
func (s *Shards) beginAgain(from, to pipeline.Placement) {
	for s.move.ctx.Err() == nil {
		var held context.Context
		var release func()
		if !s.retry(s.move.ctx, func(ctx context.Context) (err error) {
			held, release, err = s.set.Alone(ctx)
			return err
		}) {
			return
		}
		s.moveAgain(held, from, to)
		if wasHeld(held, release) {
			return
		}
	}
}

// moveAgain goes on from what the layout says.
func (s *Shards) moveAgain(ctx context.Context, from, to pipeline.Placement) {
	var layout pipeline.ShardLayout
	if !s.retry(ctx, func(ctx context.Context) (err error) {
		layout, err = s.set.Layout(ctx, from)
		return err
	}) {
		return
	}
	s.leave() // what was copied counts for nothing, and is removed first
	switch {
	case layout.Placement == to: // it had become durable
		s.settle(to)
		s.clean(s.move.ctx, MoveDone, nil)
	case layout.Next != to:
		s.end(MoveFailed, errors.New("another process ended it, or began another; restart this one"))
	case s.retry(ctx, s.purge):
		s.moveUsers(ctx, from, to)
	}
}

// settle lets users be looked for where they are now.
func (s *Shards) settle(at pipeline.Placement) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.router, s.next = NewRouter(at), nil
	s.moves++
}

// moveUsers takes a move from its first durable step to its end, or to the end
// of ctx: then it is to begin again.
func (s *Shards) moveUsers(ctx context.Context, from, to pipeline.Placement) {
	err := s.copyUsers(ctx, to)
	if ctx.Err() != nil {
		return
	}
	// Removing what counts for nothing is in nobody's way.
	if err == nil {
		if err = s.cutOver(ctx, from, to); err == nil {
			s.clean(s.move.ctx, MoveDone, nil)
			return
		}
		if ctx.Err() != nil {
			return
		}
	}
	s.clean(s.move.ctx, MoveFailed, err)
}

// copyUsers brings every row to where its user goes, and lets changes follow.
func (s *Shards) copyUsers(ctx context.Context, to pipeline.Placement) error {
	if err := s.grow(ctx, to.Shards); err != nil {
		return err
	}
	next := NewRouter(to)
	s.mu.Lock()
	s.next = &next
	s.mu.Unlock()
	for shard := range s.router.Shards() {
		for after, more := (pipeline.PreferenceKey{}), true; more; {
			var err error
			if after, more, err = s.copyPage(ctx, shard, after); err != nil {
				return err
			}
		}
		s.move.note(func(p *MoveProgress) { p.Copied = shard + 1 })
	}
	return nil
}

// copyPage copies a page of a shard, and gives the key that the next comes
// after.
func (s *Shards) copyPage(ctx context.Context, shard int, after pipeline.PreferenceKey) (last pipeline.PreferenceKey, more bool, err error) {
	s.move.writing.Lock()
	defer s.move.writing.Unlock()
	if failed := s.move.failed.Load(); failed != nil {
		return after, false, *failed
	}
	rows, err := s.scan(ctx, shard, after)
	if err != nil || len(rows) == 0 {
		return after, false, err
	}
	last, more = rows[len(rows)-1].PreferenceKey, len(rows) == scanPage
	own := slices.DeleteFunc(rows, func(row pipeline.Preference) bool {
		return s.router.Shard(row.UserID) != shard // it was copied here before
	})
	moved, err := s.importNext(ctx, own)
	s.move.note(func(p *MoveProgress) { p.Rows, p.Moved = p.Rows+int64(len(own)), p.Moved+int64(moved) })
	return last, more, err
}

// importNext writes those rows where their users go that go anywhere else.
func (s *Shards) importNext(ctx context.Context, rows []pipeline.Preference) (moved int, err error) {
	parts := map[int][]pipeline.Preference{}
	for _, row := range rows {
		if to := s.next.Shard(row.UserID); to != s.router.Shard(row.UserID) {
			parts[to] = append(parts[to], row)
			moved++
		}
	}
	return moved, s.each(parts, func(store pipeline.PreferenceStore, part []pipeline.Preference) error {
		return store.Import(ctx, part)
	})
}

// followTimeout bounds how long a change goes on after its client is gone.
const followTimeout = 2 * time.Second

// copyWritten repeats a write where its users go, as the store has it.
func (s *Shards) copyWritten(ctx context.Context, written []pipeline.Preference) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), followTimeout)
	defer cancel()
	parts := map[int][]pipeline.PreferenceKey{}
	for i := range written {
		shard := s.router.Shard(written[i].UserID)
		parts[shard] = append(parts[shard], written[i].PreferenceKey)
	}
	for shard, keys := range parts {
		rows, err := s.stores[shard].Read(ctx, keys)
		if err == nil {
			_, err = s.importNext(ctx, rows)
		}
		if err != nil {
			return ofShard(shard, err)
		}
	}
	return nil
}

// cutOver places users where they were copied to. Its error is why a change
// could not be repeated there; the layout is then to be set back.
func (s *Shards) cutOver(ctx context.Context, from, to pipeline.Placement) error {
	var failure error
	s.retry(ctx, func(ctx context.Context) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if failed := s.move.failed.Load(); failed != nil {
			failure = *failed
			return nil
		}
		// After an error it may be durable: until it is known to be, changes are
		// made at both places.
		if err := s.set.SetLayout(ctx, pipeline.ShardLayout{Placement: to, Leftover: max(from.Shards, to.Shards)}); err != nil {
			return err
		}
		s.router, s.next = NewRouter(to), nil
		s.moves++
		return nil
	})
	if failure == nil {
		failure = ctx.Err()
	}
	return failure
}

// clean removes what lies where its user is not, then the shards that are not
// used, and ends the move.
func (s *Shards) clean(ctx context.Context, phase MovePhase, cause error) {
	placement := s.Placement()
	s.move.note(func(p *MoveProgress) { p.Phase, p.Err = MoveCleaning, cause })
	set := func(leftover int) func(context.Context) error {
		return func(ctx context.Context) error {
			return s.set.SetLayout(ctx, pipeline.ShardLayout{Placement: placement, Leftover: leftover})
		}
	}
	if !s.retry(ctx, set(len(s.stores))) {
		return
	}
	s.leave()
	if s.retry(ctx, s.purge) && s.retry(ctx, set(0)) {
		s.end(phase, cause)
	}
}

// leave lets changes be made at one place alone.
func (s *Shards) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = nil
}

// end notes and logs how a move ended.
func (s *Shards) end(phase MovePhase, err error) {
	s.move.note(func(p *MoveProgress) { p.Phase, p.Ended, p.Err = phase, time.Now(), err })
	close(s.move.ended)
	p := s.Progress()
	if phase == MoveFailed {
		s.log.Error("users stay on the shards that they are on: they could not be moved",
			slog.Int("shards", p.From.Shards), slog.Int("to", p.To.Shards), slog.Any("error", err))
		return
	}
	s.log.Info("users are on other shards now", slog.Int("from", p.From.Shards), slog.Int("to", p.To.Shards),
		slog.Int64("rows", p.Rows), slog.Int64("moved", p.Moved), slog.Duration("took", p.Ended.Sub(p.Started)))
}

// purge removes what lies where its user is not. It may be repeated.
func (s *Shards) purge(ctx context.Context) error {
	if err := s.removeShards(ctx); err != nil {
		return err
	}
	for shard := range s.stores {
		for after, more := (pipeline.PreferenceKey{}), true; more; {
			rows, err := s.scan(ctx, shard, after)
			if err == nil {
				err = ofShard(shard, s.stores[shard].Erase(ctx, s.strays(shard, rows)))
			}
			if err != nil {
				return err
			}
			if more = len(rows) == scanPage; more {
				after = rows[len(rows)-1].PreferenceKey
			}
		}
	}
	return nil
}

// strays lists the users of rows whose place is another shard.
func (s *Shards) strays(shard int, rows []pipeline.Preference) (users []string) {
	for i := range rows {
		user := rows[i].UserID
		if s.router.Shard(user) != shard && (len(users) == 0 || users[len(users)-1] != user) {
			users = append(users, user)
		}
	}
	return users
}

// removeShards closes and deletes the shards that nobody is placed on.
func (s *Shards) removeShards(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.stores) > s.router.Shards() {
		last := len(s.stores) - 1
		if err := s.stores[last].Close(); err != nil {
			return ofShard(last, err)
		}
		if err := s.set.Remove(ctx, last); err != nil {
			return ofShard(last, err)
		}
		s.stores = s.stores[:last]
	}
	return nil
}

// stepRetry is how long a step of a move waits that failed.
const stepRetry = time.Second

// retry repeats a step of a move that must not be left out until it succeeds,
// and says whether it did before ctx ended.
func (s *Shards) retry(ctx context.Context, step func(context.Context) error) bool {
	for said := ""; ; {
		err := step(ctx)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		s.move.note(func(p *MoveProgress) { p.Err = err })
		if text := err.Error(); text != said {
			said = text
			s.log.Warn("moving users to other shards waits for a step that fails", slog.Any("error", err))
		}
		select {
		case <-time.After(stepRetry):
		case <-ctx.Done():
			return false
		}
	}
}
