package kafka

import (
	"context"
	"fmt"
	"net"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/metadata"
)

const (
	// clientID is what brokers call this process in their logs and quotas.
	clientID = "notifyctl"
	// metadataTTL is how old the known leaders may be. kafka-go looks for them
	// anew only when that has passed, so its default of 6 s is what every move
	// of a leader would cost.
	metadataTTL = 500 * time.Millisecond
	// plainDialTimeout bounds connecting to a broker, SASL included, so that
	// one that is gone does not keep requests from finding the next.
	plainDialTimeout = time.Second
	// tlsDialTimeout is longer: a broker's first handshakes, before its code is
	// warm, take more than a second.
	tlsDialTimeout = 3 * time.Second
)

// dialTimeout bounds connecting to a broker, for requests and for groups.
func (c Config) dialTimeout() time.Duration {
	if c.TLS != nil {
		return tlsDialTimeout
	}
	return plainDialTimeout
}

// newTransport is how all requests of a log reach the brokers. It knows the
// leaders of the topics, and of no others: a cluster may have thousands.
func newTransport(cfg Config, topics []string) (*kafkago.Transport, error) {
	mechanism, err := cfg.SASL.mechanism()
	if err != nil {
		return nil, err
	}
	return &kafkago.Transport{
		Dial:           cfg.Dial,
		DialTimeout:    cfg.dialTimeout(),
		IdleTimeout:    time.Minute,
		MetadataTTL:    metadataTTL,
		MetadataTopics: topics,
		ClientID:       clientID,
		TLS:            cfg.TLS,
		SASL:           mechanism,
	}, nil
}

// bootstrap is the address under which a transport looks for any of the
// brokers.
func bootstrap(brokers []string) net.Addr { return kafkago.TCP(brokers...) }

// client sends requests by the log's transport.
func (l *Log) client() *kafkago.Client {
	return &kafkago.Client{Addr: l.addr, Transport: l.transport}
}

// layout is what the transport knows of our topics, at most metadataTTL old.
func layout(ctx context.Context, transport kafkago.RoundTripper, addr net.Addr, topics []string) (*metadata.Response, error) {
	answer, err := transport.RoundTrip(ctx, addr, &metadata.Request{TopicNames: topics})
	if err != nil {
		return nil, fmt.Errorf("ask for the topics' leaders: %w", err)
	}
	return answer.(*metadata.Response), nil
}
