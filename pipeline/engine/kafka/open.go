package kafka

import (
	"net"

	kafkago "github.com/segmentio/kafka-go"
)

// Log is the queues in a Kafka cluster. It is safe for concurrent use.
type Log struct {
	cfg       Config
	addr      net.Addr
	transport *kafkago.Transport
	topics    *topics
	producer  *producer
}
