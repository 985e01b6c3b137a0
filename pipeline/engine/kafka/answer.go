package kafka

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

// keep puts what came of a partition behind what is ready, and says how many
// bytes it was.
func (r *reader) keep(a ask, p *fetch.ResponsePartition) (bytes int, err error) {
	l := r.lease
	if p.ErrorCode != 0 {
		err := kafkago.Error(p.ErrorCode)
		if err == kafkago.OffsetOutOfRange {
			l.fail(&LossError{Topic: a.of.name, Partition: a.of.number, Group: l.member.group, found: fmt.Sprintf(
				"record %d is to be read next, and the log does not reach there or begins behind it", a.from)})
		}
		return 0, err
	}
	if p.RecordSet.Records == nil {
		return 0, nil
	}
	err = r.readRecords(a.of.topic, a.from, p.RecordSet.Records, l.log.cfg.Now())
	bytes, lost := l.queueRead(a.of, r.read)
	clear(r.read) // what they hold is the lease's
	r.read = r.read[:0]
	if lost != nil {
		l.fail(lost)
		return bytes, lost
	}
	return bytes, err
}

// queueRead puts records behind those of a partition that are ready, and says
// how many bytes they are.
func (l *lease) queueRead(o *owned, read []queued) (bytes int, lost error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	o.ready = slices.Grow(o.ready, len(read))
	for _, q := range read {
		if q.offset != o.fetched {
			return bytes, &LossError{Topic: o.name, Partition: o.number, Group: l.member.group, found: fmt.Sprintf(
				"record %d is followed by record %d", o.fetched-1, q.offset)}
		}
		o.fetched = q.offset + 1
		bytes += q.size
		if o.left(q.offset) {
			continue
		}
		o.ready = append(o.ready, q)
		o.readBytes += q.size
	}
	if len(read) == 0 {
		return 0, nil
	}
	if o.priority != 0 {
		l.lane(o.priority).signal()
	} else {
		notify(l.clock)
	}
	return bytes, nil
}

// readRecords fills read with the records of an answer from an offset on, all that
// came before an error. A broker sends whole batches, so that some may come
// before, and the last may be cut off.
func (r *reader) readRecords(t *topic, from int64, records protocol.RecordReader, now time.Time) error {
	for {
		record, err := records.ReadRecord()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if record.Offset >= from {
			if err := r.readValue(record.Value); err != nil {
				return err
			}
			r.read = append(r.read, newQueued(t, record.Offset, record.Time, r.value, now))
		}
		for _, b := range []protocol.Bytes{record.Key, record.Value} {
			if b != nil {
				if err := b.Close(); err != nil {
					return err
				}
			}
		}
	}
}

// readValue sets value to a record's.
func (r *reader) readValue(of protocol.Bytes) error {
	r.value = r.value[:0]
	if of == nil {
		return nil
	}
	r.value = slices.Grow(r.value, of.Len())[:of.Len()]
	_, err := io.ReadFull(of, r.value)
	return err
}

// entryOverhead is about what an entry takes in memory beside its bytes.
const entryOverhead = 400

// newQueued is a record of a topic as it is kept until it is handed out. What is
// no entry, or of another queue, is kept as the bytes that it is. What was
// written by a clock ahead of ours counts as written now. The value stays the
// caller's.
func newQueued(t *topic, offset int64, written time.Time, value []byte, now time.Time) queued {
	if written.After(now) {
		written = now
	}
	q := queued{offset: offset, size: len(value) + entryOverhead, at: written.Add(t.delay)}
	e, err := decodeEntry(string(value))
	if err != nil || e.Channel != t.channel || (t.priority != 0) != (e.retry == nil) || t.priority != 0 && e.Priority != t.priority {
		q.raw = slices.Clone(value)
		return q
	}
	q.entry = &e
	if accepted := e.AcceptedAt(); t.priority != 0 && accepted.Before(q.at) {
		q.at = accepted
	}
	return q
}
