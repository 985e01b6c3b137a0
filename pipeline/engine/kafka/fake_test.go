package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kfake"
)

// fake is a cluster in memory and a log in it. It lives in a bubble of virtual
// time, so that waiting costs nothing.
type fake struct {
	t       *testing.T
	cluster *kfake.Cluster
	log     *Log
	network *kfake.VirtualNetwork
	faults  faultyNetwork
	nextID  uint32
}

// inFake runs a test against three brokers in memory.
func inFake(t *testing.T, test func(t *testing.T, f *fake), options ...kfake.Opt) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t, options...)
		defer f.cluster.Close()
		log, err := Open(t.Context(), f.config())
		if err != nil {
			t.Fatalf("open: %v", err)
		}
		f.log = log
		defer func() {
			if err := log.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}()
		test(t, f)
	})
}

func newFake(t *testing.T, options ...kfake.Opt) *fake {
	t.Helper()
	f := &fake{t: t, network: &kfake.VirtualNetwork{}}
	f.faults.dial = f.network.DialContext
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.Ports(9092, 9093, 9094), kfake.ListenFn(f.network.Listen)}, options...)...)
	if err != nil {
		t.Fatalf("start the cluster: %v", err)
	}
	f.cluster = cluster
	return f
}

func (f *fake) config() Config {
	return Config{
		Address: Address{Brokers: f.cluster.ListenAddrs()}, Partitions: 4, Replication: 3, MinISR: 2,
		Dial: f.faults.Dial, Log: slog.New(slog.NewTextHandler(f.t.Output(), nil)),
	}
}

// entries makes n entries of users of their own, of one queue.
func (f *fake) entries(q pipeline.Queue, n int) []pipeline.LogEntry {
	entries := make([]pipeline.LogEntry, n)
	for i := range entries {
		f.nextID++
		entries[i] = testEntry(q, f.nextID)
	}
	return entries
}

func testEntry(q pipeline.Queue, number uint32) pipeline.LogEntry {
	n := pipeline.Notification{
		UserID: fmt.Sprintf("user-%d", number), Channel: q.Channel, Priority: q.Priority,
		Category: pipeline.Transactional, TemplateID: "receipt", TemplateVersion: 1, To: "a@example.com",
		Variables: []pipeline.Variable{{Name: "order", Value: fmt.Sprint(number)}, {Name: "name", Value: "Ada Lovelace"}},
	}
	key := pipeline.IDKey{1}
	return pipeline.LogEntry{
		Record: pipeline.Record{ID: key.Make(time.UnixMilli(1_700_000_000_000), &n, number), Notification: n},
		Result: pipeline.Result{State: pipeline.Queued},
	}
}

// stored reads all entries of the queue, by id.
func (f *fake) stored(q pipeline.Queue) map[pipeline.ID][]entry {
	f.t.Helper()
	return readQueue(f.t, f.log, q)
}

func readQueue(t *testing.T, l *Log, q pipeline.Queue) map[pipeline.ID][]entry {
	t.Helper()
	stored := map[pipeline.ID][]entry{}
	of := l.topics.main(q)
	for partition := range of.partitions {
		for _, e := range readPartition(t, l, of.name, partition) {
			stored[e.ID] = append(stored[e.ID], e)
		}
	}
	return stored
}

func readPartition(t *testing.T, l *Log, topic string, partition int32) []entry {
	t.Helper()
	var entries []entry
	for offset := int64(kafkago.FirstOffset); ; {
		answer, err := l.client().Fetch(t.Context(), &kafkago.FetchRequest{
			Addr: l.addr, Topic: topic, Partition: int(partition), Offset: offset, MinBytes: 1, MaxBytes: 8 << 20, MaxWait: time.Millisecond,
		})
		if err != nil || answer.Error != nil {
			t.Fatalf("fetch %s/%d from %d: %v, %v", topic, partition, offset, err, answer)
		}
		for {
			r, err := answer.Records.ReadRecord()
			if err != nil {
				break
			}
			value, err := protocol.ReadAll(r.Value)
			if err != nil {
				t.Fatalf("read %s/%d at %d: %v", topic, partition, r.Offset, err)
			}
			e, err := decodeEntry(string(value))
			if err != nil {
				t.Fatalf("the record at %d of %s/%d: %v", r.Offset, topic, partition, err)
			}
			offset = r.Offset + 1
			if r.Offset >= answer.LogStartOffset { // batches come whole
				entries = append(entries, e)
			}
		}
		if answer.HighWatermark == 0 || offset >= answer.HighWatermark {
			return entries
		}
	}
}

// faultyNetwork is a network that can fail as a killed broker's does.
type faultyNetwork struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)
	// down refuses new connections and breaks those that are used.
	down atomic.Bool
	// mute is how many requests to produce arrive without their answer coming
	// back: the connection breaks instead.
	mute atomic.Int32
}

// Dial connects, unless the network is down.
func (n *faultyNetwork) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if n.down.Load() {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errRefused}
	}
	conn, err := n.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &faultyConn{Conn: conn, network: n}, nil
}

var errRefused = fmt.Errorf("connection refused")

type faultyConn struct {
	net.Conn
	network *faultyNetwork
	muted   bool
}

// Write sends what is written, and remembers when it is a request whose answer
// is not to come back.
func (c *faultyConn) Write(b []byte) (int, error) {
	if c.network.down.Load() {
		_ = c.Close()
	}
	// A request starts with its size and its kind, of which 0 is to produce.
	if len(b) > 8 && slices.Equal(b[4:6], []byte{0, 0}) && c.network.mute.Load() > 0 {
		c.muted = true
		c.network.mute.Add(-1)
	}
	return c.Conn.Write(b)
}

// Read gives what the broker answers.
func (c *faultyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.muted || c.network.down.Load() {
		_ = c.Close()
		return 0, net.ErrClosed
	}
	return n, err
}
