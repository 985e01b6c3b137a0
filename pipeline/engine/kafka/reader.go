package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	kafkago "github.com/segmentio/kafka-go"
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

// reader reads the partitions that one leader leads: by one request at a time, for
// all of them that are hungry. Its run owns it.
type reader struct {
	lease  *lease
	leader int32
	// wake says that there may be something to ask for.
	wake chan struct{}
	// moved is where a failure is told to who looks for leaders.
	moved   chan<- struct{}
	trouble complaint
	turn    int // the partition that is asked for first

	// asks, value and read are memory that each request uses again.
	asks  []ask
	value []byte
	read  []queued
}

// ask is a partition that is asked for, from an offset on.
type ask struct {
	of   *owned
	from int64
}

func newReader(l *lease, leader int32, moved chan<- struct{}) *reader {
	return &reader{
		lease: l, leader: leader, wake: make(chan struct{}, 1), moved: moved,
		trouble: complaint{log: l.log.cfg.Log, what: fmt.Sprintf("fetch of %s from broker %d", l.Channel(), leader)},
	}
}

// run reads until ctx ends.
func (r *reader) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		keep, hungry := r.choose()
		if !hungry {
			select {
			case <-r.wake:
			case <-ctx.Done():
			}
			continue
		}
		pause := r.ask(ctx, keep)
		if pause <= 0 {
			continue
		}
		timer.Reset(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
}

// choose sets asks to what the leader is to be asked for, and says how long it may
// keep the request. When that is nothing, wake tells when to look again.
func (r *reader) choose() (keep time.Duration, hungry bool) {
	r.asks = r.asks[:0]
	led := 0
	l := r.lease
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.partitions {
		o := l.partitions[(r.turn+i)%len(l.partitions)]
		if o.leader != r.leader {
			continue
		}
		led++
		if o.hungry(l.portion) {
			o.fetching = true
			r.asks = append(r.asks, ask{o, o.fetched})
		}
	}
	r.turn++
	switch len(r.asks) {
	case 0:
		if !slices.Contains(l.fed, r) { // a wake may be older than what it told of
			l.fed = append(l.fed, r)
		}
		return 0, false
	case led:
		return idleWait, true
	}
	return hungryWait, true
}

// ask sends a request to the leader, which may keep it for a while, keeps what
// comes, and says how long to leave the leader alone.
func (r *reader) ask(ctx context.Context, keep time.Duration) (pause time.Duration) {
	began := time.Now()
	bytes, err := r.roundTrip(ctx, keep)
	r.release()
	switch {
	case err == nil:
		r.trouble.over()
		if bytes < littleBytes {
			return fetchEvery - time.Since(began)
		}
		return 0
	case !errors.Is(err, context.Canceled):
		r.trouble.about(err)
		notify(r.moved)
	}
	return fetchPause
}

// release lets the partitions be asked for again, of others if they have moved.
func (r *reader) release() {
	l := r.lease
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range r.asks {
		a.of.fetching = false
		if a.of.leader != r.leader {
			l.feed()
		}
	}
}

// roundTrip asks for partitions, keeps what comes, and says how much that was.
func (r *reader) roundTrip(ctx context.Context, keep time.Duration) (bytes int, err error) {
	ctx, cancel := context.WithTimeout(ctx, keep+requestTimeout)
	defer cancel()
	l := r.lease
	answer, err := l.log.transport.RoundTrip(ctx, l.log.addr, fetchRequest(r.asks, l.portion, keep))
	if err != nil {
		return 0, fmt.Errorf("fetch: %w", err)
	}
	response := answer.(*fetch.Response)
	if response.ErrorCode != 0 {
		return 0, fmt.Errorf("fetch: %w", kafkago.Error(response.ErrorCode))
	}
	next := 0
	for i := range response.Topics {
		t := &response.Topics[i]
		for j := range t.Partitions {
			p := &t.Partitions[j]
			at := r.asked(next, t.Topic, p.Partition)
			if at < 0 {
				continue
			}
			next = at + 1
			n, failed := r.keep(r.asks[at], p)
			bytes += n
			if failed != nil {
				err = fmt.Errorf("fetch of %s/%d: %w", t.Topic, p.Partition, failed)
			}
		}
	}
	return bytes, err
}

// asked finds the place of a partition in asks, -1 when it was not asked for. A
// leader answers in the order of the request, so that the place after the last
// that was found is nearly always the one.
func (r *reader) asked(next int, topic string, number int32) int {
	for i := range r.asks {
		at := (next + i) % len(r.asks)
		if of := r.asks[at].of; of.number == number && of.name == topic {
			return at
		}
	}
	return -1
}

func fetchRequest(asks []ask, portion int, keep time.Duration) *fetch.Request {
	r := &fetch.Request{
		ReplicaID: -1, MaxWaitTime: int32(keep.Milliseconds()), MinBytes: 1, MaxBytes: fetchAnswerBytes,
		SessionEpoch: -1, // each request says all
	}
	partitions := make([]fetch.RequestPartition, len(asks))
	first := 0 // of the topic
	for i, a := range asks {
		partitions[i] = fetch.RequestPartition{
			Partition: a.of.number, CurrentLeaderEpoch: -1, FetchOffset: a.from, LogStartOffset: -1, PartitionMaxBytes: int32(portion),
		}
		if i+1 == len(asks) || asks[i+1].of.topic != a.of.topic {
			r.Topics = append(r.Topics, fetch.RequestTopic{Topic: a.of.name, Partitions: partitions[first : i+1]})
			first = i + 1
		}
	}
	return r
}
