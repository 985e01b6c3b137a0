package kafka

import (
	"context"
	"errors"
	"fmt"

	kafkago "github.com/segmentio/kafka-go"
)

// topicPartition names a partition of the cluster.
type topicPartition struct {
	topic     string
	partition int32
}

// deleteRecords removes what lies before the offsets, for good. It asks each
// leader for its own partitions. What a broker refused is among the joined
// errors and may be asked for again; the rest is done.
func (l *Log) deleteRecords(ctx context.Context, before map[topicPartition]int64) error {
	if len(before) == 0 {
		return nil
	}
	known, err := layout(ctx, l.transport, l.addr, l.topics.names)
	if err != nil {
		return err
	}
	requests := map[int32]*deleteRecordsRequest{} // by leader
	for _, t := range known.Topics {
		for _, p := range t.Partitions {
			offset, wanted := before[topicPartition{t.Name, p.PartitionIndex}]
			if !wanted {
				continue
			}
			if requests[p.LeaderID] == nil {
				requests[p.LeaderID] = &deleteRecordsRequest{TimeoutMs: int32(requestTimeout.Milliseconds())}
			}
			requests[p.LeaderID].add(t.Name, deleteRecordsPartition{Partition: p.PartitionIndex, Offset: offset})
		}
	}
	var failed []error
	for _, request := range requests {
		failed = append(failed, l.deleteAt(ctx, request))
	}
	return errors.Join(failed...)
}

// add puts a partition behind those of its topic.
func (r *deleteRecordsRequest) add(topic string, p deleteRecordsPartition) {
	if last := len(r.Topics) - 1; last < 0 || r.Topics[last].Name != topic {
		r.Topics = append(r.Topics, deleteRecordsTopic{Name: topic})
	}
	t := &r.Topics[len(r.Topics)-1]
	t.Partitions = append(t.Partitions, p)
}

// deleteAt sends the request of one leader.
func (l *Log) deleteAt(ctx context.Context, request *deleteRecordsRequest) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	answer, err := l.transport.RoundTrip(ctx, l.addr, request)
	if err != nil {
		return fmt.Errorf("delete what is settled: %w", err)
	}
	var failed []error
	for _, t := range answer.(*deleteRecordsResponse).Topics {
		for _, p := range t.Partitions {
			if p.ErrorCode != 0 {
				failed = append(failed, fmt.Errorf("delete what is settled of %s/%d: %w", t.Name, p.Partition, kafkago.Error(p.ErrorCode)))
			}
		}
	}
	return errors.Join(failed...)
}
