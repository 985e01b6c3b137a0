package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/apiversions"
)

// openTimeout bounds opening, the making of topics included.
const openTimeout = 30 * time.Second

// Log is the queues in a Kafka cluster. It is safe for concurrent use.
type Log struct {
	cfg       Config
	addr      net.Addr
	transport *kafkago.Transport
	topics    *topics
	producer  *producer
	admission *admission
	groups    *groups
	surveys   surveys
}

// Open connects to a cluster, makes the topics that are missing, and checks
// those that are there. It asks once; whoever waits for a cluster calls it
// again. Errors: a *pipeline.EngineError.
func Open(ctx context.Context, cfg Config) (*Log, error) {
	cfg = cfg.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if err := cfg.check(); err != nil {
		return nil, cfg.fault(err, "", true)
	}
	l := &Log{cfg: cfg, addr: bootstrap(cfg.Brokers), topics: newTopics(cfg)}
	var err error
	if l.transport, err = newTransport(cfg, l.topics.names); err != nil {
		return nil, cfg.fault(err, "", true)
	}
	if err := l.open(ctx); err != nil {
		l.transport.CloseIdleConnections()
		return nil, err
	}
	l.groups = newGroups(l)
	l.admission = newAdmission(cfg, l.Depths)
	return l, nil
}

// open does what needs the cluster.
func (l *Log) open(ctx context.Context) error {
	if err := l.greet(ctx); err != nil {
		return err
	}
	if err := l.prepareTopics(ctx); err != nil {
		return err
	}
	l.producer = newProducer(l.cfg, l.transport, l.addr, l.topics)
	if err := l.producer.findLeaders(); err != nil {
		return l.cfg.diagnose(ctx, err)
	}
	return nil
}

// Close waits for what is being appended, and closes the connections. Leases
// must be closed before.
func (l *Log) Close() error {
	l.groups.close()
	l.admission.close()
	l.producer.close()
	l.transport.CloseIdleConnections()
	return nil
}

// check refuses what cannot be meant.
func (c Config) check() error {
	switch {
	case len(c.Brokers) == 0:
		return errors.New("no broker is given")
	case c.DrainTime >= c.SessionTimeout:
		return fmt.Errorf("the drain time of %v is not below the session timeout of %v", c.DrainTime, c.SessionTimeout)
	case c.MinISR > c.Replication:
		return fmt.Errorf("%d replicas in sync are asked for of %d replicas", c.MinISR, c.Replication)
	}
	for _, delay := range c.Delays {
		if delay < time.Millisecond || delay%time.Millisecond != 0 {
			return fmt.Errorf("a delay of %v; accepted are whole milliseconds", delay)
		}
	}
	return nil
}

// fault is an error of opening.
func (c Config) fault(cause error, remedy string, permanent bool) error {
	return &pipeline.EngineError{Engine: pipeline.EngineKafka, Address: c.String(), Err: cause, Remedy: remedy, Permanent: permanent}
}

// greet finds out whether the cluster answers, and speaks what we do.
func (l *Log) greet(ctx context.Context) error {
	versions, err := l.versions(ctx)
	if err != nil {
		return l.cfg.diagnose(ctx, err)
	}
	for _, needed := range neededAPIs() {
		at, ok := versions[needed.key]
		least := max(needed.least, needed.key.MinVersion())
		if !ok || at.MaxVersion < least || at.MinVersion > needed.key.MaxVersion() {
			return l.cfg.fault(
				fmt.Errorf("the brokers do not speak %v in a version from %d to %d", needed.key, least, needed.key.MaxVersion()),
				"use Apache Kafka 2.1 or newer, or what speaks its protocol", true)
		}
	}
	// A broker that wants a password answers the above without, and hangs up on
	// what follows.
	if _, err := layout(ctx, l.transport, l.addr, l.topics.names); err != nil {
		return l.cfg.diagnose(ctx, err)
	}
	return nil
}

// versions asks a broker which requests it knows. It is a round trip, which
// questions for leaders are not: the transport remembers these.
func (l *Log) versions(ctx context.Context) (map[protocol.ApiKey]apiversions.ApiKeyResponse, error) {
	answer, err := l.transport.RoundTrip(ctx, l.addr, &apiversions.Request{})
	if err != nil {
		return nil, err
	}
	response := answer.(*apiversions.Response)
	if response.ErrorCode != 0 {
		return nil, kafkago.Error(response.ErrorCode)
	}
	versions := map[protocol.ApiKey]apiversions.ApiKeyResponse{}
	for _, api := range response.ApiKeys {
		versions[protocol.ApiKey(api.ApiKey)] = api
	}
	return versions, nil
}

// neededAPI is a request that we send, and from which version on it does what
// we need of it.
type neededAPI struct {
	key   protocol.ApiKey
	least int16
}

func neededAPIs() []neededAPI {
	return []neededAPI{
		{protocol.Produce, 3}, // batches of version 2
		{protocol.Fetch, 4},   // likewise
		{protocol.ListOffsets, 1},
		{protocol.Metadata, 1},     // the controller
		{protocol.OffsetCommit, 2}, // with metadata
		{protocol.OffsetFetch, 1},
		{protocol.FindCoordinator, 0},
		{protocol.JoinGroup, 1},
		{protocol.Heartbeat, 0},
		{protocol.LeaveGroup, 0},
		{protocol.SyncGroup, 0},
		{protocol.CreateTopics, 0},
		{protocol.DeleteRecords, 0},
		{protocol.InitProducerId, 0},
		{protocol.DescribeConfigs, 0},
	}
}
