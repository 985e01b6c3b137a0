package kafka

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// An entry's binary form is the value of a Kafka record: a version, flags, what
// the flags announce, and the notification as all queues keep it. Its key is
// the user's id, which also chose the partition.
const (
	entryFormat = 1
	flagsAt     = 1 // where the flags stand
)

// The flags of an entry.
const (
	// flagCheck: the log may hold the same id already.
	flagCheck = 1 << iota
	// flagResult: it met an outcome at ingest, which follows.
	flagResult
	// flagRetry: it was handed out before; its origin, due time, and attempts
	// follow.
	flagRetry

	knownFlags = flagCheck | flagResult | flagRetry
)

// errBadEntry says that the value of a record is no entry.
var errBadEntry = errors.New("bytes are not an entry of the log")

// entry is what a record of a topic holds.
type entry struct {
	pipeline.LogEntry
	retry *retry // nil in a main topic
}

// retry is what a delay topic keeps of a notification beside the record.
type retry struct {
	origin   pipeline.Token // under which it was first queued
	due      time.Time
	attempts []pipeline.Attempt
}

// appendEntry appends the binary form of an entry. Its state is Queued, or an
// outcome.
func appendEntry(b []byte, e *pipeline.LogEntry) []byte {
	b = append(b, entryFormat, entryFlags(e))
	if e.State != pipeline.Queued {
		b = append(b, byte(e.State))
		b = pipeline.AppendText(b, e.Reason)
	}
	return pipeline.AppendRecord(b, &e.Record)
}

// appendRetry appends the binary form of a notification that waits for another
// try.
func appendRetry(b []byte, r *pipeline.Record, check bool, waiting *retry) []byte {
	flags := byte(flagRetry)
	if check {
		flags |= flagCheck
	}
	b = append(b, entryFormat, flags)
	b = binary.AppendVarint(b, int64(waiting.origin.Partition))
	b = binary.AppendVarint(b, waiting.origin.Position)
	b = pipeline.AppendTime(b, waiting.due)
	b = binary.AppendUvarint(b, uint64(len(waiting.attempts)))
	for i := range waiting.attempts {
		a := &waiting.attempts[i]
		b = append(b, byte(a.Class))
		b = pipeline.AppendTime(b, a.At)
		b = pipeline.AppendText(pipeline.AppendText(b, a.Provider), a.Error)
	}
	return pipeline.AppendRecord(b, r)
}

func entryFlags(e *pipeline.LogEntry) byte {
	var flags byte
	if e.Check {
		flags |= flagCheck
	}
	if e.State != pipeline.Queued {
		flags |= flagResult
	}
	return flags
}

// setCheck marks an entry's binary form: the log may hold the same already.
func setCheck(value []byte) { value[flagsAt] |= flagCheck }

// leastAttempt is how many bytes an attempt takes at least: its class, its time,
// and two empty texts.
const leastAttempt = 4

// decodeEntry reads the binary form of an entry. The texts share s's memory.
// Errors: errBadEntry.
func decodeEntry(s string) (entry, error) {
	d := pipeline.NewDecoder(s)
	if format := d.Byte(); format != entryFormat && !d.Failed() {
		return entry{}, fmt.Errorf("%w: format %d, known is %d", errBadEntry, format, entryFormat)
	}
	flags := d.Byte()
	if flags&^knownFlags != 0 || flags&flagResult != 0 && flags&flagRetry != 0 {
		return entry{}, fmt.Errorf("%w: flags %#x", errBadEntry, flags)
	}
	var e entry
	e.Check = flags&flagCheck != 0
	e.State = pipeline.Queued
	if flags&flagResult != 0 {
		e.State = pipeline.State(d.Byte())
		e.Reason = d.Text()
		if !e.State.Terminal() {
			d.Fail()
		}
	}
	if flags&flagRetry != 0 {
		e.retry = decodeRetry(&d)
	}
	if d.Failed() {
		return entry{}, errBadEntry
	}
	taken, err := pipeline.DecodeRecord(d.Rest(), &e.Record)
	if err != nil {
		return entry{}, fmt.Errorf("%w: %w", errBadEntry, err)
	}
	if taken != len(d.Rest()) {
		return entry{}, fmt.Errorf("%w: %d bytes follow it", errBadEntry, len(d.Rest())-taken)
	}
	return e, nil
}

func decodeRetry(d *pipeline.Decoder) *retry {
	r := &retry{}
	partition := varint(d)
	r.origin = pipeline.Token{Partition: int32(partition), Position: varint(d)}
	if int64(r.origin.Partition) != partition {
		d.Fail()
	}
	r.due = d.Time()
	count := d.Count(leastAttempt)
	if count == 0 {
		return r
	}
	r.attempts = make([]pipeline.Attempt, count)
	for i := range r.attempts {
		a := &r.attempts[i]
		a.Class = pipeline.AnswerClass(d.Byte())
		a.At, a.Provider, a.Error = d.Time(), d.Text(), d.Text()
		if a.Class < pipeline.Sent || a.Class > pipeline.Uncertain {
			d.Fail()
		}
	}
	return r
}

// varint reads a signed varint, as [binary.AppendVarint] wrote it.
func varint(d *pipeline.Decoder) int64 {
	zigzag := d.Uvarint()
	return int64(zigzag>>1) ^ -int64(zigzag&1)
}
