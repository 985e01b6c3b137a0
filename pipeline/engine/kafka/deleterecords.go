package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"

	kafkago "github.com/segmentio/kafka-go"
)

// deleteRecords removes what lies before the offsets, for good. It asks each
// leader for its own partitions. What a broker refused is among the joined
// errors and may be asked for again; the rest is done.
func (l *Log) deleteRecords(ctx context.Context, before map[topicPartition]int64) error {
	if len(before) == 0 {
		return nil
	}
	leaders, err := l.leaders(ctx)
	if err != nil {
		return err
	}
	requests := map[int32]*deleteRecordsRequest{} // by leader
	for p, offset := range before {
		leader := leaders[p]
		if requests[leader] == nil {
			requests[leader] = &deleteRecordsRequest{TimeoutMs: int32(requestTimeout.Milliseconds())}
		}
		requests[leader].add(p.topic, deleteRecordsPartition{Partition: p.partition, Offset: offset})
	}
	var failed []error
	for _, request := range requests {
		failed = append(failed, l.deleteAt(ctx, request))
	}
	return errors.Join(failed...)
}

// add puts a partition behind those of its topic.
func (r *deleteRecordsRequest) add(topic string, p deleteRecordsPartition) {
	at := slices.IndexFunc(r.Topics, func(t deleteRecordsTopic) bool { return t.Name == topic })
	if at < 0 {
		at = len(r.Topics)
		r.Topics = append(r.Topics, deleteRecordsTopic{Name: topic})
	}
	r.Topics[at].Partitions = append(r.Topics[at].Partitions, p)
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
