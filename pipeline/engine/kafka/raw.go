package kafka

import (
	"context"
	"fmt"
	"net"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/findcoordinator"
	"github.com/segmentio/kafka-go/protocol/initproducerid"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"
)

// ownForm tells our form of a request from kafka-go's, as kafka-go asks for. It
// counts within one kind of request.
const ownForm protocol.OverrideTypeKey = 1

func init() { //nolint:gochecknoinits // kafka-go reads its table of messages without a lock, so it is filled before anything runs
	protocol.RegisterOverride(&producerIDRequest{}, &initproducerid.Response{}, ownForm)
	protocol.RegisterOverride(&offsetCommitRequest{}, &offsetcommit.Response{}, ownForm)
	protocol.Register(&deleteRecordsRequest{}, &deleteRecordsResponse{})
}

// producerIDRequest is InitProducerId, as [initproducerid.Request], for a
// producer without transactions. kafka-go's own first asks for the coordinator
// of transactions, of which a producer without them has none; a broker answers
// by making the topic that coordinators keep.
type producerIDRequest struct {
	_ struct{} `kafka:"min=v2,max=v4,tag"`

	TransactionalID      string `kafka:"min=v0,max=v4,nullable"`
	TransactionTimeoutMs int32  `kafka:"min=v0,max=v4"`
	ProducerID           int64  `kafka:"min=v3,max=v4"`
	ProducerEpoch        int16  `kafka:"min=v3,max=v4"`
}

// ApiKey is the protocol's number of the request.
func (r *producerIDRequest) ApiKey() protocol.ApiKey { return protocol.InitProducerId } //nolint:revive // kafka-go's spelling

// TypeKey marks our form of the request.
func (r *producerIDRequest) TypeKey() protocol.OverrideTypeKey { return ownForm }

// newSession asks any broker for a producer id that nobody had before.
func newSession(ctx context.Context, transport kafkago.RoundTripper, addr net.Addr) (session, error) {
	answer, err := transport.RoundTrip(ctx, addr, &producerIDRequest{ProducerID: -1, ProducerEpoch: -1})
	if err != nil {
		return session{}, fmt.Errorf("ask for a producer id: %w", err)
	}
	r := answer.(*initproducerid.Response)
	if r.ErrorCode != 0 {
		return session{}, fmt.Errorf("ask for a producer id: %w", kafkago.Error(r.ErrorCode))
	}
	return session{id: r.ProducerID, epoch: r.ProducerEpoch, given: true}, nil
}

// offsetCommitRequest is OffsetCommit, as [offsetcommit.Request], for who knows
// the group's coordinator. kafka-go's own asks for it anew each time, which makes
// two round trips of each commit.
type offsetCommitRequest struct {
	coordinator int32 // the broker's id

	GroupID         string                      `kafka:"min=v2,max=v7"`
	GenerationID    int32                       `kafka:"min=v2,max=v7"`
	MemberID        string                      `kafka:"min=v2,max=v7"`
	RetentionTimeMs int64                       `kafka:"min=v2,max=v4"` // -1 is the broker's own
	GroupInstanceID string                      `kafka:"min=v7,max=v7,nullable"`
	Topics          []offsetcommit.RequestTopic `kafka:"min=v2,max=v7"`
}

// ApiKey is the protocol's number of the request.
func (r *offsetCommitRequest) ApiKey() protocol.ApiKey { return protocol.OffsetCommit } //nolint:revive // kafka-go's spelling

// TypeKey marks our form of the request.
func (r *offsetCommitRequest) TypeKey() protocol.OverrideTypeKey { return ownForm }

// Broker is the coordinator.
func (r *offsetCommitRequest) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	broker, ok := cluster.Brokers[r.coordinator]
	if !ok {
		return protocol.Broker{ID: -1}, fmt.Errorf("broker %d, which coordinates %s: %w", r.coordinator, r.GroupID, kafkago.BrokerNotAvailable)
	}
	return broker, nil
}

// findCoordinator asks any broker which one coordinates a group.
func findCoordinator(ctx context.Context, transport kafkago.RoundTripper, addr net.Addr, group string) (int32, error) {
	answer, err := transport.RoundTrip(ctx, addr, &findcoordinator.Request{Key: group})
	if err != nil {
		return 0, fmt.Errorf("ask who coordinates %s: %w", group, err)
	}
	r := answer.(*findcoordinator.Response)
	if r.ErrorCode != 0 {
		return 0, fmt.Errorf("ask who coordinates %s: %w", group, kafkago.Error(r.ErrorCode))
	}
	return r.NodeID, nil
}

// deleteRecordsRequest is DeleteRecords, which kafka-go does not have. It goes
// to the leader of its partitions.
type deleteRecordsRequest struct {
	Topics    []deleteRecordsTopic `kafka:"min=v0,max=v1"`
	TimeoutMs int32                `kafka:"min=v0,max=v1"`
}

type deleteRecordsTopic struct {
	Name       string                   `kafka:"min=v0,max=v1"`
	Partitions []deleteRecordsPartition `kafka:"min=v0,max=v1"`
}

type deleteRecordsPartition struct {
	Partition int32 `kafka:"min=v0,max=v1"`
	Offset    int64 `kafka:"min=v0,max=v1"` // the first that stays
}

// ApiKey is the protocol's number of the request.
func (r *deleteRecordsRequest) ApiKey() protocol.ApiKey { return protocol.DeleteRecords } //nolint:revive // kafka-go's spelling

// Broker is the leader of the first partition, which is that of all.
func (r *deleteRecordsRequest) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	return leaderOf(cluster, r.Topics[0].Name, r.Topics[0].Partitions[0].Partition)
}

// leaderOf is the broker that a request goes to.
func leaderOf(cluster protocol.Cluster, topic string, partition int32) (protocol.Broker, error) {
	leader, ok := cluster.Brokers[cluster.Topics[topic].Partitions[partition].Leader]
	if !ok {
		return protocol.Broker{ID: -1}, protocol.NewErrNoLeader(topic, partition)
	}
	return leader, nil
}

type deleteRecordsResponse struct {
	ThrottleTimeMs int32                        `kafka:"min=v0,max=v1"`
	Topics         []deleteRecordsResponseTopic `kafka:"min=v0,max=v1"`
}

type deleteRecordsResponseTopic struct {
	Name       string                           `kafka:"min=v0,max=v1"`
	Partitions []deleteRecordsResponsePartition `kafka:"min=v0,max=v1"`
}

type deleteRecordsResponsePartition struct {
	Partition    int32 `kafka:"min=v0,max=v1"`
	LowWatermark int64 `kafka:"min=v0,max=v1"`
	ErrorCode    int16 `kafka:"min=v0,max=v1"`
}

// ApiKey is the protocol's number of the request.
func (r *deleteRecordsResponse) ApiKey() protocol.ApiKey { return protocol.DeleteRecords } //nolint:revive // kafka-go's spelling

var (
	_ protocol.BrokerMessage = (*offsetCommitRequest)(nil)
	_ protocol.BrokerMessage = (*deleteRecordsRequest)(nil)
)
