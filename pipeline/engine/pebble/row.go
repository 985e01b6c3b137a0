package pebble

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// The formats of a row: what is known of a notification, or of one whose user
// was erased that it is settled, so that it is not sent again after a crash.
const (
	rowFormat       = 1
	rowFormatErased = 2
)

var errBadRow = errors.New("bytes are not a history row")

// row is a history row as it is kept: what became of a notification so far.
type row struct {
	state    pipeline.State
	at       time.Time // of the outcome, or of the last attempt
	due      time.Time // of the retry; zero when none waits
	reason   string
	user     string
	ref      string
	replayOf pipeline.ID
	attempts []pipeline.Attempt
	erased   bool // nothing but the state is kept
}

// appendFactRow appends the row that a fact leaves behind.
func appendFactRow(b []byte, f *pipeline.Fact) []byte {
	d := f.Delivery
	b = appendRowHead(b, f.State, f.At, f.Due, f.Reason, &d.Record)
	return appendAttempts(b, d.Attempts, f.Attempt)
}

// appendIngestRow appends the row of a notification that ended at ingest.
func appendIngestRow(b []byte, a *pipeline.Admission) []byte {
	b = appendRowHead(b, a.State, a.AcceptedAt(), time.Time{}, a.Reason, &a.Record)
	return appendAttempts(b, nil, pipeline.Attempt{})
}

// appendErasedRow appends the row of a notification whose user was erased.
func appendErasedRow(b []byte, state pipeline.State) []byte {
	return append(b, rowFormatErased, byte(state))
}

// appendUndecodableRow appends the row of a notification of which nothing but
// the id could be read.
func appendUndecodableRow(b []byte, at time.Time) []byte {
	b = appendRowHead(b, pipeline.Dead, at, time.Time{}, pipeline.ReasonUndecodable, &pipeline.Record{})
	return appendAttempts(b, nil, pipeline.Attempt{})
}

func appendRowHead(b []byte, state pipeline.State, at, due time.Time, reason string, r *pipeline.Record) []byte {
	b = append(b, rowFormat, byte(state))
	b = pipeline.AppendTime(pipeline.AppendTime(b, at), due)
	b = pipeline.AppendText(pipeline.AppendText(pipeline.AppendText(b, reason), r.UserID), r.Ref)
	if r.ReplayOf.IsZero() {
		return append(b, 0)
	}
	return append(append(b, 1), r.ReplayOf[:]...)
}

// appendAttempts appends the attempts made before and, unless its class is
// zero, the last one.
func appendAttempts(b []byte, before []pipeline.Attempt, last pipeline.Attempt) []byte {
	n := len(before)
	if last.Class != 0 {
		n++
	}
	b = binary.AppendUvarint(b, uint64(n))
	for i := range before {
		b = appendAttempt(b, &before[i])
	}
	if last.Class != 0 {
		b = appendAttempt(b, &last)
	}
	return b
}

func appendAttempt(b []byte, a *pipeline.Attempt) []byte {
	b = pipeline.AppendTime(append(b, byte(a.Class)), a.At)
	return pipeline.AppendText(pipeline.AppendText(b, a.Provider), a.Error)
}

func decodeAttempts(d *pipeline.Decoder) []pipeline.Attempt {
	var attempts []pipeline.Attempt
	for range d.Count(4) { // an attempt takes four bytes at least
		a := pipeline.Attempt{Class: pipeline.AnswerClass(d.Byte()), At: d.Time(), Provider: d.Text(), Error: d.Text()}
		attempts = append(attempts, a)
	}
	return attempts
}

func decodeRow(value string) (row, error) {
	d := pipeline.NewDecoder(value)
	format := d.Byte()
	w := row{state: pipeline.State(d.Byte()), erased: format == rowFormatErased}
	if w.state < pipeline.Sending || w.state > pipeline.Dead {
		d.Fail() // queued is what has no row
	}
	if w.erased && !d.Failed() && d.Rest() == "" {
		return w, nil
	}
	if format != rowFormat {
		return row{}, errBadRow
	}
	w.at, w.due = d.Time(), d.Time()
	w.reason, w.user, w.ref = d.Text(), d.Text(), d.Text()
	if d.Byte() == 1 {
		copy(w.replayOf[:], d.Take(len(w.replayOf)))
	}
	w.attempts = decodeAttempts(&d)
	if d.Failed() || d.Rest() != "" {
		return row{}, errBadRow
	}
	return w, nil
}

// appendWaiting appends a waiting record: its attempts so far, then the record.
func appendWaiting(b []byte, f *pipeline.Fact) []byte {
	b = appendAttempts(b, f.Delivery.Attempts, f.Attempt)
	return pipeline.AppendRecord(b, &f.Delivery.Record)
}

func decodeWaiting(value string, delivery *pipeline.Delivery) error {
	d := pipeline.NewDecoder(value)
	delivery.Attempts = decodeAttempts(&d)
	if d.Failed() {
		return pipeline.ErrBadRecord
	}
	_, err := pipeline.DecodeRecord(d.Rest(), &delivery.Record)
	return err
}
