package pebble

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

const rowFormat = 1

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
	if d.Byte() != rowFormat {
		return row{}, errBadRow
	}
	var w row
	w.state = pipeline.State(d.Byte())
	w.at, w.due = d.Time(), d.Time()
	w.reason, w.user, w.ref = d.Text(), d.Text(), d.Text()
	if d.Byte() == 1 {
		copy(w.replayOf[:], d.Take(len(w.replayOf)))
	}
	w.attempts = decodeAttempts(&d)
	if d.Failed() {
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
