package kafka

import (
	"cmp"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"time"
)

// Config says how a log in Kafka is opened. What is zero has the default that
// stands beside it.
type Config struct {
	Address
	// Partitions is how many each of the nine queues has at least. Topics that
	// have more are used as they are.
	Partitions int
	// Replication is how many brokers keep each record, and MinISR how many of
	// them have it before it is called durable. Topics that are made get no more
	// replicas than there are brokers.
	Replication int
	MinISR      int
	// Delays are the waits that a retry may be queued for, shortest first; a
	// longer one is queued in the longest, over and over. 5 s and 60 s.
	Delays []time.Duration
	// QueueBytes bounds what waits in the queues; 0 is no limit. Queues that are
	// full take nothing more.
	QueueBytes int64
	// SessionTimeout is how long a process may be silent before its partitions
	// are given to others. 15 s.
	SessionTimeout time.Duration
	// DrainTime is how long a lease that ends may take to settle what was sent.
	// It is below SessionTimeout. 10 s.
	DrainTime time.Duration
	// Dial connects to a broker; nil is the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	Log  *slog.Logger
	// Now is the clock of what is written; nil is time.Now.
	Now func() time.Time
}

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	setDefault(&c.Partitions, 1)
	setDefault(&c.Replication, 1)
	setDefault(&c.MinISR, 1)
	setDefault(&c.SessionTimeout, 15*time.Second)
	setDefault(&c.DrainTime, 10*time.Second)
	setDefault(&c.Log, slog.New(slog.DiscardHandler))
	if len(c.Delays) == 0 {
		c.Delays = []time.Duration{5 * time.Second, time.Minute}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	if c.TLS != nil && c.TLS.MinVersion == 0 {
		c.TLS = c.TLS.Clone()
		c.TLS.MinVersion = tls.VersionTLS12
	}
	return c
}

// topicPrefix begins the names of topics.
func (c Config) topicPrefix() string { return cmp.Or(c.Prefix, "notify") }

// groupPrefix begins the names of consumer groups.
func (c Config) groupPrefix() string { return cmp.Or(c.Prefix, "notifyctl") }

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
