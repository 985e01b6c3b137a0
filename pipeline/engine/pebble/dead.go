package pebble

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/notifyctl/notifyctl/pipeline"
)

// What a dead letter holds beside its history row.
const (
	letterRecord      = 1 // the record, to be sent again
	letterReplayed    = 2 // the id of what was made of it
	letterUndecodable = 3 // bytes that are no record
)

var errBadLetter = errors.New("bytes are not a dead letter")

// letter is a dead letter as it is kept, under its id. One without an id of its
// own lies under one that the place in the queue was made into.
type letter struct {
	kind       byte
	queue      pipeline.Queue
	reason     string
	record     string // its binary form
	replayedBy pipeline.ID
	raw        string
	at         time.Time // when the bytes were put aside
	anonymous  bool      // the id is made up
}

func appendLetterHead(b []byte, kind byte, q pipeline.Queue, reason string) []byte {
	return pipeline.AppendText(append(b, kind, byte(q.Channel), byte(q.Priority)), reason)
}

// appendDeadRecord appends the letter of a record that can be sent again.
func appendDeadRecord(b []byte, r *pipeline.Record, reason string) []byte {
	return pipeline.AppendRecord(appendLetterHead(b, letterRecord, r.Queue(), reason), r)
}

// appendReplayed appends what is left of a letter that was sent again.
func appendReplayed(b []byte, l *letter, by pipeline.ID) []byte {
	return append(appendLetterHead(b, letterReplayed, l.queue, l.reason), by[:]...)
}

// appendUndecodable appends the letter of bytes that are no record.
func appendUndecodable(b []byte, q pipeline.Queue, at time.Time, anonymous bool, raw string) []byte {
	b = pipeline.AppendTime(appendLetterHead(b, letterUndecodable, q, pipeline.ReasonUndecodable), at)
	if anonymous {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	return append(b, raw...)
}

func decodeLetter(value string) (letter, error) {
	d := pipeline.NewDecoder(value)
	l := letter{kind: d.Byte(), queue: pipeline.Queue{Channel: pipeline.Channel(d.Byte()), Priority: pipeline.Priority(d.Byte())}, reason: d.Text()}
	if l.queue.Channel < pipeline.Push || l.queue.Channel > pipeline.SMS || l.queue.Priority < pipeline.High || l.queue.Priority > pipeline.Low {
		d.Fail()
	}
	switch l.kind {
	case letterRecord:
		l.record = d.Rest()
	case letterReplayed:
		copy(l.replayedBy[:], d.Take(len(l.replayedBy)))
		if d.Rest() != "" {
			d.Fail()
		}
	case letterUndecodable:
		l.at, l.anonymous, l.raw = d.Time(), d.Byte() != 0, d.Rest()
	default:
		d.Fail()
	}
	if d.Failed() {
		return letter{}, errBadLetter
	}
	return l, nil
}

// letter reads a dead letter.
func (s *Store) letter(id pipeline.ID) (letter, bool, error) {
	value, found, err := s.get(deadKey(id))
	if err != nil || !found {
		return letter{}, false, err
	}
	l, err := decodeLetter(value)
	if err != nil {
		return letter{}, false, fmt.Errorf("dead letter %s: %w", id, err)
	}
	return l, true, nil
}

// Dead lists dead letters, newest first.
func (s *Store) Dead(ctx context.Context, f pipeline.DeadFilter, p pipeline.Page) (_ []pipeline.DeadLetter, _ pipeline.Cursor, err error) {
	l, err := openListing(&p, "dead", f.Channel.String(), f.Reason)
	if err != nil {
		return nil, "", err
	}
	lower, upper := deadKey(l.from), deadKey(l.before)
	if kept := deadKey(pipeline.LowestID(s.horizon().begin())); string(kept) > string(lower) {
		lower = kept
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return nil, "", fmt.Errorf("list the dead letters: %w", err)
	}
	defer closeIter(it, &err)
	var letters []pipeline.DeadLetter
	for valid := it.Last(); valid; valid = it.Prev() {
		id, err := parseDeadKey(it.Key())
		if err != nil {
			return nil, "", err
		}
		if len(letters) == p.Limit || !l.scan(ctx) {
			return letters, l.next(), ctx.Err()
		}
		l.last = id
		kept, err := decodeLetter(string(it.Value()))
		if err != nil {
			return nil, "", fmt.Errorf("dead letter %s: %w", id, err)
		}
		if f.Channel != 0 && f.Channel != kept.queue.Channel || f.Reason != "" && f.Reason != kept.reason {
			continue
		}
		told, found, err := s.tell(id, &kept)
		if err != nil {
			return nil, "", err
		}
		if found {
			letters = append(letters, told)
		}
	}
	return letters, "", nil
}

// tell joins a dead letter with its history row. It finds none when its user
// was erased.
func (s *Store) tell(id pipeline.ID, l *letter) (pipeline.DeadLetter, bool, error) {
	told := pipeline.DeadLetter{Queue: l.queue, ReplayedBy: l.replayedBy}
	if l.kind == letterUndecodable {
		told.Undecodable = []byte(l.raw)
	}
	if l.anonymous {
		told.Entry = pipeline.Entry{State: pipeline.Dead, Reason: l.reason, EndedAt: l.at}
		return told, true, nil
	}
	w, found, err := s.row(id)
	if err != nil || !found || s.hidden(&w, id) {
		return pipeline.DeadLetter{}, false, err
	}
	told.Entry = w.entry(id)
	return told, true, nil
}

// DeadByID looks dead letters up with their records.
func (s *Store) DeadByID(ctx context.Context, ids []pipeline.ID) ([]pipeline.DeadLetter, error) {
	letters := make([]pipeline.DeadLetter, len(ids))
	for i, id := range ids {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		letters[i].ID = id
		kept, found, err := s.letter(id)
		if err != nil {
			return nil, err
		}
		if !found || kept.anonymous || dayOf(id.Time()) < s.horizon() {
			continue
		}
		told, found, err := s.tell(id, &kept)
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		letters[i] = told
		if kept.kind == letterRecord {
			letters[i].Record = &pipeline.Record{}
			if _, err := pipeline.DecodeRecord(kept.record, letters[i].Record); err != nil {
				return nil, fmt.Errorf("dead letter %s: %w", id, err)
			}
		}
	}
	return letters, nil
}

// replay is a dead letter that a commit sends again.
type replay struct {
	of    pipeline.ID
	value []byte // what is left of it
}

// replays looks up the dead letters that admissions send again. One that was
// replayed before keeps the first.
func (s *Store) replays(admissions []pipeline.Admission) ([]replay, error) {
	var replays []replay
	for i := range admissions {
		of := admissions[i].ReplayOf
		if of.IsZero() {
			continue
		}
		l, found, err := s.letter(of)
		if err != nil {
			return nil, err
		}
		if found && l.kind == letterRecord {
			replays = append(replays, replay{of, appendReplayed(nil, &l, admissions[i].ID)})
		}
	}
	return replays, nil
}

// unreadRecord is bytes in the queue that are no record.
type unreadRecord struct {
	queue     pipeline.Queue
	partition int
	offset    int64
	bytes     string
	cause     error
	// known says that they were put aside before a crash, and are read again
	// since something before them was unfinished.
	known bool
}

// putAside makes a dead letter of bytes that are no record.
func (u *unreadRecord) putAside(g *group, at time.Time) {
	g.w.partitions[u.partition].finish(u.offset)
	if u.known {
		return
	}
	g.set(unreadKey(u.partition, u.offset), nil)
	g.w.partitions[u.partition].unread = true
	id, readable := u.id(len(g.w.partitions) / len(g.w.lanes))
	if readable {
		g.scratch = appendUndecodableRow(g.scratch[:0], at)
		g.setRow(id, g.scratch)
	} else {
		id = u.anonymousID(at)
	}
	g.scratch = appendUndecodable(g.scratch[:0], u.queue, at, !readable, u.bytes)
	g.setLetter(id, g.scratch)
	g.w.account.Dead++
}

// anyUnread says whether bytes of a partition were put aside and may be read
// again.
func (s *Store) anyUnread(partition int) (found bool, err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: unreadKey(partition, 0), UpperBound: unreadKey(partition+1, 0)})
	if err != nil {
		return false, fmt.Errorf("scan partition %d: %w", partition, err)
	}
	defer closeIter(it, &err)
	return it.First(), nil
}

// id reads the id that stands at the head of a record, and takes it for one
// when it belongs where it was found.
func (u *unreadRecord) id(partitions int) (pipeline.ID, bool) {
	id, ok := recordID(u.bytes)
	ok = ok && pipeline.Queue{Channel: id.Channel(), Priority: id.Priority()} == u.queue &&
		partitionOf(id, partitions) == u.partition%partitions
	return id, ok
}

// anonymousID makes the place in the queue into a key that sorts by time.
func (u *unreadRecord) anonymousID(at time.Time) pipeline.ID {
	id := pipeline.LowestID(at)
	binary.BigEndian.PutUint64(id[9:], uint64(u.offset))
	id[8] = byte(u.partition)
	return id
}
