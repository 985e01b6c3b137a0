package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	kafkago "github.com/segmentio/kafka-go"
	"golang.org/x/sync/semaphore"
)

const (
	// produceTimeout bounds a call whose context has no deadline.
	produceTimeout = 10 * time.Second
	// requestTimeout is how long a leader may wait for its followers, and
	// answerTimeout how long we wait for the leader, connecting included.
	requestTimeout = 3 * time.Second
	answerTimeout  = requestTimeout + 2*time.Second
	// unresolvedFor is how long a batch is repeated before it is given up: its
	// producer id is not used any more, so that what follows need not wait.
	unresolvedFor = time.Minute
	// producerMemory bounds what waits to be written, in bytes of keys and
	// values. It is below what a broker takes in one request, 100 MB.
	producerMemory = 64 << 20
)

// message is a record on its way to a partition.
type message struct {
	topic     string
	partition int32
	key       []byte
	value     []byte // an entry's binary form
}

// producer writes messages durably, each once: brokers know a batch that is
// repeated by its producer id and sequence. A partition has one batch under way
// at a time, so that batches land in order, and a batch is repeated unchanged
// until its end is known.
//
// mu guards the partitions, their leaders, and the calls that wait for them. It
// is held for memory work alone.
type producer struct {
	transport kafkago.RoundTripper
	addr      net.Addr
	topics    []string // names of all
	log       *slog.Logger
	now       func() time.Time
	memory    *semaphore.Weighted

	mu         sync.Mutex
	partitions map[string][]*partition // by topic and number; the map does not change
	leaders    map[int32]*leader
	calls      sync.WaitGroup // under way
	requests   sync.WaitGroup // to leaders, and looks for them
	closed     bool           // no call is let in any more
	ended      bool           // nor is a request begun

	trouble trouble
}

// newProducer makes a producer for topics whose partitions are known.
func newProducer(cfg Config, transport kafkago.RoundTripper, addr net.Addr, t *topics) *producer {
	p := &producer{
		transport: transport, addr: addr, topics: t.names, log: cfg.Log, now: cfg.Now,
		memory: semaphore.NewWeighted(producerMemory), partitions: map[string][]*partition{}, leaders: map[int32]*leader{},
	}
	index := uint64(0)
	for _, topic := range t.all() {
		of := make([]*partition, topic.partitions)
		for number := range of {
			of[number] = &partition{topic: topic.name, number: int32(number), index: index}
			index++
		}
		p.partitions[topic.name] = of
	}
	return p
}

// produce writes messages and returns when the end of each is known or given
// up: when ctx ends, or after 10 s when it has no deadline. It gives one error a
// message, in order: nil when it is durable, pipeline.ErrUnavailable when it was
// not written, pipeline.ErrAmbiguous when it may be. nil instead of a slice says
// that all are durable.
//
// The messages' memory is the producer's from here on.
func (p *producer) produce(ctx context.Context, messages []message) []error {
	if len(messages) == 0 {
		return nil
	}
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, produceTimeout)
		defer cancel()
	}
	c := newCall(messages)
	// The bound is of memory: the call that is larger waits until it is alone.
	c.held = min(int64(c.bytes()), producerMemory)
	if err := p.memory.Acquire(ctx, c.held); err != nil {
		return repeat(fmt.Errorf("%w: %d bytes wait to be written, which is the limit, and none left in time", pipeline.ErrUnavailable, producerMemory), len(messages))
	}
	if err := p.enqueue(c); err != nil {
		p.memory.Release(c.held)
		return repeat(err, len(messages))
	}
	defer p.calls.Done()
	defer p.trouble.enter()()
	select {
	case <-c.done:
	case <-ctx.Done():
		p.abandon(c)
	}
	return c.errs
}

func repeat(err error, n int) []error { return slices.Repeat([]error{err}, n) }

// call is one use of produce.
type call struct {
	messages []message
	// order lists the messages by partition: the partition's index in the high
	// half, the message's in the low.
	order      []uint64
	chunks     []*chunk
	unresolved int // of the chunks
	held       int64
	errs       []error // one a message; nil while all are nil
	left       bool    // the caller has gone, with errs
	done       chan struct{}
}

func newCall(messages []message) *call {
	return &call{messages: messages, order: make([]uint64, len(messages)), done: make(chan struct{})}
}

func (c *call) bytes() int {
	total := 0
	for i := range c.messages {
		total += c.messages[i].size()
	}
	return total
}

// size is the most that the message takes in a batch.
func (m *message) size() int { return len(m.key) + len(m.value) + recordOverhead }

// chunk is what a call has for one partition, or as much of it as one batch
// takes.
type chunk struct {
	call  *call
	order []uint64
	bytes int
	at    int64 // when it was queued, ms since 1970
	// open says that a batch with it under an earlier producer id may have been
	// written.
	open bool
}

func (m *chunk) message(i int) *message { return &m.call.messages[uint32(m.order[i])] }

// resolve tells the caller what became of a chunk, and gives its memory back
// when it was the last of its call. The caller holds mu.
func (p *producer) resolve(m *chunk, err error) {
	c := m.call
	if err != nil && !c.left {
		c.fail(m, err)
	}
	if c.unresolved--; c.unresolved == 0 {
		p.memory.Release(c.held)
		close(c.done)
	}
}

func (c *call) fail(m *chunk, err error) {
	if c.errs == nil {
		c.errs = make([]error, len(c.messages))
	}
	for _, key := range m.order {
		c.errs[uint32(key)] = err
	}
}

// enqueue puts the call's messages into the queues of their partitions.
func (p *producer) enqueue(c *call) error {
	for i := range c.messages {
		m := &c.messages[i]
		of := p.partitions[m.topic]
		if int(m.partition) >= len(of) {
			panic(fmt.Sprintf("BUG: a message for %s/%d, which is no partition of ours", m.topic, m.partition))
		}
		c.order[i] = of[m.partition].index<<32 | uint64(i)
	}
	slices.Sort(c.order)
	at := p.now().UnixMilli()

	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return fmt.Errorf("%w: the log is closed", pipeline.ErrUnavailable)
	}
	p.calls.Add(1)
	for rest := c.order; len(rest) > 0; {
		m := &chunk{call: c, at: at}
		rest = m.take(rest)
		first := m.message(0)
		part := p.partitions[first.topic][first.partition]
		part.queue = append(part.queue, m)
		c.chunks = append(c.chunks, m)
		c.unresolved++
		if part.leader != nil {
			p.kick(part.leader)
		} else if !part.waiting {
			p.retryLater([]*partition{part})
		}
	}
	return nil
}

// take takes from the front of order what one batch may hold of one partition,
// a message at least, and returns the rest.
func (m *chunk) take(order []uint64) (rest []uint64) {
	n := 0
	for ; n < len(order) && order[n]>>32 == order[0]>>32; n++ {
		size := m.call.messages[uint32(order[n])].size()
		if n > 0 && m.bytes+size > maxBatch {
			break
		}
		m.bytes += size
	}
	m.order = order[:n]
	return order[n:]
}

// abandon lets a caller go whose time is over: what waits is not written any
// more, and what may have been written stays open.
func (p *producer) abandon(c *call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.unresolved == 0 {
		return // just now
	}
	var waiting []*chunk
	for _, m := range c.chunks {
		part := p.partitionOf(m)
		if at := slices.Index(part.queue, m); at >= 0 {
			part.queue = slices.Delete(part.queue, at, at+1)
			c.fail(m, part.unavailable())
			waiting = append(waiting, m)
		} else if part.batch != nil && slices.Contains(part.batch.chunks, m) {
			c.fail(m, part.standing(m))
		}
	}
	c.left = true
	for _, m := range waiting {
		p.resolve(m, nil)
	}
}

func (p *producer) partitionOf(m *chunk) *partition {
	first := m.message(0)
	return p.partitions[first.topic][first.partition]
}

// close waits for the calls under way, and lets no more in.
func (p *producer) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.calls.Wait()

	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.requests.Wait()
}
