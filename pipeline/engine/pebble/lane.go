package pebble

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/notifyctl/notifyctl/pipeline"
)

// readyBytes bounds the blocks that a partition keeps in memory for the next
// fetch; behind it, what is queued is on the disk alone.
const readyBytes = 256 << 10

// lane is a queue as its reader sees it. Store.mu guards it.
type lane struct {
	number     int
	queue      pipeline.Queue
	partitions []*partition
	rotation   int   // the partition whose turn it is
	waiting    int64 // records not handed out, over all partitions
	leased     bool

	// wanted is how many deliveries its Await waits for, 0 when none waits;
	// wake tells it to look again.
	wanted int
	wake   chan struct{}

	retries retries
}

// partition is a partition as its reader sees it. Store.mu guards it.
type partition struct {
	number int
	end    int64 // behind the last acknowledged record
	next   int64 // the next to be handed out
	mark   int64 // all below have ended
	ahead  int64 // how many from the mark on have ended
	// doubtUntil is the frontier of the owner before: it may have sent what
	// lies below.
	doubtUntil int64
	// ready holds blocks from next on without a gap; when it is empty, what
	// lies between next and end is read from the disk.
	ready     []records
	readySize int
	// taken holds the records that left ready and whose hand-out is not
	// durable yet.
	taken [][]string
	// handed holds the window's deliveries by their offset modulo its size.
	handed []*pipeline.Delivery
}

// retries is the lane's waiting records as their reader sees them.
type retries struct {
	count int64
	// cursor is the last that was handed out; scanned is the due time up to
	// which a fetch looks or has looked. New ones are made due behind it, so
	// that none can come to lie before the cursor.
	cursor  waitKey
	scanned int64
	// unwritten is when the first is due that the commit under way adds, 0 when
	// it adds none. A fetch meanwhile looks at earlier ones alone: the cursor
	// would pass what it does not see yet.
	unwritten int64
	// nextDue is when the first behind the cursor is due, 0 when there is none.
	nextDue int64
	// doubtUntil is the cursor of the owner before.
	doubtUntil waitKey
}

// expect notes that a retry is due at a time; 0 is none.
func (r *retries) expect(due int64) {
	if due != 0 && (r.nextDue == 0 || due < r.nextDue) {
		r.nextDue = due
	}
}

// horizon is up to which due time a fetch may look now.
func (r *retries) horizon(now time.Time) int64 {
	if r.unwritten != 0 {
		return min(now.UnixMilli(), r.unwritten-1)
	}
	return now.UnixMilli()
}

// add gives a retry that is being written its due time, behind all that a fetch
// has looked at, or it would never be seen.
func (r *retries) add(at time.Time) (due int64) {
	due = max(at.UnixMilli(), r.scanned+1)
	if r.unwritten == 0 || due < r.unwritten {
		r.unwritten = due
	}
	return due
}

// added notes that a retry has been written, and with it all of its commit.
func (r *retries) added(due int64) {
	r.unwritten = 0
	r.count++
	r.expect(due)
}

// recoverLane reads where a queue's partitions and retries stand.
func (s *Store) recoverLane(number int, q pipeline.Queue, partitions int) (*lane, error) {
	l := &lane{number: number, queue: q, wake: make(chan struct{}, 1)}
	for i := range partitions {
		p, err := s.recoverPartition(number*partitions + i)
		if err != nil {
			return nil, fmt.Errorf("queue %s: %w", q, err)
		}
		l.partitions = append(l.partitions, p)
		l.waiting += p.end - p.next
	}
	if err := s.recoverRetries(l); err != nil {
		return nil, fmt.Errorf("retries of %s: %w", q, err)
	}
	return l, nil
}

func (s *Store) recoverPartition(number int) (*partition, error) {
	p := &partition{number: number, handed: make([]*pipeline.Delivery, windowSize)}
	value, found, err := s.get(markKey(number))
	if err != nil {
		return nil, err
	}
	if found {
		if len(value) != 16 {
			return nil, damagef("the mark of partition %d has %d bytes, not 16", number, len(value))
		}
		p.mark = int64(binary.BigEndian.Uint64([]byte(value[:8])))
		p.doubtUntil = int64(binary.BigEndian.Uint64([]byte(value[8:])))
	}
	last, err := s.lastOffset(number)
	if err != nil {
		return nil, err
	}
	p.end = max(last, p.mark)
	p.next = p.mark
	w := &s.writer.partitions[number]
	w.mark, w.frontier, w.end, w.trimmed = p.mark, p.doubtUntil, p.end, 0
	if w.unread, err = s.anyUnread(number); err != nil {
		return nil, err
	}
	if err := s.recoverWindow(p, w); err != nil {
		return nil, err
	}
	p.next = p.mark
	return p, nil
}

// recoverWindow finds out what had ended, or gone to wait, of what was handed
// out, so that it is not counted as in flight. It is handed out no more.
func (s *Store) recoverWindow(p *partition, w *writtenPartition) error {
	for next := p.mark; next < min(p.doubtUntil, p.end); {
		ready, _, err := s.readAhead(p.number, next, p.end)
		if err != nil {
			return err
		}
		if len(ready) == 0 || ready[0].next != next {
			return missing(p.number, next)
		}
		for _, b := range ready {
			for next = b.next; next < min(b.end, p.doubtUntil); next = b.next {
				bytes, err := b.take()
				if err != nil {
					return fmt.Errorf("partition %d: %w", p.number, err)
				}
				if settled, err := s.settledBefore(p.number, next, bytes); err != nil {
					return err
				} else if settled {
					w.finish(next)
				}
			}
		}
	}
	p.mark, p.ahead = w.mark, w.ahead
	return nil
}

// settledBefore says whether a record that was handed out has left the window.
func (s *Store) settledBefore(partition int, offset int64, bytes string) (bool, error) {
	var r pipeline.Record
	if _, err := pipeline.DecodeRecord(bytes, &r); err != nil {
		_, putAside, err := s.get(unreadKey(partition, offset))
		return putAside, err
	}
	w, found, err := s.row(r.ID)
	return found && w.state != pipeline.Sending, err
}

// missing says that a record is not where the marks say that it is.
func missing(partition int, offset int64) error {
	return damagef("record %d of partition %d is not there", offset, partition)
}

// lastOffset is the offset behind a partition's last block, or 0.
func (s *Store) lastOffset(number int) (end int64, err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: queueKey(number, 0), UpperBound: queueKey(number+1, 0)})
	if err != nil {
		return 0, fmt.Errorf("scan partition %d: %w", number, err)
	}
	defer closeIter(it, &err)
	if !it.Last() {
		return 0, nil
	}
	first, err := queueOffset(it.Key())
	if err != nil {
		return 0, err
	}
	b, err := openBlock(first, string(it.Value()))
	return b.end, err
}

func (s *Store) recoverRetries(l *lane) (err error) {
	mark, found, err := s.get(retryMarkKey(l.number))
	if err != nil {
		return err
	}
	if found {
		if l.retries.doubtUntil, err = parseWaitKey([]byte(mark)); err != nil {
			return err
		}
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixWaiting, byte(l.number)}, UpperBound: []byte{prefixWaiting, byte(l.number) + 1}})
	if err != nil {
		return fmt.Errorf("scan the waiting records: %w", err)
	}
	defer closeIter(it, &err)
	for valid := it.First(); valid; valid = it.Next() {
		k, err := parseWaitKey(it.Key())
		if err != nil {
			return err
		}
		if l.retries.nextDue == 0 {
			l.retries.nextDue = k.due
		}
		l.retries.count++
	}
	return nil
}

// closeIter closes an iterator and keeps the error that it met.
func closeIter(it *pebble.Iterator, err *error) {
	if closed := it.Close(); closed != nil && *err == nil {
		*err = fmt.Errorf("scan the store: %w", closed)
	}
}

// publishBlock makes a block visible to its reader. Store.mu is held.
func (s *Store) publishBlock(b *block) {
	perLane := len(s.lanes[0].partitions)
	l := s.lanes[b.partition/perLane]
	p := l.partitions[b.partition%perLane]
	s.records.bytes += int64(len(b.value))
	s.records.count += b.count
	readyEnd := p.next
	if n := len(p.ready); n > 0 {
		readyEnd = p.ready[n-1].end
	}
	if readyEnd == b.first && p.readySize < readyBytes {
		opened, err := openBlock(b.first, string(b.value))
		if err != nil {
			panic("BUG: a block that was just written does not open: " + err.Error())
		}
		p.ready = append(p.ready, opened)
		p.readySize += len(opened.rest)
	}
	p.end = b.first + b.count
	before := l.waiting
	l.waiting += b.count
	if l.wanted > 0 && (before == 0 || l.waiting >= int64(l.wanted)) {
		l.signal()
	}
}

// signal wakes the lane's Await.
func (l *lane) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// room is how many records the partition may hand out now.
func (p *partition) room() int64 { return min(p.end-p.next, windowSize-(p.next-p.mark)) }

// due counts what could be handed out now, and says since when the first of it
// could. A due retry counts as one, whatever lies behind it. What waits on the
// disk alone is a backlog: it has waited long enough.
func (l *lane) due(now time.Time) (n int64, since time.Time) {
	for _, p := range l.partitions {
		room := p.room()
		if room <= 0 {
			continue
		}
		var first time.Time
		if len(p.ready) > 0 {
			first = p.ready[0].accepted()
		}
		if n == 0 || first.Before(since) {
			since = first
		}
		n += room
	}
	if due := l.retries.nextDue; due != 0 && due <= l.retries.horizon(now) {
		if at := time.UnixMilli(due); n == 0 || at.Before(since) {
			since = at
		}
		n++
	}
	return n, since
}

// alarm is when Await should look again though nothing new has come: when the
// first that is due will have waited long enough, or the next retry; for one
// beyond what is being written the end of that wakes it. The zero time is never.
func (l *lane) alarm(due int64, since time.Time, wait time.Duration) time.Time {
	var at time.Time
	if due > 0 {
		at = since.Add(wait)
	}
	if next, unwritten := l.retries.nextDue, l.retries.unwritten; next != 0 && (unwritten == 0 || next < unwritten) {
		if retry := time.UnixMilli(next).Add(wait); at.IsZero() || retry.Before(at) {
			at = retry
		}
	}
	return at
}

// load reads blocks of a partition from next on when none is in memory. It
// reads without Store.mu: the lane's reader alone moves next.
func (s *Store) load(p *partition) error {
	s.mu.Lock()
	next, end, needed := p.next, p.end, len(p.ready) == 0 && p.next < p.end
	s.mu.Unlock()
	if !needed {
		return nil
	}
	ready, size, err := s.readAhead(p.number, next, end)
	if err != nil {
		return err
	}
	if len(ready) == 0 || ready[0].next != next {
		return missing(p.number, next)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p.ready, p.readySize = ready, size
	return nil
}

// readAhead reads blocks of a partition from next on, up to readyBytes and the
// acknowledged end: what was read beyond it is not ours to see yet.
func (s *Store) readAhead(partition int, next, end int64) (ready []records, size int, err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: queueKey(partition, 0), UpperBound: queueKey(partition, end)})
	if err != nil {
		return nil, 0, fmt.Errorf("read partition %d: %w", partition, err)
	}
	defer closeIter(it, &err)
	for valid := it.SeekLT(queueKey(partition, next+1)); valid && size < readyBytes; valid = it.Next() {
		first, err := queueOffset(it.Key())
		if err != nil {
			return nil, 0, err
		}
		b, err := openBlock(first, string(it.Value()))
		if err != nil {
			return nil, 0, fmt.Errorf("block %d of partition %d: %w", first, partition, err)
		}
		for b.next < next {
			if _, err := b.take(); err != nil {
				return nil, 0, fmt.Errorf("partition %d: %w", partition, err)
			}
		}
		ready = append(ready, b)
		size += len(b.rest)
	}
	return ready, size, nil
}
