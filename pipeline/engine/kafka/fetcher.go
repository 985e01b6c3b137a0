package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

const (
	// readBudget is about how many bytes of records a lease keeps in memory for
	// the next hand-outs, over all of its partitions; behind them, what is queued
	// is in Kafka alone. Each partition has an equal portion of it, within
	// bounds, is asked for when less than half of that is there, and may then
	// bring a whole one. A batch that is larger than a portion comes when its
	// partition is the first of a request, as each is in turn.
	readBudget   = 32 << 20
	leastPortion = 64 << 10
	mostPortion  = 1 << 20
	// fetchAnswerBytes is the most that one answer brings.
	fetchAnswerBytes = 8 << 20
	// A leader that has nothing may keep a request for idleWait when it is for
	// all the partitions that it leads; else for hungryWait, since one that
	// becomes hungry meanwhile waits for the next.
	idleWait   = 500 * time.Millisecond
	hungryWait = 100 * time.Millisecond
	// fetchEvery is the least time between two requests to a leader that brought
	// little: records that come one by one are worth waiting for a few of them.
	fetchEvery  = 5 * time.Millisecond
	littleBytes = 64 << 10
	// fetchPause is how long a leader that failed is left alone.
	fetchPause = 100 * time.Millisecond
)

// fetcher reads a lease's partitions: for each leader one request at a time,
// for all of its partitions that are hungry. Its run owns it; a request's own
// goroutine reports back by done.
type fetcher struct {
	lease   *lease
	leaders map[topicPartition]int32
	asked   time.Time // when leaders was
	free    map[int32]time.Time
	busy    map[int32]bool
	done    chan fetched
	turn    int // the partition that is asked for first
	// troubles are with each leader, so that others, which go on, do not end them.
	troubles map[int32]*complaint
	seeking  complaint // who leads
}

// fetched is how a request to a leader ended.
type fetched struct {
	leader int32
	next   time.Time // when the leader may be asked again
	err    error
}

func newFetcher(l *lease) *fetcher {
	return &fetcher{
		lease: l, free: map[int32]time.Time{}, busy: map[int32]bool{}, done: make(chan fetched),
		troubles: map[int32]*complaint{},
		seeking:  complaint{log: l.log.cfg.Log, what: "looking who leads partitions of " + l.Channel().String()},
	}
}

// run reads until ctx ends.
func (f *fetcher) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(f.send(ctx))
		select {
		case <-timer.C:
		case <-f.lease.hungry:
		case a := <-f.done:
			f.note(a)
		case <-ctx.Done():
			for len(f.busy) > 0 {
				f.note(<-f.done)
			}
			return
		}
	}
}

// note takes note of how a request ended.
func (f *fetcher) note(a fetched) {
	delete(f.busy, a.leader)
	f.free[a.leader] = a.next
	switch {
	case a.err == nil:
		f.troubleWith(a.leader).over()
	case !errors.Is(a.err, context.Canceled):
		f.troubleWith(a.leader).about(a.err)
		f.leaders = nil
	}
}

func (f *fetcher) troubleWith(leader int32) *complaint {
	trouble := f.troubles[leader]
	if trouble == nil {
		trouble = &complaint{log: f.lease.log.cfg.Log, what: fmt.Sprintf("fetch of %s from broker %d", f.lease.Channel(), leader)}
		f.troubles[leader] = trouble
	}
	return trouble
}

// send asks the leaders that may be asked, and says when to look again.
func (f *fetcher) send(ctx context.Context) time.Duration {
	now := time.Now()
	if f.leaders == nil || now.Sub(f.asked) > metadataTTL {
		leaders, err := f.lease.log.leaders(ctx)
		if err != nil {
			if ctx.Err() == nil {
				f.seeking.about(err)
			}
			return fetchPause
		}
		f.seeking.over()
		f.leaders, f.asked = leaders, now
	}
	wait := time.Hour
	later := func(at time.Time) { wait = min(wait, max(at.Sub(now), time.Millisecond)) }
	l := f.lease
	asks, led := map[int32][]ask{}, map[int32]int{}
	l.mu.Lock()
	f.turn++
	for i := range l.partitions {
		o := l.partitions[(f.turn+i)%len(l.partitions)]
		leader := f.leaders[topicPartition{o.name, o.number}]
		led[leader]++
		switch free := f.free[leader]; {
		case !o.hungry(l.portion) || f.busy[leader]:
		case leader < 0:
			later(now.Add(fetchPause))
		case free.After(now):
			later(free)
		default:
			o.fetching = true
			asks[leader] = append(asks[leader], ask{o, o.fetched})
		}
	}
	l.mu.Unlock()
	for leader, of := range asks {
		f.busy[leader] = true
		keep := hungryWait
		if len(of) == led[leader] {
			keep = idleWait
		}
		go func() { f.done <- f.ask(ctx, leader, of, keep) }()
	}
	if len(f.leaders) == 0 {
		later(now.Add(fetchPause))
	}
	return wait
}

// ask is a partition that is asked for, from an offset on.
type ask struct {
	of   *owned
	from int64
}

// ask sends a request to a leader, which may keep it for a while, and keeps what
// comes.
func (f *fetcher) ask(ctx context.Context, leader int32, asks []ask, wait time.Duration) fetched {
	began := time.Now()
	bytes, err := f.roundTrip(ctx, asks, wait)
	l := f.lease
	l.mu.Lock()
	for _, a := range asks {
		a.of.fetching = false
	}
	l.mu.Unlock()
	switch {
	case err != nil:
		return fetched{leader, time.Now().Add(fetchPause), err}
	case bytes < littleBytes:
		return fetched{leader, began.Add(fetchEvery), nil}
	}
	return fetched{leader, began, nil}
}

// roundTrip asks for partitions of one leader, keeps what comes, and says how
// much that was.
func (f *fetcher) roundTrip(ctx context.Context, asks []ask, wait time.Duration) (bytes int, err error) {
	ctx, cancel := context.WithTimeout(ctx, wait+requestTimeout)
	defer cancel()
	l := f.lease
	answer, err := l.log.transport.RoundTrip(ctx, l.log.addr, fetchRequest(asks, l.portion, wait))
	if err != nil {
		return 0, fmt.Errorf("fetch: %w", err)
	}
	r := answer.(*fetch.Response)
	if r.ErrorCode != 0 {
		return 0, fmt.Errorf("fetch: %w", kafkago.Error(r.ErrorCode))
	}
	asked := make(map[topicPartition]ask, len(asks))
	for _, a := range asks {
		asked[topicPartition{a.of.name, a.of.number}] = a
	}
	for i := range r.Topics {
		t := &r.Topics[i]
		for j := range t.Partitions {
			p := &t.Partitions[j]
			a, known := asked[topicPartition{t.Topic, p.Partition}]
			if !known {
				continue
			}
			n, failed := l.keep(a, p)
			bytes += n
			if failed != nil {
				err = fmt.Errorf("fetch of %s/%d: %w", t.Topic, p.Partition, failed)
			}
		}
	}
	return bytes, err
}

func fetchRequest(asks []ask, portion int, wait time.Duration) *fetch.Request {
	r := &fetch.Request{
		ReplicaID: -1, MaxWaitTime: int32(wait.Milliseconds()), MinBytes: 1, MaxBytes: fetchAnswerBytes,
		SessionEpoch: -1, // each request says all
	}
	for _, a := range asks {
		p := fetch.RequestPartition{
			Partition: a.of.number, CurrentLeaderEpoch: -1, FetchOffset: a.from, LogStartOffset: -1, PartitionMaxBytes: int32(portion),
		}
		if last := len(r.Topics) - 1; last >= 0 && r.Topics[last].Topic == a.of.name {
			r.Topics[last].Partitions = append(r.Topics[last].Partitions, p)
			continue
		}
		r.Topics = append(r.Topics, fetch.RequestTopic{Topic: a.of.name, Partitions: []fetch.RequestPartition{p}})
	}
	return r
}

// keep puts what came of a partition behind what is ready, and says how many
// bytes it was.
func (l *lease) keep(a ask, p *fetch.ResponsePartition) (bytes int, err error) {
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
	read, err := readRecords(a.of.topic, a.from, p.RecordSet.Records, l.log.cfg.Now())
	bytes, lost := l.queueRead(a.of, read)
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

// readRecords reads the records of an answer from an offset on. A broker sends
// whole batches, so that some may come before, and the last may be cut off.
func readRecords(t *topic, from int64, records protocol.RecordReader, now time.Time) (read []queued, err error) {
	for {
		r, err := records.ReadRecord()
		if errors.Is(err, io.EOF) {
			return read, nil
		}
		if err != nil {
			return read, err
		}
		if r.Offset >= from {
			value, err := protocol.ReadAll(r.Value)
			if err != nil {
				return read, err
			}
			read = append(read, newQueued(t, r.Offset, r.Time, value, now))
		}
		for _, b := range []protocol.Bytes{r.Key, r.Value} {
			if b != nil {
				if err := b.Close(); err != nil {
					return read, err
				}
			}
		}
	}
}

// entryOverhead is about what an entry takes in memory beside its bytes.
const entryOverhead = 400

// newQueued is a record of a topic as it is kept until it is handed out. What is
// no entry, or of another queue, is kept as the bytes that it is. What was
// written by a clock ahead of ours counts as written now.
func newQueued(t *topic, offset int64, written time.Time, value []byte, now time.Time) queued {
	if written.After(now) {
		written = now
	}
	q := queued{offset: offset, size: len(value) + entryOverhead, at: written.Add(t.delay)}
	e, err := decodeEntry(string(value))
	if err != nil || e.Channel != t.channel || (t.priority != 0) != (e.retry == nil) || t.priority != 0 && e.Priority != t.priority {
		q.raw = value
		return q
	}
	q.entry = &e
	if accepted := e.AcceptedAt(); t.priority != 0 && accepted.Before(q.at) {
		q.at = accepted
	}
	return q
}
