package cassandra

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"

	"github.com/notifyctl/notifyctl/pipeline"
)

// errDamaged says that stored bytes have not the shape in which we write them.
var errDamaged = errors.New("stored bytes have not their shape")

// place is the partition of a notification's rows.
type place struct {
	hash  int32 // of the user
	month int32 // of the acceptance in UTC, as 202611
}

func monthOf(t time.Time) int32 {
	year, month, _ := t.UTC().Date()
	return int32(year*100 + int(month))
}

// monthBefore is the month before one.
func monthBefore(month int32) int32 {
	if month%100 == 1 {
		return month - 100 + 11
	}
	return month - 1
}

func placeOf(id pipeline.ID) place {
	return place{int32(id.UserHash()), monthOf(id.Time())}
}

// row is what one fact leaves behind. Beside the id its key is the number of
// attempts before it and its state: a fact that is recorded again writes the
// same row, and two facts of one notification, or of two owners of it, write
// two. An owner that takes a notification over notes an attempt first, so that
// it never has the number of the owner before.
type row struct {
	id       pipeline.ID
	number   int16
	state    pipeline.State
	user     string
	ref      string
	reason   string
	at       time.Time
	replayOf pipeline.ID
	attempt  pipeline.Attempt // its class is zero when there was none
	token    pipeline.Token
	origin   pipeline.Token
	due      time.Time
}

const insertRow = `INSERT INTO history (user_hash, month, accepted_at, id, attempt, state,
	user_id, ref, reason, at, replay_of, attempted, delivery) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// rowValues is what [insertRow] takes for a fact.
func rowValues(p place, f *pipeline.Fact) []any {
	d := f.Delivery
	return []any{
		p.hash, p.month, d.ID.Time().UnixMilli(), d.ID[:], int16(len(d.Attempts)), int8(f.State),
		d.UserID, optionalText(d.Ref), optionalText(f.Reason), f.At.UnixMilli(), optionalID(d.ReplayOf),
		optionalBytes(appendAttempt(nil, &f.Attempt)), appendDelivery(nil, d.Token, d.Origin, f.Due),
	}
}

// What is empty is left unset, which writes nothing: not a tombstone, as a null
// would be.

func optionalText(text string) any {
	if text == "" {
		return gocql.UnsetValue
	}
	return text
}

func optionalBytes(b []byte) any {
	if len(b) == 0 {
		return gocql.UnsetValue
	}
	return b
}

func optionalID(id pipeline.ID) any {
	if id.IsZero() {
		return gocql.UnsetValue
	}
	return id[:]
}

// appendAttempt appends the binary form of an attempt, nothing when there was
// none.
func appendAttempt(b []byte, a *pipeline.Attempt) []byte {
	if a.Class == 0 {
		return b
	}
	b = pipeline.AppendTime(append(b, byte(a.Class)), a.At)
	return pipeline.AppendText(pipeline.AppendText(b, a.Provider), a.Error)
}

func decodeAttempt(b []byte) (a pipeline.Attempt, err error) {
	if len(b) == 0 {
		return a, nil
	}
	d := pipeline.NewDecoder(string(b))
	a = pipeline.Attempt{Class: pipeline.AnswerClass(d.Byte()), At: d.Time(), Provider: d.Text(), Error: d.Text()}
	if d.Failed() || d.Rest() != "" || a.Class < pipeline.Sent || a.Class >= pipeline.Unsent {
		return pipeline.Attempt{}, errDamaged
	}
	return a, nil
}

// appendDelivery appends the binary form of what a later delivery is compared
// with, and of when a retry is due.
func appendDelivery(b []byte, token, origin pipeline.Token, due time.Time) []byte {
	for _, t := range [...]pipeline.Token{token, origin} {
		b = binary.AppendUvarint(b, uint64(uint32(t.Partition)))
		b = binary.AppendUvarint(b, uint64(t.Position))
	}
	return pipeline.AppendTime(b, due)
}

func decodeDelivery(b []byte) (token, origin pipeline.Token, due time.Time, err error) {
	d := pipeline.NewDecoder(string(b))
	for _, t := range [...]*pipeline.Token{&token, &origin} {
		partition := d.Uvarint()
		if partition > 1<<32-1 {
			d.Fail()
		}
		*t = pipeline.Token{Partition: int32(uint32(partition)), Position: int64(d.Uvarint())}
	}
	due = d.Time()
	if d.Failed() || d.Rest() != "" {
		return pipeline.Token{}, pipeline.Token{}, time.Time{}, errDamaged
	}
	return token, origin, due, nil
}

const rowColumns = "id, attempt, state, user_id, ref, reason, at, replay_of, attempted, delivery"

// scanRow reads the next row of [rowColumns], and gives false where there is
// none; what went wrong is in the iterator, or in the error.
func scanRow(rows gocql.Scanner, r *row) (bool, error) {
	if !rows.Next() {
		return false, rows.Err()
	}
	var (
		id, replayOf, attempted, delivery []byte
		state                             int8
	)
	if err := rows.Scan(&id, &r.number, &state, &r.user, &r.ref, &r.reason, &r.at, &replayOf, &attempted, &delivery); err != nil {
		return false, err
	}
	var err error
	if r.id, err = decodeID(id); err != nil {
		return false, err
	}
	r.state, r.replayOf = pipeline.State(state), pipeline.ID{}
	if r.state < pipeline.Sending || r.state > pipeline.Dead {
		return false, fmt.Errorf("history of %s: state %d: %w", r.id, state, errDamaged)
	}
	if len(replayOf) > 0 {
		if r.replayOf, err = decodeID(replayOf); err != nil {
			return false, err
		}
	}
	if r.attempt, err = decodeAttempt(attempted); err == nil {
		r.token, r.origin, r.due, err = decodeDelivery(delivery)
	}
	if err != nil {
		return false, fmt.Errorf("history of %s: %w", r.id, err)
	}
	return true, nil
}

func decodeID(b []byte) (id pipeline.ID, err error) {
	if len(b) != len(id) {
		return id, fmt.Errorf("an id of %d bytes: %w", len(b), errDamaged)
	}
	return pipeline.ID(b), nil
}

const selectRows = "SELECT " + rowColumns + " FROM history WHERE user_hash = ? AND month = ? AND accepted_at = ? AND id = ?"

// rows reads all rows of a notification, in the order of their key.
func (s *Store) rows(ctx context.Context, id pipeline.ID) (known []row, err error) {
	p := placeOf(id)
	found := s.query(selectRows, p.hash, p.month, id.Time().UnixMilli(), id[:]).IterContext(ctx).Scanner()
	for {
		var r row
		more, err := scanRow(found, &r)
		if err != nil {
			return nil, err
		}
		if !more {
			return known, nil
		}
		known = append(known, r)
	}
}

// outcome is the row that says how a notification ended, nil when none does.
// Of several, by owners that did not know of each other, one wins whoever
// reads, and delivered before all: the provider has accepted it.
func outcome(known []row) (won *row) {
	for i := range known {
		r := &known[i]
		if r.state.Terminal() && (won == nil || r.state < won.state || r.state == won.state && r.number > won.number) {
			won = r
		}
	}
	return won
}

// last is the last row of what has not ended, of those in a state, or in any
// when it is zero.
func last(known []row, state pipeline.State) (found *row) {
	for i := range known {
		if r := &known[i]; !r.state.Terminal() && (state == 0 || r.state == state) {
			found = r // they are in the order of their numbers
		}
	}
	return found
}

// entry is what a notification's rows say of it; known has one at least.
func entry(known []row) pipeline.Entry {
	r := outcome(known)
	if r == nil {
		r = last(known, 0)
	}
	e := pipeline.Entry{
		ID: r.id, State: r.state, Ref: r.ref, UserID: r.user, Reason: r.reason,
		ReplayOf: r.replayOf, Attempts: attemptsOf(known),
	}
	if r.state.Terminal() {
		e.EndedAt = r.at
	}
	return e
}

func attemptsOf(known []row) (attempts []pipeline.Attempt) {
	for i := range known {
		if known[i].attempt.Class != 0 {
			attempts = append(attempts, known[i].attempt)
		}
	}
	return attempts
}
