package cassandra

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"

	"github.com/notifyctl/notifyctl/pipeline/engine/trust"
)

const (
	// requestTimeout is above the 2 s in which a node gives up a write by its
	// own default, so that it is the node that says what was missing.
	requestTimeout = 3 * time.Second
	connectTimeout = 3 * time.Second
	// schemaTimeout is for changes of the schema, which all nodes take part in.
	schemaTimeout = 20 * time.Second
	// attempts is how often a statement is tried, each time at another node.
	attempts = 3
	// hesitation is how long a node may take before another is asked the same
	// beside it: longer than any but the slowest answers, and short against a
	// node that hangs, which the driver finds dead after half a minute only.
	// It is not shorter, since what is asked twice because all nodes are slow
	// makes them slower.
	hesitation = time.Second
	// reconnect is how often a node that was found dead is tried again, should
	// the cluster not tell that it is back.
	reconnect = 2 * time.Second
	// connections to each node: a connection is read by one goroutine, which is
	// enough for tens of thousands of answers a second.
	connections = 2
)

// cluster is what all sessions have in common.
func (d DSN) cluster(log *slog.Logger) (*gocql.ClusterConfig, error) {
	c := gocql.NewCluster(d.Hosts...)
	c.ProtoVersion = 5
	c.Timeout, c.ConnectTimeout, c.WriteTimeout = requestTimeout, connectTimeout, requestTimeout
	c.Consistency, c.SerialConsistency = gocql.LocalQuorum, gocql.LocalSerial
	c.DefaultIdempotence = true // our writes may all be repeated
	c.RetryPolicy = nextNode{}
	c.ReconnectInterval = reconnect
	c.NumConns = connections
	// A statement is written at once: the driver's wait for others to write with
	// it takes a goroutine and a timer a statement, and found none to share with.
	c.WriteCoalesceWaitTime = 0
	c.Logger = driverLog{log}
	c.Metadata.CacheMode = gocql.KeyspaceOnly // which is what routing needs
	if d.User != "" {
		c.Authenticator = gocql.PasswordAuthenticator{Username: d.User, Password: d.Password}
	}
	if d.TLS {
		authorities, err := trust.Authorities(d.CA)
		if err != nil {
			return nil, d.permanent(err, "name a file of PEM certificates by ?ca=FILE")
		}
		c.SslOpts = &gocql.SslOptions{Config: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: authorities}, EnableHostVerification: true}
	}
	return c, nil
}

// probe connects to look around: to no keyspace, which may not be there yet.
func (d DSN) probe(ctx context.Context, log *slog.Logger) (*gocql.Session, error) {
	c, err := d.cluster(log)
	if err != nil {
		return nil, err
	}
	c.NumConns, c.Timeout = 1, schemaTimeout
	// Statements that change the schema follow one another at one node, and
	// agreement is waited for once, behind the last.
	c.MaxWaitSchemaAgreement = time.Millisecond
	return connect(ctx, c)
}

// session connects to the keyspace, to nodes of the data centre alone: at one
// of another, LOCAL_QUORUM would mean another quorum.
func (d DSN) session(ctx context.Context, dc string, log *slog.Logger) (*gocql.Session, error) {
	c, err := d.cluster(log)
	if err != nil {
		return nil, err
	}
	c.Keyspace = d.Keyspace
	c.HostFilter = gocql.DataCenterHostFilter(dc)
	c.PoolConfig.HostSelectionPolicy = rounds{gocql.ShuffledTokenAwareHostPolicy(gocql.DCAwareRoundRobinPolicy(dc))}
	c.Metadata.HostListener.HostStateChangeListener = newNodeLog(log)
	return connect(ctx, c)
}

// connect opens a session, which the driver does without a context.
func connect(ctx context.Context, c *gocql.ClusterConfig) (*gocql.Session, error) {
	type result struct {
		session *gocql.Session
		err     error
	}
	opened := make(chan result, 1)
	go func() {
		session, err := c.CreateSession()
		opened <- result{session, err}
	}()
	select {
	case r := <-opened:
		return r.session, r.err
	case <-ctx.Done():
		go func() {
			if r := <-opened; r.err == nil {
				r.session.Close()
			}
		}()
		return nil, ctx.Err()
	}
}

// nextNode repeats a statement at another node. It does not wait: what too few
// copies are up for is told at once, and the caller knows better what else to
// do meanwhile.
type nextNode struct{}

func (nextNode) Attempt(q gocql.RetryableQuery) bool {
	return q.Attempts() < attempts && q.Context().Err() == nil
}

func (nextNode) GetRetryType(err error) gocql.RetryType {
	var (
		invalid      *gocql.RequestErrInvalid
		syntax       *gocql.RequestErrSyntax
		unauthorized *gocql.RequestErrUnauthorized
	)
	if errors.As(err, &invalid) || errors.As(err, &syntax) || errors.As(err, &unauthorized) {
		return gocql.Rethrow // another node says the same
	}
	return gocql.RetryNextHost
}

// rounds offers the nodes again when all were offered. Else a statement that
// hesitates where few nodes are up would fail as soon as a second is looked for,
// though the first may answer yet; and where there is one node, none would be
// tried again.
type rounds struct{ gocql.HostSelectionPolicy }

func (r rounds) Pick(q gocql.ExecutableStatement) gocql.NextHost {
	next, left := r.HostSelectionPolicy.Pick(q), attempts
	return func() gocql.SelectedHost {
		for ; ; next = r.HostSelectionPolicy.Pick(q) {
			if host := next(); host != nil {
				return host
			}
			if left--; left == 0 {
				return nil
			}
		}
	}
}

// speculation asks a second node when the first hesitates.
func speculation() gocql.SpeculativeExecutionPolicy {
	return &gocql.SimpleSpeculativeExecution{NumAttempts: 1, TimeoutDelay: hesitation}
}

// node is what a session knows of a node.
type node struct {
	address, dc, version string
	fits, up             bool // its version does
}

func nodes(s *gocql.Session) []node {
	hosts := s.GetHosts()
	list := make([]node, len(hosts))
	for i, h := range hosts {
		list[i] = node{h.ConnectAddress().String(), h.DataCenter(), h.Version().String(), h.Version().AtLeast(4, 0, 0), h.IsUp()}
	}
	return list
}

// nodesUp says how many of the nodes answer, for errors.
func nodesUp(s *gocql.Session) string {
	list, up := nodes(s), 0
	for _, n := range list {
		if n.up {
			up++
		}
	}
	return fmt.Sprintf("%d of %d nodes are up", up, len(list))
}
