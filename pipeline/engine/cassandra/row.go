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
	delivery
}

// delivery is what a later delivery is compared with.
type delivery struct {
	token, origin pipeline.Token
	due           time.Time // when it was
	retry         time.Time // when it is to be handed out again
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

// appendDelivery appends the binary form of a delivery.
func appendDelivery(b []byte, d *delivery) []byte {
	for _, t := range [...]pipeline.Token{d.token, d.origin} {
		b = binary.AppendUvarint(b, uint64(uint32(t.Partition)))
		b = binary.AppendUvarint(b, uint64(t.Position))
	}
	return pipeline.AppendTime(pipeline.AppendTime(b, d.due), d.retry)
}

func decodeDelivery(b []byte) (found delivery, err error) {
	d := pipeline.NewDecoder(string(b))
	for _, t := range [...]*pipeline.Token{&found.token, &found.origin} {
		partition := d.Uvarint()
		if partition > 1<<32-1 {
			d.Fail()
		}
		*t = pipeline.Token{Partition: int32(uint32(partition)), Position: int64(d.Uvarint())}
	}
	found.due, found.retry = d.Time(), d.Time()
	if d.Failed() || d.Rest() != "" {
		return delivery{}, errDamaged
	}
	return found, nil
}

const rowColumns = "id, attempt, state, user_id, ref, reason, at, replay_of, attempted, delivery"

// scanRow reads the next row of [rowColumns], and gives false where there is
// none; what went wrong is in the iterator, or in the error.
func scanRow(rows gocql.Scanner, r *row) (bool, error) {
	if !rows.Next() {
		return false, rows.Err()
	}
	var (
		id, replayOf, attempted, handed []byte
		state                           int8
	)
	if err := rows.Scan(&id, &r.number, &state, &r.user, &r.ref, &r.reason, &r.at, &replayOf, &attempted, &handed); err != nil {
		return false, err
	}
	var err error
	if r.id, err = decodeID(id); err != nil {
		return false, err
	}
	r.state, r.at = pipeline.State(state), r.at.Local()
	if r.state < pipeline.Sending || r.state > pipeline.Dead {
		return false, fmt.Errorf("history of %s: state %d: %w", r.id, state, errDamaged)
	}
	if len(replayOf) > 0 {
		if r.replayOf, err = decodeID(replayOf); err != nil {
			return false, err
		}
	}
	if r.attempt, err = decodeAttempt(attempted); err == nil {
		r.delivery, err = decodeDelivery(handed)
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

// decisive is the row that says where a notification stands; known has one at
// least. That is an outcome, if there is one, else the retry whose delivery was
// due last, else the last note of a takeover. Of several outcomes, by owners
// that did not know of each other, delivered wins, since the provider has
// accepted it, and else that of the delivery that was due last.
func decisive(known []row) *row {
	won := &known[0]
	for i := range known[1:] {
		if r := &known[1+i]; r.beats(won) {
			won = r
		}
	}
	return won
}

func (r *row) beats(other *row) bool {
	if a, b := r.rank(), other.rank(); a != b {
		return a > b
	}
	if c := r.due.Compare(other.due); c != 0 {
		return c > 0
	}
	if r.state != other.state {
		return r.state < other.state
	}
	return r.number > other.number
}

func (r *row) rank() int {
	switch {
	case r.state == pipeline.Delivered:
		return 3
	case r.state.Terminal():
		return 2
	case r.state == pipeline.Retrying:
		return 1
	}
	return 0
}

// entry is what a notification's rows say of it; known has one at least.
func entry(known []row) pipeline.Entry {
	e := entryOf(decisive(known), known)
	if !e.State.Terminal() {
		e.EndedAt = time.Time{}
	}
	return e
}

// entryOf is what one row says of a notification, with the attempts of all.
func entryOf(r *row, known []row) pipeline.Entry {
	e := pipeline.Entry{
		ID: r.id, State: r.state, Ref: r.ref, UserID: r.user, Reason: r.reason,
		EndedAt: r.at, ReplayOf: r.replayOf,
	}
	for i := range known { // in the order of their numbers
		if known[i].attempt.Class != 0 {
			e.Attempts = append(e.Attempts, known[i].attempt)
		}
	}
	return e
}
