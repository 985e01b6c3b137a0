package sequence_test

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
	kafkago "github.com/segmentio/kafka-go"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/engine/cassandra"
	"github.com/notifyctl/notifyctl/pipeline/engine/kafka"
	"github.com/notifyctl/notifyctl/pipeline/engine/redis"
	"github.com/notifyctl/notifyctl/pipeline/engine/sequence"
	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

// TestConformanceOnEngines holds Kafka, Redis and Cassandra together to what
// every store must do. A process that is killed is cut off from Kafka, where all
// that a crash can leave half done is.
func TestConformanceOnEngines(t *testing.T) {
	brokers, server := pipelinetest.Engine(t, "kafka"), pipelinetest.Engine(t, "redis")
	history := openHistory(t)
	fewerChecks(t)
	pipelinetest.Stores(t, func(t *testing.T) pipelinetest.StoreUnderTest {
		history.empty(t)
		i := &installation{brokers: brokers, server: server, history: history.dsn, prefix: "test-" + strings.ToLower(rand.Text()[:10])}
		t.Cleanup(func() { i.end(t) })
		return pipelinetest.StoreUnderTest{
			Open:  i.open,
			Close: func(t *testing.T, s pipelinetest.Store) { s.(*process).close(t) },
			Kill:  func(t *testing.T, s pipelinetest.Store) { i.kill(t, s.(*process)) },
		}
	})
}

// fewerChecks makes random scripts few: each restarts processes.
func fewerChecks(t *testing.T) {
	t.Helper()
	const name, few = "rapid.checks", "8"
	before := flag.Lookup(name).Value.String()
	if err := flag.Set(name, few); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := flag.Set(name, before); err != nil {
			t.Error(err)
		}
	})
}

// history is a keyspace of the test's own. Its tables take seconds to make, so
// they are emptied from case to case.
type history struct {
	dsn     cassandra.DSN
	session *gocql.Session
	tables  []string
}

func openHistory(t *testing.T) *history {
	t.Helper()
	dsn, err := cassandra.ParseDSN(pipelinetest.Engine(t, "cassandra"))
	if err != nil {
		t.Fatal(err)
	}
	dsn.Keyspace = "test_" + strings.ToLower(rand.Text()[:12])
	h := &history{dsn: dsn}
	if err := openRows(t, dsn).Close(); err != nil {
		t.Fatal(err)
	}
	cluster := gocql.NewCluster(dsn.Hosts...)
	cluster.Keyspace, cluster.Timeout = dsn.Keyspace, time.Minute
	cluster.Authenticator = gocql.PasswordAuthenticator{Username: dsn.User, Password: dsn.Password}
	if h.session, err = cluster.CreateSession(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.session.Query("DROP KEYSPACE " + dsn.Keyspace).Exec(); err != nil {
			t.Errorf("the keyspace of the test is left: %v", err)
		}
		h.session.Close()
	})
	keyspace, err := h.session.KeyspaceMetadata(dsn.Keyspace)
	if err != nil {
		t.Fatal(err)
	}
	for name := range keyspace.Tables {
		if name != "schema_version" {
			h.tables = append(h.tables, name)
		}
	}
	return h
}

func (h *history) empty(t *testing.T) {
	t.Helper()
	var all sync.WaitGroup
	for _, table := range h.tables {
		all.Go(func() {
			if err := h.session.Query("TRUNCATE " + table).Exec(); err != nil {
				t.Errorf("empty the table %s: %v", table, err)
			}
		})
	}
	all.Wait()
}

func openRows(t *testing.T, dsn cassandra.DSN) *cassandra.Store {
	t.Helper()
	return patiently(t, func(ctx context.Context) (*cassandra.Store, error) {
		return cassandra.Open(ctx, cassandra.Config{
			DSN: dsn, Replication: 3, Retention: 60 * 24 * time.Hour, ErasureLag: 100 * time.Millisecond, Log: slog.New(slog.DiscardHandler),
		})
	})
}

// patiently opens an engine that may be busy.
func patiently[E any](t *testing.T, open func(ctx context.Context) (E, error)) E {
	t.Helper()
	for began := time.Now(); ; {
		opened, err := open(t.Context())
		if err == nil {
			return opened
		}
		var engine *pipeline.EngineError
		if !errors.As(err, &engine) || engine.Permanent || time.Since(began) > time.Minute {
			t.Fatal(err)
		}
	}
}

// installation is what the processes of one case share.
type installation struct {
	brokers, server string
	history         cassandra.DSN
	prefix          string
	killed          sync.WaitGroup // processes that are still being taken down
}

// process is one process's store and what it is made of.
type process struct {
	*sequence.Store
	network *network
	log     *kafka.Log
	rows    *cassandra.Store
	keys    *redis.Client
	mu      sync.Mutex
	leases  []pipeline.Lease
}

// Acquire remembers leases, so that they can be taken down with the process.
func (p *process) Acquire(ctx context.Context, c pipeline.Channel) (pipeline.Lease, error) {
	l, err := p.Store.Acquire(ctx, c)
	if err == nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.leases = append(p.leases, l)
	}
	return l, err
}

func (i *installation) open(t *testing.T, l pipelinetest.StoreLimits) pipelinetest.Store {
	t.Helper()
	discard := slog.New(slog.DiscardHandler)
	p := &process{network: &network{}, rows: openRows(t, i.history)}
	address, err := kafka.ParseAddress(i.brokers)
	if err != nil {
		t.Fatal(err)
	}
	address.Prefix = i.prefix
	p.log = patiently(t, func(ctx context.Context) (*kafka.Log, error) {
		return kafka.Open(ctx, kafka.Config{
			Address: address, Partitions: 2, Replication: 3, MinISR: 2, QueueBytes: l.Queue, Dial: p.network.dial,
			Delays: []time.Duration{100 * time.Millisecond, time.Second}, Log: discard,
		})
	})
	dsn, err := redis.ParseDSN(i.server)
	if err != nil {
		t.Fatal(err)
	}
	p.keys = patiently(t, func(ctx context.Context) (*redis.Client, error) {
		return redis.Open(ctx, redis.Config{DSN: dsn, Log: discard})
	})
	p.Store = sequence.New(p.keys.Keys(), p.log, p.rows, sequence.Options{Log: discard})
	return p
}

func (p *process) close(t *testing.T) {
	t.Helper()
	if err := errors.Join(p.log.Close(), p.keys.Close(), p.rows.Close()); err != nil {
		t.Error(err)
	}
}

// kill cuts a process off, and then has the groups forget its members, as they
// do by themselves when a session times out.
func (i *installation) kill(t *testing.T, p *process) {
	t.Helper()
	p.network.cut()
	client := i.client()
	for _, c := range pipeline.Channels() {
		group := i.prefix + "." + c.String()
		described, err := client.DescribeGroups(t.Context(), &kafkago.DescribeGroupsRequest{GroupIDs: []string{group}})
		if err != nil {
			t.Fatal(err)
		}
		leave := &kafkago.LeaveGroupRequest{GroupID: group}
		for _, m := range described.Groups[0].Members {
			leave.Members = append(leave.Members, kafkago.LeaveGroupRequestMember{ID: m.MemberID})
		}
		if len(leave.Members) == 0 {
			continue
		}
		if _, err := client.LeaveGroup(t.Context(), leave); err != nil {
			t.Fatal(err)
		}
	}
	i.killed.Go(func() {
		over, cancel := context.WithCancel(context.Background())
		cancel()
		for _, l := range p.leases {
			_ = l.Close(over) // it cannot
		}
		_ = errors.Join(p.log.Close(), p.keys.Close(), p.rows.Close()) // what can be closed, is
	})
}

func (i *installation) client() *kafkago.Client {
	address, err := kafka.ParseAddress(i.brokers)
	if err != nil {
		panic("BUG: " + err.Error()) // it was opened before
	}
	return &kafkago.Client{Addr: kafkago.TCP(address.Brokers...), Timeout: time.Minute}
}

// end deletes the topics.
func (i *installation) end(t *testing.T) {
	t.Helper()
	i.killed.Wait()
	client := i.client()
	known, err := client.Metadata(context.Background(), &kafkago.MetadataRequest{})
	if err != nil {
		t.Error(err)
		return
	}
	var ours []string
	for _, topic := range known.Topics {
		if strings.HasPrefix(topic.Name, i.prefix+".") {
			ours = append(ours, topic.Name)
		}
	}
	if _, err := client.DeleteTopics(context.Background(), &kafkago.DeleteTopicsRequest{Topics: ours}); err != nil {
		t.Error(err)
	}
}

// network is a process's way out, until it is cut.
type network struct {
	mu          sync.Mutex
	connections []net.Conn
	isCut       bool
}

var errCut = errors.New("the process is cut off")

func (n *network) dial(ctx context.Context, family, address string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, family, address)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.isCut {
		return nil, errors.Join(errCut, c.Close())
	}
	n.connections = append(n.connections, c)
	return c, nil
}

func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.isCut = true
	for _, c := range n.connections {
		_ = c.Close() // it may have been
	}
}
