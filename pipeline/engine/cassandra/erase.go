package cassandra

import (
	"context"
	"fmt"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"

	"github.com/notifyctl/notifyctl/pipeline"
)

// clockGap is more than any two clocks of ours differ by. What is deleted of an
// erased user is deleted as if so much later: Cassandra lets the later of a
// write and a delete win by the clocks of those who sent them, and a row that
// was on its way must not outlive the delete. No id is ever written again once
// its user was erased, so that the delete takes nothing else with it.
const clockGap = time.Hour

// Erase forgets what a user was sent so far. First the user is noted, and what
// was noted can be seen by everybody from then on. Then it waits until no
// process goes by an older look: now none records anything of before, and none
// hands it out. What is there by then is deleted.
//
// Accepted before is what has an id of up to half of the lag after the call
// began. So a notification is neither missed nor lost to the erasure if its
// gateway's clock and ours differ by less than that, a second by default.
func (s *Store) Erase(ctx context.Context, user string) error {
	err := call(ctx, "see who was erased", s.erasures.current)
	if err != nil {
		return err
	}
	before, repeated := s.erasures.of(user)
	if !repeated && s.erasures.full() {
		return fmt.Errorf("%w: %d users were erased and are remembered until the history of before has ended", pipeline.ErrFull, maxErasures)
	}
	one, err := s.noteErasure(ctx, user)
	if err != nil {
		return err
	}
	select {
	case <-time.After(s.cfg.ErasureLag):
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := s.sweep(ctx, one); err != nil {
		return err
	}
	if repeated && before.noted != one.noted {
		return call(ctx, "forget an erasure that was repeated", func(ctx context.Context) error {
			return s.query(deleteErasure, before.noted, user).ExecContext(ctx)
		})
	}
	return nil
}

// noteErasure writes to the quorum of every data centre that has the history,
// since processes look at their own.
func (s *Store) noteErasure(ctx context.Context, user string) (one erasure, err error) {
	err = call(ctx, "note that a user is erased", func(ctx context.Context) error {
		now := s.now()
		one = erasure{user: user, until: now.Add(s.cfg.ErasureLag / 2).UnixMilli(), noted: now.UnixMilli()}
		return s.query(insertErasure, one.noted, user, one.until).Consistency(gocql.EachQuorum).ExecContext(ctx)
	})
	if err == nil {
		s.erasures.mu.Lock()
		s.erasures.add(one)
		s.erasures.mu.Unlock()
	}
	return one, err
}

// sweepSize is how many notifications of an erased user are deleted at a time.
const sweepSize = 1000

// sweep deletes the rows of an erased user, and its letters.
func (s *Store) sweep(ctx context.Context, one erasure) error {
	from := pipeline.LowestID(s.now().Add(-keptAccepted(s.cfg.Retention)))
	before := pipeline.LowestID(time.UnixMilli(one.until + 1))
	for {
		var found []swept
		err := call(ctx, "find what an erased user was sent", func(ctx context.Context) error {
			return s.userRows(ctx, pipeline.UserHash(one.user), from, before, func(id pipeline.ID, known []row) bool {
				if len(found) == sweepSize {
					return false
				}
				before = id
				if known[0].user == one.user {
					found = append(found, swept{id, outcomeIs(known, pipeline.Dead)})
				}
				return true
			})
		})
		if err != nil {
			return err
		}
		err = call(ctx, "delete what an erased user was sent", func(ctx context.Context) error {
			return s.deleteSwept(ctx, found)
		})
		if err != nil || len(found) < sweepSize {
			return err
		}
	}
}

// outcomeIs says whether any row has a state.
func outcomeIs(known []row, state pipeline.State) bool {
	for i := range known {
		if known[i].state == state {
			return true
		}
	}
	return false
}

// swept is a notification to be deleted, with or without a letter.
type swept struct {
	id   pipeline.ID
	dead bool
}

const (
	deleteRows   = "DELETE FROM history WHERE user_hash = ? AND month = ? AND accepted_at = ? AND id = ?"
	deleteLetter = "DELETE FROM dead_letters WHERE channel = ? AND hour = ? AND id = ?"
)

// deleteSwept deletes the letter first: the row is what it is found by.
func (s *Store) deleteSwept(ctx context.Context, found []swept) error {
	at := s.now().Add(clockGap)
	return each(ctx, len(found), func(ctx context.Context, i int) error {
		id, p := found[i].id, placeOf(found[i].id)
		if found[i].dead {
			if err := s.write(at, deleteLetter, int8(id.Channel()), hourOf(id.Time()), id[:]).ExecContext(ctx); err != nil {
				return err
			}
		}
		return s.write(at, deleteRows, p.hash, p.month, id.Time().UnixMilli(), id[:]).ExecContext(ctx)
	})
}

// forget deletes what may have been written of facts of erased users.
func (s *Store) forget(ctx context.Context, erased []*pipeline.Fact) error {
	found := make([]swept, len(erased))
	for i, f := range erased {
		found[i] = swept{f.Delivery.ID, f.State == pipeline.Dead}
	}
	return s.deleteSwept(ctx, found)
}

// Erased says which deliveries are of notifications that were accepted before
// their user was erased. From the nil of an Erase on, every process says so.
func (s *Store) Erased(ctx context.Context, deliveries []*pipeline.Delivery) ([]bool, error) {
	if err := call(ctx, "see who was erased", s.erasures.current); err != nil {
		return nil, err
	}
	erased := make([]bool, len(deliveries))
	for i, d := range deliveries {
		erased[i] = s.erasures.covers(d.UserID, d.ID)
	}
	return erased, nil
}
