package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go/protocol/metadata"
)

// Check says whether the log can be written to: a broker answers, and each
// partition has a leader and as many replicas in sync as a write needs. The
// error names the first partition that has not, and how many there are.
func (l *Log) Check(ctx context.Context) error {
	if _, err := l.versions(ctx); err != nil {
		return fmt.Errorf("no broker answers: %w", err)
	}
	known, err := layout(ctx, l.transport, l.addr, l.topics.names)
	if err != nil {
		return err
	}
	return l.checkReplicas(known)
}

// checkReplicas looks for partitions that cannot be written to.
func (l *Log) checkReplicas(known *metadata.Response) error {
	first, count := "", 0
	note := func(what string) {
		if count++; first == "" {
			first = what
		}
	}
	brokers := map[int32]bool{}
	for _, b := range known.Brokers {
		brokers[b.NodeID] = true
	}
	for _, t := range known.Topics {
		if t.ErrorCode != 0 {
			note(fmt.Sprintf("%s cannot be looked at: %v", t.Name, brokerError(t.ErrorCode, "")))
		}
		for _, p := range t.Partitions {
			// A topic with fewer replicas than asked needs no more than it has.
			needed := min(l.cfg.MinISR, len(p.ReplicaNodes))
			if !brokers[p.LeaderID] {
				note(fmt.Sprintf("%s/%d has no leader", t.Name, p.PartitionIndex))
			} else if len(p.IsrNodes) < needed {
				note(fmt.Sprintf("%s/%d has %d replicas in sync and needs %d", t.Name, p.PartitionIndex, len(p.IsrNodes), needed))
			}
		}
	}
	if count == 0 {
		return nil
	}
	if count > 1 {
		first = fmt.Sprintf("%s, and %d more like it", first, count-1)
	}
	return errors.New(first)
}
