package cassandra

import (
	"context"
	"fmt"
	"sync"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"

	"github.com/notifyctl/notifyctl/pipeline"
)

// letter is a dead letter as it is kept. What became of the notification is in
// its rows; a letter of which they say something else is none. One that holds
// what is no record has no rows, and lies under an id that the place in the log
// was made into.
type letter struct {
	id          pipeline.ID
	user        string
	reason      string
	replayedBy  pipeline.ID
	undecodable []byte
	record      []byte // its binary form; not read for lists
}

// hourOf is the hour since 1970 of a time. Letters are divided by it, so that a
// provider's bad day is no partition too large to read.
func hourOf(t time.Time) int32 { return int32(t.Unix() / 3600) }

const (
	insertLetter = "INSERT INTO dead_letters (channel, hour, id, user_id, reason, record) VALUES (?, ?, ?, ?, ?, ?)"
	insertHour   = "INSERT INTO dead_hours (list, hour, channel) VALUES (0, ?, ?)"
	selectLetter = "SELECT id, user_id, reason, replayed_by, undecodable, record FROM dead_letters WHERE channel = ? AND hour = ? AND id = ?"
	updateLetter = "UPDATE dead_letters SET replayed_by = ?, record = null WHERE channel = ? AND hour = ? AND id = ?"
)

// insertLetter keeps a dead fact's record. It is written as of when it died, so
// that a repetition does not bring back what a replay has taken out.
func (s *Store) insertLetter(ctx context.Context, f *pipeline.Fact) error {
	id := f.Delivery.ID
	if err := s.noteHour(ctx, id.Channel(), hourOf(id.Time())); err != nil {
		return err
	}
	record := pipeline.AppendRecord(nil, &f.Delivery.Record)
	return s.write(f.At, insertLetter, int8(id.Channel()), hourOf(id.Time()), id[:], f.Delivery.UserID, f.Reason, record).ExecContext(ctx)
}

// hourNotes is which hours with letters this process has listed lately.
type hourNotes struct {
	mu    sync.Mutex
	noted map[hourNote]struct{}
}

type hourNote struct {
	channel pipeline.Channel
	hour    int32
}

// maxHourNotes bounds the notes; behind it they begin anew, and each hour is
// listed once more.
const maxHourNotes = 1000

// noteHour lists an hour that has letters, before the first is written.
func (s *Store) noteHour(ctx context.Context, c pipeline.Channel, hour int32) error {
	note := hourNote{c, hour}
	s.hours.mu.Lock()
	_, known := s.hours.noted[note]
	s.hours.mu.Unlock()
	if known {
		return nil
	}
	if err := s.query(insertHour, hour, int8(c)).ExecContext(ctx); err != nil {
		return err
	}
	s.hours.mu.Lock()
	defer s.hours.mu.Unlock()
	if s.hours.noted == nil || len(s.hours.noted) == maxHourNotes {
		s.hours.noted = map[hourNote]struct{}{}
	}
	s.hours.noted[note] = struct{}{}
	return nil
}

// scanLetter reads the next letter, of the columns of [selectLetter] or all of
// them but the last.
func scanLetter(found gocql.Scanner, l *letter, more ...any) (bool, error) {
	if !found.Next() {
		return false, found.Err()
	}
	*l = letter{undecodable: []byte{}} // which stays there for no bytes, and goes for a null
	var id, replayedBy []byte
	err := found.Scan(append([]any{&id, &l.user, &l.reason, &replayedBy, &l.undecodable}, more...)...)
	if err == nil {
		l.id, err = decodeID(id)
	}
	if err == nil && len(replayedBy) > 0 {
		l.replayedBy, err = decodeID(replayedBy)
	}
	return err == nil, err
}

// exists says whether it is more than a note of a replay that came behind its
// deletion.
func (l *letter) exists() bool { return l.reason != "" }

// letter reads the letter of a notification; it exists not where there is none.
func (s *Store) letter(ctx context.Context, id pipeline.ID) (l letter, err error) {
	found := s.query(selectLetter, int8(id.Channel()), hourOf(id.Time()), id[:]).IterContext(ctx).Scanner()
	_, err = scanLetter(found, &l, &l.record)
	return l, err
}

// tell joins a letter with what its rows say. It finds none when its user was
// erased, and when the notification is not dead.
func (s *Store) tell(ctx context.Context, l *letter) (told pipeline.DeadLetter, found bool, err error) {
	told = pipeline.DeadLetter{
		Queue:      pipeline.Queue{Channel: l.id.Channel(), Priority: l.id.Priority()},
		ReplayedBy: l.replayedBy,
	}
	if l.undecodable != nil {
		told.Entry = pipeline.Entry{State: pipeline.Dead, Reason: l.reason, EndedAt: l.id.Time()}
		told.Undecodable = l.undecodable
		return told, true, nil
	}
	known, err := s.rows(ctx, l.id)
	if err != nil || len(known) == 0 || s.erasures.covers(known[0].user, l.id) {
		return pipeline.DeadLetter{}, false, err
	}
	if told.Entry = entry(known); told.State != pipeline.Dead {
		return pipeline.DeadLetter{}, false, nil
	}
	return told, true, nil
}

// DeadByID looks dead letters up with their records.
func (s *Store) DeadByID(ctx context.Context, ids []pipeline.ID) ([]pipeline.DeadLetter, error) {
	letters := make([]pipeline.DeadLetter, len(ids))
	err := call(ctx, "look dead letters up", func(ctx context.Context) error {
		if err := s.erasures.current(ctx); err != nil {
			return err
		}
		return each(ctx, len(ids), func(ctx context.Context, i int) error {
			letters[i].ID = ids[i]
			l, err := s.letter(ctx, ids[i])
			if err != nil || !l.exists() || l.undecodable != nil {
				return err
			}
			told, found, err := s.tell(ctx, &l)
			if err != nil || !found {
				return err
			}
			letters[i] = told
			if !l.replayedBy.IsZero() || len(l.record) == 0 {
				return nil
			}
			if letters[i].Record, err = decodeRecord(l.record); err != nil {
				return fmt.Errorf("dead letter %s: %w", ids[i], err)
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return letters, nil
}

func decodeRecord(form []byte) (*pipeline.Record, error) {
	record := &pipeline.Record{}
	if n, err := pipeline.DecodeRecord(string(form), record); err != nil || n != len(form) {
		return nil, errDamaged
	}
	return record, nil
}

// Replayed notes at dead letters what was made of them, and forgets their
// records. What was replayed before keeps the first; of two replays at a time
// the later may win, which their idempotency keys see to that there are not.
func (s *Store) Replayed(ctx context.Context, replacements []pipeline.Replacement) error {
	return call(ctx, "note what was sent again", func(ctx context.Context) error {
		return each(ctx, len(replacements), func(ctx context.Context, i int) error {
			r := replacements[i]
			l, err := s.letter(ctx, r.Dead)
			if err != nil || !l.exists() || l.undecodable != nil || !l.replayedBy.IsZero() {
				return err
			}
			return s.query(updateLetter, r.New[:], int8(r.Dead.Channel()), hourOf(r.Dead.Time()), r.Dead[:]).ExecContext(ctx)
		})
	})
}
