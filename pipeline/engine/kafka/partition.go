package kafka

import (
	"fmt"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// partition is what waits for one partition of a topic. The producer's mu
// guards it.
type partition struct {
	topic  string
	number int32
	index  uint64 // among all partitions of ours
	leader *leader
	queue  []*chunk
	batch  *batch // under way: it comes before the queue
	// sending says that a request with the batch has not come back, waiting that
	// the batch is to be tried again later.
	sending bool
	waiting bool

	session  session // none before the first batch, and after one whose end is unknown
	sequence int32   // of the batch's first record
	failures int     // of the batch, in a row
	last     error   // the last of them
}

// batch is what is written to a partition at once. Once a request with it may
// have been written it does not change, and is repeated under its sequence
// until its end is known.
type batch struct {
	chunks []*chunk
	// gate is that of the request under way.
	gate *gate
	// sent says that a request with the batch may have been written; since is
	// when the first of them was.
	sent  bool
	since time.Time
}

// records is how many the batch has.
func (b *batch) records() int {
	n := 0
	for _, m := range b.chunks {
		n += len(m.order)
	}
	return n
}

// awaited says whether a caller waits for any of it.
func (b *batch) awaited() bool {
	for _, m := range b.chunks {
		if !m.call.left {
			return true
		}
	}
	return false
}

// encode gives the batch's bytes.
func (b *batch) encode(by session, sequence int32) []byte {
	size := 0
	for _, m := range b.chunks {
		size += m.bytes
	}
	e := newBatchEncoder(size, by, sequence, b.chunks[0].at)
	for _, m := range b.chunks {
		for i := range m.order {
			record := m.message(i)
			e.add(m.at, record.key, record.value)
		}
	}
	return e.finish()
}

// idle says whether there is nothing to be sent now.
func (part *partition) idle() bool {
	return part.sending || part.waiting || part.batch == nil && len(part.queue) == 0
}

// cut readies a batch to be sent: the one under way, or the next of the queue.
// It gives false when all who waited for it have gone.
func (p *producer) cut(part *partition) bool {
	if part.batch != nil {
		p.prune(part)
	}
	if part.batch != nil {
		return true
	}
	b, bytes := &batch{}, 0
	for len(part.queue) > 0 {
		m := part.queue[0]
		if bytes += m.bytes; len(b.chunks) > 0 && bytes > maxBatch {
			break
		}
		b.chunks = append(b.chunks, m)
		part.queue[0] = nil // its memory is the batch's
		part.queue = part.queue[1:]
	}
	if len(b.chunks) == 0 {
		return false
	}
	part.batch = b
	return true
}

// prune takes out of a batch what nobody waits for: all of it or nothing when
// the batch may have been written.
func (p *producer) prune(part *partition) {
	b := part.batch
	if b.sent {
		if !b.awaited() {
			p.giveUp(part)
		}
		return
	}
	kept := b.chunks[:0:0]
	for _, m := range b.chunks {
		if m.call.left {
			p.resolve(m, nil)
			continue
		}
		kept = append(kept, m)
	}
	b.chunks = kept
	if len(kept) == 0 {
		part.done()
	}
}

// done ends a batch: its sequence is free, or was left behind with its session.
func (part *partition) done() {
	part.batch, part.failures, part.last = nil, 0, nil
}

// standing is what can be said of a chunk of the batch when its caller leaves.
func (part *partition) standing(m *chunk) error {
	b := part.batch
	if b.sent || m.open || part.sending && !b.gate.withdraw() {
		return part.ambiguous()
	}
	return part.unavailable()
}

func (part *partition) unavailable() error { return part.explain(pipeline.ErrUnavailable) }

func (part *partition) ambiguous() error { return part.explain(pipeline.ErrAmbiguous) }

// explain says of which partition an error is, and why the last try failed.
func (part *partition) explain(kind error) error {
	if part.last == nil {
		return fmt.Errorf("%w: %s/%d did not answer in time", kind, part.topic, part.number)
	}
	return fmt.Errorf("%w: %s/%d: %w", kind, part.topic, part.number, part.last)
}

// settle takes note of what became of the batch that was sent, and says whether
// it is to be sent again.
func (p *producer) settle(part *partition, v verdict, cause error) (again bool) {
	b := part.batch
	part.sending, b.gate = false, nil
	if v == written {
		part.sequence = nextSequence(part.sequence, b.records())
		p.end(part, nil)
		p.trouble.over()
		return false
	}
	part.failures++
	part.last = cause
	if v == refused {
		p.refuse(part)
		return false
	}
	p.trouble.begin()
	switch v {
	case outOfSequence:
		p.renew(part)
	case unknown:
		if !b.sent {
			b.sent, b.since = true, time.Now()
		}
		if time.Since(b.since) > unresolvedFor {
			p.renew(part)
		}
	}
	if !b.awaited() {
		p.giveUp(part)
		return false
	}
	return true
}

// end resolves all of the batch.
func (p *producer) end(part *partition, err error) {
	for _, m := range part.batch.chunks {
		p.resolve(m, err)
	}
	part.done()
}

// refuse ends a batch that no try will write. An earlier try may have.
func (p *producer) refuse(part *partition) {
	for _, m := range part.batch.chunks {
		if part.batch.sent || m.open {
			p.resolve(m, part.ambiguous())
		} else {
			p.resolve(m, part.unavailable())
		}
	}
	p.leaveSession(part)
	part.done()
}

// renew gives a batch whose end cannot be found out to another producer id. It
// may be in the log already, so its entries ask to be checked.
func (p *producer) renew(part *partition) {
	b := part.batch
	if b.sent {
		for _, m := range b.chunks {
			m.open = true
			for i := range m.order {
				setCheck(m.message(i).value)
			}
		}
	}
	part.session, part.sequence = session{}, 0
	b.sent = false
}

// giveUp drops a batch that nobody waits for. Its callers were told that its end
// is unknown, or that it was not written; it is not repeated, since they may be
// writing the same again by now, to be checked, as this is not.
func (p *producer) giveUp(part *partition) {
	p.leaveSession(part)
	p.end(part, nil)
}

// leaveSession sees to it that the sequences of a batch that may have been
// written are not used for another.
func (p *producer) leaveSession(part *partition) {
	if part.batch.sent {
		part.session, part.sequence = session{}, 0
	}
}
