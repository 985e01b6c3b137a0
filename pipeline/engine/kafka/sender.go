package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/metadata"
	"github.com/segmentio/kafka-go/protocol/produce"
	"github.com/segmentio/kafka-go/protocol/rawproduce"
)

const (
	// maxLinger is the longest that a request waits for more to come together.
	maxLinger = 4 * time.Millisecond
	// Tries of a batch are firstRetry apart, then twice that, up to lastRetry.
	firstRetry = 20 * time.Millisecond
	lastRetry  = 500 * time.Millisecond
)

// leader is a broker that leads partitions of ours. It has one request under
// way: what comes together meanwhile is the next.
type leader struct {
	id         int32
	partitions []*partition
	busy       bool
	started    time.Time   // when the last request was
	calls      int         // how many calls shared it
	linger     *time.Timer // set while the next request waits for more
}

// lingers is how long after the start of the last request the next one is to
// start. A caller who is alone never waits; the more share a request, the more
// it pays to gather them.
func (l *leader) lingers() time.Duration {
	return min(time.Duration(l.calls-1)*time.Millisecond/2, maxLinger)
}

// kick starts the next request to a leader, if there is something to send and
// it is not busy. The caller holds mu.
func (p *producer) kick(l *leader) {
	if l.busy || l.linger != nil || p.ended {
		return
	}
	pending := false
	for _, part := range l.partitions {
		pending = pending || !part.idle()
	}
	if !pending {
		return
	}
	if wait := time.Until(l.started.Add(l.lingers())); wait > 0 {
		l.linger = time.AfterFunc(wait, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			l.linger = nil
			l.started = time.Time{}
			p.kick(l)
		})
		return
	}
	l.busy = true
	p.requests.Go(func() { p.send(l) })
}

// send makes one request to a leader of all that its partitions have ready.
func (p *producer) send(l *leader) {
	p.mu.Lock()
	parts := p.cutAll(l)
	p.mu.Unlock()
	var answers map[topicPartition]answer
	if len(parts) > 0 {
		answers = p.request(parts)
	}

	p.mu.Lock()
	defer p.mu.Unlock()
	var again []*partition
	for _, part := range parts {
		a := answers[topicPartition{part.topic, part.number}]
		if p.settle(part, a.verdict, a.cause) || part.leader == nil && !part.idle() {
			again = append(again, part)
		}
	}
	p.retryLater(again)
	l.busy = false
	p.kick(l)
	for _, part := range parts {
		if part.leader != nil && part.leader != l { // moved meanwhile
			p.kick(part.leader)
		}
	}
}

// cutAll readies the batches of a leader's partitions.
func (p *producer) cutAll(l *leader) []*partition {
	var parts []*partition
	g, callers := &gate{}, map[*call]struct{}{}
	for _, part := range l.partitions {
		if part.idle() || !p.cut(part) {
			continue
		}
		part.sending, part.batch.gate = true, g
		parts = append(parts, part)
		for _, m := range part.batch.chunks {
			callers[m.call] = struct{}{}
		}
	}
	l.started, l.calls = time.Now(), len(callers)
	return parts
}

// answer is what became of one partition's batch of a request.
type answer struct {
	verdict verdict
	cause   error
}

// request sends the batches of partitions of one leader, and gives an answer
// for each. Their batches do not change meanwhile.
func (p *producer) request(parts []*partition) map[topicPartition]answer {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	g := parts[0].batch.gate
	if err := p.giveSessions(ctx, parts); err != nil {
		g.withdraw()
		return all(parts, answer{notWritten, err})
	}
	response, err := p.transport.RoundTrip(ctx, p.addr, encodeRequest(parts, g))
	if err != nil {
		if g.withdraw() {
			return all(parts, answer{notWritten, err})
		}
		return all(parts, answer{unknown, err})
	}
	answers := all(parts, answer{unknown, errors.New("the broker's answer leaves the partition out")})
	for _, topic := range response.(*produce.Response).Topics {
		for i := range topic.Partitions {
			r := &topic.Partitions[i]
			answers[topicPartition{topic.Topic, r.Partition}] = answer{judge(r.ErrorCode), brokerError(r.ErrorCode, r.ErrorMessage)}
		}
	}
	return answers
}

func all(parts []*partition, a answer) map[topicPartition]answer {
	answers := make(map[topicPartition]answer, len(parts))
	for _, part := range parts {
		answers[topicPartition{part.topic, part.number}] = a
	}
	return answers
}

// giveSessions gives a producer id to the partitions that have none. They share
// it: sequences count for each partition alone.
func (p *producer) giveSessions(ctx context.Context, parts []*partition) error {
	var fresh session
	for _, part := range parts {
		if part.session.given {
			continue
		}
		if !fresh.given {
			var err error
			if fresh, err = newSession(ctx, p.transport, p.addr); err != nil {
				return err
			}
		}
		part.session, part.sequence = fresh, 0
	}
	return nil
}

// encodeRequest makes a request of the batches of partitions, which are sorted
// by topic.
func encodeRequest(parts []*partition, g *gate) *rawproduce.Request {
	r := &rawproduce.Request{Acks: int16(kafkago.RequireAll), Timeout: int32(requestTimeout.Milliseconds())}
	for _, part := range parts {
		if last := len(r.Topics) - 1; last < 0 || r.Topics[last].Topic != part.topic {
			r.Topics = append(r.Topics, rawproduce.RequestTopic{Topic: part.topic})
		}
		topic := &r.Topics[len(r.Topics)-1]
		topic.Partitions = append(topic.Partitions, rawproduce.RequestPartition{
			Partition: part.number,
			RecordSet: protocol.RawRecordSet{Reader: &gatedBatch{gate: g, rest: part.batch.encode(part.session, part.sequence)}},
		})
	}
	return r
}

// retryLater looks for the partitions' leaders after a while and then sends to
// them again. The caller holds mu.
func (p *producer) retryLater(parts []*partition) {
	if len(parts) == 0 || p.ended {
		return
	}
	failures := 0
	for _, part := range parts {
		part.waiting = true
		failures = max(failures, part.failures)
	}
	wait := min(firstRetry<<min(failures, 10), lastRetry)
	p.requests.Add(1)
	time.AfterFunc(wait, func() {
		defer p.requests.Done()
		err := p.findLeaders()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.retry(parts, err)
	})
}

// retry sends to partitions whose wait is over, or waits on with those whose
// leader is not known.
func (p *producer) retry(parts []*partition, err error) {
	var lost []*partition
	for _, part := range parts {
		part.waiting = false
		switch {
		case part.leader != nil:
			p.kick(part.leader)
		case part.idle(): // all who waited have gone
		default:
			part.failures++
			if err != nil {
				part.last = err
			} else {
				part.last = fmt.Errorf("%w", protocol.ErrNoLeader)
			}
			p.trouble.begin()
			if part.batch != nil {
				p.prune(part)
			}
			lost = append(lost, part)
		}
	}
	p.retryLater(lost)
}

// findLeaders takes over which broker leads which partition, as far as the
// transport knows.
func (p *producer) findLeaders() error {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	known, err := layout(ctx, p.transport, p.addr, p.topics)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lead(known)
	for _, l := range p.leaders { // of what waited for another
		p.kick(l)
	}
	return nil
}

// lead assigns partitions to leaders. Where something waits and nobody leads by
// now, a leader is looked for. The caller holds mu.
func (p *producer) lead(known *metadata.Response) {
	brokers := make(map[int32]bool, len(known.Brokers))
	for _, b := range known.Brokers {
		brokers[b.NodeID] = true
	}
	for _, topic := range known.Topics {
		of := p.partitions[topic.Name]
		for _, found := range topic.Partitions {
			if int(found.PartitionIndex) >= len(of) {
				continue // added since
			}
			part := of[found.PartitionIndex]
			part.leader = nil
			if brokers[found.LeaderID] {
				part.leader = p.leader(found.LeaderID)
			}
		}
	}
	for _, l := range p.leaders {
		l.partitions = l.partitions[:0:0]
	}
	var leaderless []*partition
	for _, name := range p.topics { // so that each topic's stand together
		for _, part := range p.partitions[name] {
			if part.leader != nil {
				part.leader.partitions = append(part.leader.partitions, part)
			} else if !part.idle() {
				leaderless = append(leaderless, part)
			}
		}
	}
	p.retryLater(leaderless)
}

func (p *producer) leader(id int32) *leader {
	l := p.leaders[id]
	if l == nil {
		l = &leader{id: id}
		p.leaders[id] = l
		p.log.Debug("a broker leads partitions", slog.Int("broker", int(id)))
	}
	return l
}
