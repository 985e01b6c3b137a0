package redis

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/notifyctl/notifyctl/pipeline/engine/trust"
)

const (
	dialTimeout = time.Second
	ioTimeout   = time.Second // of one write or read of a round trip
	// callTimeout bounds a call on keys, and cacheTimeout one that is passed
	// over when it fails, with their repetitions.
	callTimeout  = 1500 * time.Millisecond
	cacheTimeout = time.Second
	// undoTimeout bounds what is tried after a call on keys failed.
	undoTimeout = 500 * time.Millisecond
	// connections a server has from this process at most. A round trip carries
	// a whole request, so that few are under way at once.
	connections = 32
)

// Config says how to use a Redis; zero values take the defaults.
type Config struct {
	DSN DSN
	// KeyTTL is how long an idempotency key is kept after its request; 24 h.
	KeyTTL time.Duration
	// Reservation is how long a key stays with a request that does not end it;
	// 30 s.
	Reservation time.Duration
	// Log is told what of Redis's settings does not suit, and when the bus is
	// cut off; nil: nobody is.
	Log *slog.Logger

	// timeout replaces those of round trips and calls; 0: they hold.
	timeout time.Duration
}

// Client is the connection to a Redis or a Redis Cluster. It connects again by
// itself. It is safe for concurrent use.
type Client struct {
	rdb  goredis.UniversalClient
	dsn  DSN
	log  *slog.Logger
	keys Keys
	bus  *Bus
	// pause is of what callers go on without: limits, caches and the bus.
	pause pause

	ioTimeout, callTimeout, cacheTimeout time.Duration
}

// Open connects, and checks that Redis can be used: that it answers, takes the
// credentials, is new enough, is a cluster only where one was asked for, and
// takes writes. Errors: a *[pipeline.EngineError].
func Open(ctx context.Context, cfg Config) (*Client, error) {
	c, err := connect(cfg)
	if err != nil {
		return nil, err
	}
	if err := c.check(ctx); err != nil {
		_ = c.Close() // what was found says more
		return nil, err
	}
	return c, nil
}

// connect makes a client that has asked nothing yet.
func connect(cfg Config) (*Client, error) {
	if cfg.KeyTTL == 0 {
		cfg.KeyTTL = 24 * time.Hour
	}
	if cfg.Reservation == 0 {
		cfg.Reservation = 30 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	c := &Client{dsn: cfg.DSN, log: cfg.Log, ioTimeout: ioTimeout, callTimeout: callTimeout, cacheTimeout: cacheTimeout}
	if cfg.timeout != 0 {
		c.ioTimeout, c.callTimeout, c.cacheTimeout = cfg.timeout, cfg.timeout, cfg.timeout
	}
	// The driver would write to stderr what its calls return as well.
	logging.Disable()
	o := &goredis.UniversalOptions{
		Addrs: cfg.DSN.Addresses, IsClusterMode: cfg.DSN.Cluster, DB: cfg.DSN.Database,
		Username: cfg.DSN.User, Password: cfg.DSN.Password, ClientName: "notifyctl",
		DialTimeout: dialTimeout, DialerRetries: 1, ReadTimeout: c.ioTimeout, WriteTimeout: c.ioTimeout,
		ContextTimeoutEnabled: true, PoolSize: connections, PoolTimeout: c.ioTimeout,
		// One repetition passes over a connection that had died unnoticed; what
		// must not be repeated says so itself (see script).
		MaxRetries:            1,
		PipelinePoolSize:      -1, // nearly everything is a pipeline
		FailingTimeoutSeconds: 1,  // a replica takes over within seconds
		DisableIdentity:       true,
		// A hosted Redis's announcements of its own moves.
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if cfg.DSN.TLS {
		authorities, err := trust.Authorities(cfg.DSN.CA)
		if err != nil {
			return nil, c.unfit("name a file of PEM certificates by ?ca=FILE", "%w", err)
		}
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: authorities}
	}
	c.rdb = goredis.NewUniversalClient(o)
	c.keys = newKeys(c, cfg.KeyTTL, cfg.Reservation)
	c.bus = newBus(c)
	return c, nil
}

// Keys are the idempotency keys kept there.
func (c *Client) Keys() *Keys { return &c.keys }

// Limits are the counters kept there.
func (c *Client) Limits() *Limits { return newLimits(c) }

// Preferences is a cache there that keeps preferences for ttl. All caches of a
// Redis are one.
func (c *Client) Preferences(ttl time.Duration) *Preferences { return newPreferences(c, ttl) }

// Bus is the bus through it. It ends with the client.
func (c *Client) Bus() *Bus { return c.bus }

// Close ends the bus and the connections. The client must not be used after it.
func (c *Client) Close() error {
	c.bus.close()
	if err := c.rdb.Close(); err != nil {
		return fmt.Errorf("close the connections to redis at %s: %w", c.dsn.Address(), err)
	}
	return nil
}
