package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/listoffsets"
)

// listOffsetsOverride tells our form of ListOffsets from kafka-go's, which sends
// a request, on a connection of its own, for each partition.
const listOffsetsOverride protocol.OverrideTypeKey = 1

func init() { //nolint:gochecknoinits // kafka-go reads its table of messages without a lock, so it is filled before anything runs
	r := &listOffsetsRequest{}
	protocol.RegisterOverride(r, &listoffsets.Response{}, r.TypeKey())
}

// listOffsetsRequest is ListOffsets for partitions that one broker leads.
type listOffsetsRequest struct {
	ReplicaID      int32               `kafka:"min=v1,max=v5"`
	IsolationLevel int8                `kafka:"min=v2,max=v5"`
	Topics         []listOffsetsTopics `kafka:"min=v1,max=v5"`
}

type listOffsetsTopics struct {
	Topic      string                  `kafka:"min=v1,max=v5"`
	Partitions []listOffsetsPartitions `kafka:"min=v1,max=v5"`
}

type listOffsetsPartitions struct {
	Partition          int32 `kafka:"min=v1,max=v5"`
	CurrentLeaderEpoch int32 `kafka:"min=v4,max=v5"`
	Timestamp          int64 `kafka:"min=v1,max=v5"`
}

// ApiKey is the protocol's number of the request.
func (r *listOffsetsRequest) ApiKey() protocol.ApiKey { return protocol.ListOffsets } //nolint:revive // kafka-go's spelling

// TypeKey marks our form of the request.
func (r *listOffsetsRequest) TypeKey() protocol.OverrideTypeKey { return listOffsetsOverride }

// Broker is the leader of the first partition, which is that of all.
func (r *listOffsetsRequest) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	return leaderOf(cluster, r.Topics[0].Topic, r.Topics[0].Partitions[0].Partition)
}

var _ protocol.BrokerMessage = (*listOffsetsRequest)(nil)

// Where ListOffsets may be asked to look.
const (
	atEnd   = kafkago.LastOffset
	atFirst = kafkago.FirstOffset
)

// offsets asks the leaders where partitions begin or end, one request a leader.
// Behind the end lies nothing that is durable. It fails when one of them does not
// answer.
func (l *Log) offsets(ctx context.Context, partitions []topicPartition, where int64) (map[topicPartition]int64, error) {
	found := make(map[topicPartition]int64, len(partitions))
	if len(partitions) == 0 {
		return found, nil
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	leaders, err := l.leaders(ctx)
	if err != nil {
		return nil, err
	}
	byLeader := map[int32]*listOffsetsRequest{}
	for _, p := range partitions {
		leader := leaders[p]
		if byLeader[leader] == nil {
			byLeader[leader] = &listOffsetsRequest{ReplicaID: -1}
		}
		byLeader[leader].add(p, where)
	}
	var (
		mu     sync.Mutex
		failed []error
		all    sync.WaitGroup
	)
	for _, request := range byLeader {
		all.Go(func() {
			answer, err := l.transport.RoundTrip(ctx, l.addr, request)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = append(failed, err)
				return
			}
			for _, t := range answer.(*listoffsets.Response).Topics {
				for _, p := range t.Partitions {
					if p.ErrorCode != 0 {
						failed = append(failed, fmt.Errorf("%s/%d: %w", t.Topic, p.Partition, kafkago.Error(p.ErrorCode)))
						continue
					}
					found[topicPartition{t.Topic, p.Partition}] = p.Offset
				}
			}
		})
	}
	all.Wait()
	if len(failed) == 0 && len(found) != len(partitions) {
		failed = append(failed, errors.New("the answer leaves partitions out"))
	}
	if len(failed) > 0 {
		return nil, fmt.Errorf("ask where partitions begin or end: %w", failed[0])
	}
	return found, nil
}

// add puts a partition behind those of its topic.
func (r *listOffsetsRequest) add(p topicPartition, where int64) {
	if last := len(r.Topics) - 1; last < 0 || r.Topics[last].Topic != p.topic {
		r.Topics = append(r.Topics, listOffsetsTopics{Topic: p.topic})
	}
	t := &r.Topics[len(r.Topics)-1]
	t.Partitions = append(t.Partitions, listOffsetsPartitions{Partition: p.partition, CurrentLeaderEpoch: -1, Timestamp: where})
}

// leaders is which broker leads each partition of ours, at most metadataTTL old;
// noLeader when none does.
func (l *Log) leaders(ctx context.Context) (map[topicPartition]int32, error) {
	known, err := layout(ctx, l.transport, l.addr, l.topics.names)
	if err != nil {
		return nil, err
	}
	leaders := map[topicPartition]int32{}
	for _, t := range known.Topics {
		for _, p := range t.Partitions {
			leaders[topicPartition{t.Name, p.PartitionIndex}] = p.LeaderID
		}
	}
	return leaders, nil
}
