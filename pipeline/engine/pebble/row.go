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

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return binary.AppendVarint(b, 0)
	}
	return binary.AppendVarint(b, t.UnixMilli())
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
	b = appendTime(appendTime(b, at), due)
	b = appendText(appendText(appendText(b, reason), r.UserID), r.Ref)
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
	b = appendTime(append(b, byte(a.Class)), a.At)
	return appendText(appendText(b, a.Provider), a.Error)
}

// reader reads rows and waiting records; after the first fault it gives zeros.
type reader struct {
	rest   string
	failed bool
}

func (r *reader) take(n uint64) string {
	if r.failed || n > uint64(len(r.rest)) {
		r.failed = true
		return ""
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) byte() byte {
	if b := r.take(1); b != "" {
		return b[0]
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	value, n := binary.Uvarint([]byte(r.rest[:min(len(r.rest), binary.MaxVarintLen64)]))
	if n <= 0 {
		r.failed = true
		return 0
	}
	r.take(uint64(n))
	return value
}

func (r *reader) time() time.Time {
	zigzag := r.uvarint()
	millis := int64(zigzag>>1) ^ -int64(zigzag&1)
	if millis == 0 {
		return time.Time{}
	}
	return time.UnixMilli(millis)
}

func (r *reader) text() string { return r.take(r.uvarint()) }

func (r *reader) attempts() []pipeline.Attempt {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.failed = true
		return nil
	}
	var attempts []pipeline.Attempt
	for range n {
		a := pipeline.Attempt{Class: pipeline.AnswerClass(r.byte()), At: r.time(), Provider: r.text(), Error: r.text()}
		attempts = append(attempts, a)
	}
	return attempts
}

func decodeRow(value string) (row, error) {
	r := reader{rest: value}
	if r.byte() != rowFormat {
		return row{}, errBadRow
	}
	var w row
	w.state = pipeline.State(r.byte())
	w.at, w.due = r.time(), r.time()
	w.reason, w.user, w.ref = r.text(), r.text(), r.text()
	if r.byte() == 1 {
		copy(w.replayOf[:], r.take(uint64(len(w.replayOf))))
	}
	w.attempts = r.attempts()
	if r.failed {
		return row{}, errBadRow
	}
	return w, nil
}

// appendWaiting appends a waiting record: its attempts so far, then the record.
func appendWaiting(b []byte, f *pipeline.Fact) []byte {
	b = appendAttempts(b, f.Delivery.Attempts, f.Attempt)
	return pipeline.AppendRecord(b, &f.Delivery.Record)
}

func decodeWaiting(value string, d *pipeline.Delivery) error {
	r := reader{rest: value}
	d.Attempts = r.attempts()
	if r.failed {
		return pipeline.ErrBadRecord
	}
	_, err := pipeline.DecodeRecord(r.rest, &d.Record)
	return err
}
