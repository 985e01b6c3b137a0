package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/notifyctl/notifyctl/pipeline"
)

// guessedRecord is about what an entry takes, to make room for many at once.
const guessedRecord = 256

// Append queues entries and returns when they are durable, in the memory of as
// many brokers as are asked for. Errors: [pipeline.ErrFull] and
// [pipeline.ErrUnavailable] when none was written, [pipeline.ErrAmbiguous] when
// some may be.
func (l *Log) Append(ctx context.Context, entries []pipeline.LogEntry) error {
	if err := l.Admit(); err != nil {
		return err
	}
	messages, bytes := l.encode(entries)
	l.admission.appended(len(messages), bytes)
	return sum(l.producer.produce(ctx, messages))
}

// Admit says whether more may be queued. It does no I/O. Errors:
// [pipeline.ErrFull], [pipeline.ErrUnavailable].
func (l *Log) Admit() error {
	if l.producer.trouble.away() {
		return fmt.Errorf("%w: kafka at %s has written nothing for more than %v", pipeline.ErrUnavailable, l.cfg.Address, troubleAfter)
	}
	return l.admission.admit()
}

// Space tells what is compared with the limit of the queues; nothing without one.
func (l *Log) Space() []pipeline.Space {
	if l.admission.limit == 0 {
		return nil
	}
	return []pipeline.Space{{Part: pipeline.QueueSpace, Bytes: l.admission.atMost(), Limit: l.admission.limit}}
}

// encode makes messages of entries, all in one piece of memory.
func (l *Log) encode(entries []pipeline.LogEntry) (messages []message, bytes int) {
	messages = make([]message, len(entries))
	ends := make([]int, 0, 2*len(entries)) // of keys and values
	b := make([]byte, 0, len(entries)*guessedRecord)
	for i := range entries {
		e := &entries[i]
		b = append(b, e.UserID...)
		ends = append(ends, len(b))
		b = appendEntry(b, e)
		ends = append(ends, len(b))
	}
	from := 0
	for i := range messages {
		topic := l.topics.main(entries[i].Queue())
		key, value := ends[2*i], ends[2*i+1]
		messages[i] = message{
			topic: topic.name, partition: topic.partitionOf(entries[i].ID),
			key: b[from:key:key], value: b[key:value:value],
		}
		from = value
	}
	return messages, len(b)
}

// sum makes one error of what became of many messages: it says that nothing was
// written only when that holds for each.
func sum(errs []error) error {
	var first error
	failed, open := 0, false
	for _, err := range errs {
		if err == nil {
			continue
		}
		if failed++; first == nil {
			first = err
		}
		if errors.Is(err, pipeline.ErrAmbiguous) && !open {
			first, open = err, true
		}
	}
	switch {
	case failed == 0:
		return nil
	case open || failed == len(errs):
		return first
	}
	return fmt.Errorf("%w: %d of %d are written: %v", pipeline.ErrAmbiguous, len(errs)-failed, len(errs), first) //nolint:errorlint // what is wrapped says that nothing was written
}
