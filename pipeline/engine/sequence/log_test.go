package sequence

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// The size of the log in memory.
const (
	partitions  = 2    // of each queue, and of what waits for a retry
	windowSize  = 4096 // records of a partition from its mark on
	recordBytes = 256  // that a record counts, about
)

// logDisk is a log in memory that outlives processes. A channel has one owner at
// a time: who acquires it takes it from whoever has it.
type logDisk struct {
	mu       sync.Mutex
	channels map[pipeline.Channel]*logChannel
	changed  chan struct{} // closed and made anew with every change
	limit    int64         // bytes; 0 is none
	lead     int64         // by which the frontier leads what was handed out
}

// logChannel is the partitions of a channel: those of each priority, then those
// of the retries.
type logChannel struct {
	partitions []*logPartition
	owner      *memoryLease
}

// logPartition is what is durable of a partition.
type logPartition struct {
	records []logRecord
	commit  logCommit
}

// logRecord is an entry, or what waits for a retry.
type logRecord struct {
	pipeline.LogEntry
	undecodable []byte
	queue       pipeline.Queue
	attempts    []pipeline.Attempt
	origin      pipeline.Token
	due         time.Time
	retry       bool
}

// logCommit says what has left, and where what was handed out ends.
type logCommit struct {
	mark, frontier int64
	ahead          map[int64]bool // what left beyond the mark
	counts         pipeline.Account
	moved, repeats int64
}

func (c *logCommit) left(position int64) bool { return position < c.mark || c.ahead[position] }

// leave lets a record leave.
func (c *logCommit) leave(position int64) {
	c.ahead[position] = true
	for c.ahead[c.mark] {
		delete(c.ahead, c.mark)
		c.mark++
	}
}

func newLogDisk() *logDisk {
	d := &logDisk{channels: map[pipeline.Channel]*logChannel{}, changed: make(chan struct{}), lead: 3}
	for _, name := range pipeline.Channels() {
		c := &logChannel{}
		for range partitions * (len(pipeline.Priorities()) + 1) {
			c.partitions = append(c.partitions, &logPartition{commit: logCommit{ahead: map[int64]bool{}}})
		}
		d.channels[name] = c
	}
	return d
}

func (d *logDisk) wake() {
	close(d.changed)
	d.changed = make(chan struct{})
}

func (d *logDisk) append(r logRecord) {
	topic := int(r.queue.Priority) - 1
	if r.retry {
		topic = len(pipeline.Priorities())
	}
	number := topic*partitions + int(r.ID.UserHash()%partitions)
	p := d.channels[r.queue.Channel].partitions[number]
	if !r.retry {
		r.origin = pipeline.Token{Partition: int32(number), Position: int64(len(p.records))}
		r.due = r.AcceptedAt()
	}
	p.records = append(p.records, r)
	d.wake()
}

// memoryLog is a process's way to the log.
type memoryLog struct {
	*process
	disk *logDisk
}

func (m *memoryLog) Admit() error {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	held := int64(0)
	for _, c := range m.disk.channels {
		for _, p := range c.partitions {
			held += (int64(len(p.records)) - p.commit.mark) * recordBytes
		}
	}
	if m.disk.limit > 0 && held >= m.disk.limit {
		return fmt.Errorf("%w: %d bytes are queued", pipeline.ErrFull, held)
	}
	return nil
}

// Append has a boundary before and behind each record: they are of many
// partitions. From the second on some are written.
func (m *memoryLog) Append(_ context.Context, entries []pipeline.LogEntry) error {
	for i := range entries {
		before := pipeline.ErrAmbiguous
		if i == 0 {
			before = pipeline.ErrUnavailable
		}
		if err := m.pass("before append", before); err != nil {
			return err
		}
		m.disk.mu.Lock()
		m.disk.append(logRecord{LogEntry: entries[i], queue: entries[i].Queue()})
		m.disk.mu.Unlock()
	}
	return m.pass("after append", pipeline.ErrAmbiguous)
}

// memoryLease is a process's hold on a channel. Its fields are under the disk's
// lock.
type memoryLease struct {
	log     *memoryLog
	channel pipeline.Channel
	ending  chan struct{}
	over    bool
	held    []heldPartition
}

// heldPartition is what the owner of a partition keeps of it.
type heldPartition struct {
	handed     map[int64]bool
	doubtUntil int64
	queued     map[int64]bool // what is queued again and did not leave
}

func (m *memoryLog) Acquire(_ context.Context, c pipeline.Channel) (pipeline.LogLease, error) {
	l := &memoryLease{log: m, channel: c, ending: make(chan struct{})}
	err := m.step("acquire", pipeline.ErrUnavailable, func() error {
		m.disk.mu.Lock()
		defer m.disk.mu.Unlock()
		channel := m.disk.channels[c]
		if channel.owner != nil {
			channel.owner.end()
		}
		channel.owner = l
		for _, p := range channel.partitions {
			l.held = append(l.held, heldPartition{handed: map[int64]bool{}, queued: map[int64]bool{}, doubtUntil: p.commit.frontier})
		}
		return nil
	})
	return l, err
}

// end makes the lease another's. The disk is locked.
func (l *memoryLease) end() {
	if !l.over {
		l.over = true
		close(l.ending)
		l.log.disk.wake()
	}
}

func (l *memoryLease) Channel() pipeline.Channel { return l.channel }

func (l *memoryLease) Ending() <-chan struct{} { return l.ending }

func (l *memoryLease) Share() float64 { return 1 }

// due lists what may be handed out of a queue now, of each partition in order,
// and says when more will be. The disk is locked.
func (l *memoryLease) due(p pipeline.Priority) (tokens []pipeline.Token, next time.Time) {
	now := time.Now()
	channel := l.log.disk.channels[l.channel]
	for number, part := range channel.partitions {
		end := min(int64(len(part.records)), part.commit.mark+windowSize)
		for at := part.commit.mark; at < end; at++ {
			r := &part.records[at]
			if r.queue.Priority != p || part.commit.left(at) || l.held[number].handed[at] {
				continue
			}
			if r.retry && r.due.After(now) {
				if next.IsZero() || r.due.Before(next) {
					next = r.due
				}
				continue
			}
			tokens = append(tokens, pipeline.Token{Partition: int32(number), Position: at})
		}
	}
	return tokens, next
}

func (l *memoryLease) Await(ctx context.Context, p pipeline.Priority, maximum int, wait time.Duration) error {
	d := l.log.disk
	for {
		d.mu.Lock()
		if l.over {
			d.mu.Unlock()
			return pipeline.ErrLeaseEnded
		}
		tokens, next := l.due(p)
		if len(tokens) > 0 && wait > 0 {
			first := time.Now()
			for _, t := range tokens {
				if due := d.record(l.channel, t).due; due.Before(first) {
					first = due
				}
			}
			if ready := first.Add(wait); next.IsZero() || ready.Before(next) {
				next = ready
			}
		}
		ready := len(tokens) >= maximum || len(tokens) > 0 && !next.IsZero() && !next.After(time.Now()) || len(tokens) > 0 && wait <= 0
		changed := d.changed
		d.mu.Unlock()
		if ready {
			return nil
		}
		alarm := time.NewTimer(time.Hour)
		if !next.IsZero() {
			alarm.Reset(time.Until(next) + time.Millisecond)
		}
		select {
		case <-changed:
		case <-alarm.C:
		case <-ctx.Done():
			alarm.Stop()
			return ctx.Err()
		}
		alarm.Stop()
	}
}

func (d *logDisk) record(c pipeline.Channel, t pipeline.Token) *logRecord {
	return &d.channels[c].partitions[t.Partition].records[t.Position]
}

// Fetch commits a frontier before it hands out what is beyond the last.
func (l *memoryLease) Fetch(_ context.Context, p pipeline.Priority, maximum int) ([]pipeline.Logged, error) {
	d := l.log.disk
	d.mu.Lock()
	tokens, _ := l.due(p)
	tokens = tokens[:min(maximum, len(tokens))]
	beyond := map[int32]int64{}
	for _, t := range tokens {
		if part := d.channels[l.channel].partitions[t.Partition]; t.Position >= part.commit.frontier {
			beyond[t.Partition] = t.Position + 1 + d.lead
		}
	}
	d.mu.Unlock()
	for number, frontier := range beyond {
		err := l.commit("commit a frontier", func(parts []*logPartition) { parts[number].commit.frontier = frontier })
		if err != nil {
			return nil, pipeline.ErrLeaseEnded
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if l.over {
		return nil, pipeline.ErrLeaseEnded
	}
	logged := make([]pipeline.Logged, len(tokens))
	for i, t := range tokens {
		held, r := &l.held[t.Partition], d.record(l.channel, t)
		held.handed[t.Position] = true
		logged[i] = pipeline.Logged{Delivery: &pipeline.Delivery{
			Record: r.Record, Token: t, Origin: r.origin, Attempts: slices.Clone(r.attempts), Due: r.due, Doubt: t.Position < held.doubtUntil,
		}, Result: r.Result, Check: r.Check, Undecodable: r.undecodable}
		if r.undecodable != nil {
			logged[i].Delivery = &pipeline.Delivery{Token: t}
			logged[i].Channel, logged[i].Priority = r.queue.Channel, r.queue.Priority
		}
	}
	return logged, nil
}

// commit changes what is durable of the lease's partitions, unless it is
// another's.
func (l *memoryLease) commit(name string, change func(parts []*logPartition)) error {
	return l.log.step(name, pipeline.ErrUnavailable, func() error {
		d := l.log.disk
		d.mu.Lock()
		defer d.mu.Unlock()
		if l.over {
			return pipeline.ErrFenced
		}
		change(d.channels[l.channel].partitions)
		d.wake()
		return nil
	})
}

// Exit has a boundary behind each retry, and behind the commit.
func (m *memoryLog) Exit(_ context.Context, held pipeline.LogLease, exits []pipeline.Exit) error {
	l := held.(*memoryLease)
	for i := range exits {
		if exits[i].Kind != pipeline.Waits {
			continue
		}
		if err := m.step("queue a retry", pipeline.ErrUnavailable, func() error { return l.queueAgain(&exits[i]) }); err != nil {
			return err
		}
	}
	return l.commit("commit", func(parts []*logPartition) {
		for i := range exits {
			parts[exits[i].Delivery.Token.Partition].commit.exit(&exits[i])
		}
	})
}

func (l *memoryLease) queueAgain(e *pipeline.Exit) error {
	d := l.log.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if l.over {
		return pipeline.ErrFenced
	}
	t := e.Delivery.Token
	queued := l.held[t.Partition].queued
	if queued[t.Position] || d.channels[l.channel].partitions[t.Partition].commit.left(t.Position) {
		return nil
	}
	queued[t.Position] = true
	again := logRecord{
		LogEntry: pipeline.LogEntry{Record: e.Delivery.Record, Result: pipeline.Result{State: pipeline.Queued}, Check: e.Check},
		queue:    e.Delivery.Queue(), attempts: slices.Clone(e.Delivery.Attempts), origin: e.Delivery.Origin,
		due: e.Due.Truncate(time.Millisecond), retry: true,
	}
	if e.Attempt.Class != 0 {
		again.attempts = append(again.attempts, e.Attempt)
	}
	d.append(again)
	return nil
}

// exit counts an exit, once.
func (c *logCommit) exit(e *pipeline.Exit) {
	position := e.Delivery.Token.Position
	if c.left(position) {
		return
	}
	switch e.Attempt.Class {
	case pipeline.Ambiguous:
		c.counts.Ambiguous++
	case pipeline.Uncertain:
		c.counts.Takeovers++
	}
	switch e.Kind {
	case pipeline.Stays:
		return
	case pipeline.Waits, pipeline.Waiting:
		c.moved++
	case pipeline.Repeats:
		c.repeats++
	case pipeline.Ends:
		c.end(e.State)
	}
	c.leave(position)
}

func (c *logCommit) end(state pipeline.State) {
	switch state {
	case pipeline.Delivered:
		c.counts.Delivered++
	case pipeline.Suppressed:
		c.counts.Suppressed++
	case pipeline.Expired:
		c.counts.Expired++
	case pipeline.RateDropped:
		c.counts.RateDropped++
	case pipeline.Dead:
		c.counts.Dead++
	default:
		panic(fmt.Sprintf("BUG: an exit ends in %v", state))
	}
}

// Close draws the frontiers back to what was handed out.
func (l *memoryLease) Close(context.Context) error {
	err := l.commit("close", func(parts []*logPartition) {
		for number, part := range parts {
			reached := part.commit.mark
			for position := range l.held[number].handed {
				reached = max(reached, position+1)
			}
			part.commit.frontier = max(reached, min(part.commit.frontier, l.held[number].doubtUntil))
		}
		l.end()
		l.log.disk.channels[l.channel].owner = nil
	})
	if err == nil || err == pipeline.ErrFenced { //nolint:errorlint // it is this log's own
		return nil
	}
	return err
}

func (m *memoryLog) Account(context.Context) (a pipeline.Account, err error) {
	if err := m.pass("before looking", pipeline.ErrUnavailable); err != nil {
		return a, err
	}
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	for _, c := range m.disk.channels {
		for _, p := range c.partitions {
			end, counts := int64(len(p.records)), &p.commit.counts
			a.Accepted += end - p.commit.moved - p.commit.repeats
			a.InFlight += end - p.commit.mark - int64(len(p.commit.ahead))
			a.Delivered += counts.Delivered
			a.Suppressed += counts.Suppressed
			a.Expired += counts.Expired
			a.RateDropped += counts.RateDropped
			a.Dead += counts.Dead
			a.Ambiguous += counts.Ambiguous
			a.Takeovers += counts.Takeovers
		}
	}
	return a, nil
}

func (m *memoryLog) Depths(context.Context) ([]pipeline.Depth, error) {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	var depths []pipeline.Depth
	for _, q := range pipeline.Queues() {
		depth := pipeline.Depth{Queue: q}
		c := m.disk.channels[q.Channel]
		for number, p := range c.partitions {
			for at := p.commit.mark; at < int64(len(p.records)); at++ {
				r := &p.records[at]
				switch handed := c.owner != nil && c.owner.held[number].handed[at]; {
				case r.queue != q || p.commit.left(at):
				case r.retry:
					depth.Retrying++
				case handed:
					depth.Windowed++
				default:
					depth.Waiting++
				}
			}
		}
		depths = append(depths, depth)
	}
	return depths, nil
}
