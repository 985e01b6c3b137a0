package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	kafkago "github.com/segmentio/kafka-go"

	"github.com/notifyctl/notifyctl/pipeline"
)

// stored is what a group has committed of a partition, as Kafka keeps it.
type stored struct {
	offset   int64 // -1: nothing
	metadata string
}

// stored asks a group for what it has committed of partitions.
func (l *Log) stored(ctx context.Context, group string, partitions []topicPartition) (map[topicPartition]stored, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	request := &kafkago.OffsetFetchRequest{Addr: l.addr, GroupID: group, Topics: map[string][]int{}}
	for _, p := range partitions {
		request.Topics[p.topic] = append(request.Topics[p.topic], int(p.partition))
	}
	answer, err := l.client().OffsetFetch(ctx, request)
	if err == nil {
		err = answer.Error
	}
	found := make(map[topicPartition]stored, len(partitions))
	if errors.Is(err, kafkago.GroupIdNotFound) { // nobody ever joined it
		for _, p := range partitions {
			found[p] = stored{offset: -1}
		}
		return found, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ask for the commits of group %s: %w", group, err)
	}
	for name, of := range answer.Topics {
		for _, p := range of {
			if p.Error != nil {
				return nil, fmt.Errorf("ask for the commits of group %s: %s/%d: %w", group, name, p.Partition, p.Error)
			}
			found[topicPartition{name, int32(p.Partition)}] = stored{p.CommittedOffset, p.Metadata}
		}
	}
	if len(found) < len(partitions) {
		return nil, fmt.Errorf("ask for the commits of group %s: the answer leaves partitions out", group)
	}
	return found, nil
}

// takeOver makes a lease of the partitions that a generation gives us: it reads
// where the owners before left them and makes the first commit, without which
// nothing is handed out. It gives nil when no partition is ours. Errors: what is
// not to be tried again, and ErrFenced; ctx's with a lease if the commit may have
// been made.
func (m *membership) takeOver(ctx context.Context, g *kafkago.Generation) (*lease, error) {
	topics := m.log.topics.channel(m.channel)
	mine := map[string][]int{}
	var partitions []topicPartition
	for name, assigned := range g.Assignments {
		for _, a := range assigned {
			mine[name] = append(mine[name], a.ID)
			partitions = append(partitions, topicPartition{name, int32(a.ID)})
		}
	}
	m.balancer.hold(g.ID, mine)
	if len(partitions) == 0 {
		return nil, nil
	}
	var ls *lease
	err := m.persist(ctx, "taking over partitions of "+m.name, func() error {
		taken, err := m.log.standing(ctx, m.name, topics, partitions)
		if err == nil {
			ls = newLease(m.log, topics, member{m.name, g.MemberID, g.ID}, taken)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return ls, m.persist(ctx, "first commit of "+m.name, ls.commitChanges)
}

// persist tries something again until it works, its error is final, or ctx ends.
func (m *membership) persist(ctx context.Context, what string, try func() error) error {
	trouble := complaint{log: m.log.cfg.Log, what: what}
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 50*time.Millisecond, time.Second
	for {
		err := try()
		var lost *LossError
		if err == nil || errors.As(err, &lost) || errors.Is(err, errBadCommit) || errors.Is(err, pipeline.ErrFenced) {
			return err
		}
		trouble.about(err)
		select {
		case <-time.After(pause.NextBackOff()):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// standing reads where partitions of a channel stand.
func (l *Log) standing(ctx context.Context, group string, topics *channelTopics, partitions []topicPartition) ([]*owned, error) {
	commits, err := l.stored(ctx, group, partitions)
	if err != nil {
		return nil, err
	}
	firsts, err := l.offsets(ctx, partitions, atFirst)
	if err != nil {
		return nil, err
	}
	ends, err := l.offsets(ctx, partitions, atEnd)
	if err != nil {
		return nil, err
	}
	places := map[string]int{}
	of := topics.all()
	for place, t := range of {
		places[t.name] = place
	}
	taken := make([]*owned, len(partitions))
	for i, p := range partitions {
		c, err := commits[p].check(p, group, firsts[p], ends[p])
		if err != nil {
			return nil, err
		}
		place := places[p.topic]
		taken[i] = newOwned(of[place], p.partition, tokenPartition(place, p.partition), c)
	}
	return taken, nil
}

// check reads a commit and compares it with where the partition begins and ends.
// A partition that has none and begins at 0 is new, or Kafka forgot its commits,
// as it does some time after a group's last member left (a week, unless
// offsets.retention.minutes says otherwise). So what is there by now is looked up
// before it is sent. Errors: errBadCommit, *LossError.
func (s stored) check(p topicPartition, group string, first, end int64) (*commit, error) {
	loss := func(format string, args ...any) error {
		return &LossError{Topic: p.topic, Partition: p.partition, Group: group, found: fmt.Sprintf(format, args...)}
	}
	if s.offset < 0 {
		if first > 0 {
			return nil, loss("it begins at record %d, and its group has no commit that says how those before ended", first)
		}
		return &commit{unknown: end}, nil
	}
	c, err := parseCommit(s.offset, s.metadata, end)
	switch {
	case err != nil:
		return nil, fmt.Errorf("group %s, %s/%d: %w", group, p.topic, p.partition, err)
	case c.mark < first:
		return nil, loss("those from %d on have not left, and it begins at %d", c.mark, first)
	case c.handed > end:
		return nil, loss("some up to %d were handed out, and it ends at %d", c.handed, end)
	}
	return c, nil
}
