package cassandra

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/notifyctl/notifyctl/pipeline"
)

// inFlight is how many statements one call has under way: enough to hide the
// way to the nodes and back, and few enough that a large call does not stand
// before everybody else's.
const inFlight = 64

// Config says where the history is kept and how.
type Config struct {
	DSN
	// Replication is how many copies a new keyspace has, at most as many as
	// there are nodes.
	Replication int
	// Retention is how long what is recorded is kept. Processes that differ set
	// it for all of them, the last to open.
	Retention time.Duration
	// ErasureLag is how long a process may go by what it last saw of who was
	// erased; zero is 2 s. An erasure takes as long. It must be alike in all
	// processes.
	ErasureLag time.Duration
	Log        *slog.Logger
}

const defaultErasureLag = 2 * time.Second

func (c *Config) check() error {
	if len(c.Hosts) == 0 || c.Keyspace == "" {
		return errors.New("BUG: a cluster without hosts or keyspace")
	}
	if c.Replication < 1 {
		return fmt.Errorf("%d copies of the history: want 1 or more", c.Replication)
	}
	if c.Retention < time.Hour || c.Retention > maxRetention {
		return fmt.Errorf("the history is kept for %v: want 1h to %v", c.Retention, maxRetention)
	}
	return nil
}

// Store is the history of an installation. It is a [pipeline.History],
// [pipeline.UserHistory] and [pipeline.DeadLetters], and takes what a log and
// keys of other engines leave to it. It is safe for concurrent use.
type Store struct {
	cfg        Config
	session    *gocql.Session
	erasures   erasures
	runs       runNotes
	hours      hourNotes
	insertions insertions
	now        func() time.Time
	closing    context.CancelFunc
	following  sync.WaitGroup
}

var (
	_ pipeline.History     = (*Store)(nil)
	_ pipeline.UserHistory = (*Store)(nil)
	_ pipeline.DeadLetters = (*Store)(nil)
)

// Open connects to a cluster, makes or migrates the keyspace, and reads who was
// erased. Errors: a *[pipeline.EngineError].
func Open(ctx context.Context, cfg Config) (_ *Store, err error) {
	if cfg.ErasureLag == 0 {
		cfg.ErasureLag = defaultErasureLag
	}
	if err := cfg.check(); err != nil {
		return nil, cfg.permanent(err, "")
	}
	dc, err := prepare(ctx, &cfg)
	if err != nil {
		return nil, cfg.fault(err)
	}
	s := &Store{cfg: cfg, now: time.Now, insertions: newInsertions(), runs: runNotes{news: rate.NewLimiter(rate.Every(newRunEvery), newRuns)}}
	if s.session, err = cfg.session(ctx, dc, cfg.Log); err != nil {
		return nil, cfg.fault(err)
	}
	s.erasures.init(s)
	if err := s.erasures.look(ctx); err != nil {
		s.session.Close()
		return nil, cfg.fault(err)
	}
	following, closing := context.WithCancel(context.Background())
	s.closing = closing
	s.following.Go(func() { s.erasures.follow(following) })
	return s, nil
}

// prepare makes the keyspace ready and gives the data centre that is used.
func prepare(ctx context.Context, cfg *Config) (dc string, err error) {
	s, err := cfg.probe(ctx, cfg.Log)
	if err != nil {
		return "", err
	}
	defer s.Close()
	if dc, err = cfg.dataCenter(ctx, s); err != nil {
		return "", err
	}
	local := slices.DeleteFunc(nodes(s), func(n node) bool { return n.dc != dc })
	for _, n := range local {
		if !n.fits {
			return "", cfg.permanent(fmt.Errorf("node %s runs Cassandra %s", n.address, n.version), "use Cassandra 4.0 or later")
		}
	}
	ctx, cancel := context.WithTimeout(ctx, migrationTimeout)
	defer cancel()
	m, err := newMigration(ctx, s, cfg)
	if err != nil {
		return "", err
	}
	if err := m.makeKeyspace(ctx, dc, len(local)); err != nil {
		return "", err
	}
	return dc, m.migrate(ctx)
}

// dataCenter is the one that was asked for, if it has nodes, or that of the
// node that answers.
func (d DSN) dataCenter(ctx context.Context, s *gocql.Session) (string, error) {
	if d.LocalDC == "" {
		var dc string
		err := s.Query("SELECT data_center FROM system.local WHERE key = 'local'").Consistency(gocql.One).ScanContext(ctx, &dc)
		return dc, err
	}
	var known []string
	for _, n := range nodes(s) {
		if n.dc == d.LocalDC {
			return n.dc, nil
		}
		if !slices.Contains(known, n.dc) {
			known = append(known, n.dc)
		}
	}
	slices.Sort(known)
	return "", d.permanent(fmt.Errorf("no node is in the data centre %q", d.LocalDC), "its data centres are: "+strings.Join(known, ", "))
}

// Check says whether a quorum answers. Errors: [pipeline.ErrUnavailable].
func (s *Store) Check(ctx context.Context) error {
	var version int
	err := s.query(selectVersion, schemaName).ScanContext(ctx, &version)
	return unavailable(ctx, "no quorum answers, "+nodesUp(s.session), err)
}

// Close lets go of the cluster. The store must not be used after it.
func (s *Store) Close() error {
	s.closing()
	s.following.Wait()
	s.session.Close()
	return nil
}

// query is a statement that may be asked of two nodes.
func (s *Store) query(statement string, values ...any) *gocql.Query {
	return s.session.Query(statement, values...).SetSpeculativeExecutionPolicy(speculation())
}

// write is a statement of which a repetition never overwrites what came after
// it first: it carries the time of what it tells, not that of its sending.
func (s *Store) write(at time.Time, statement string, values ...any) *gocql.Query {
	return s.query(statement, values...).WithTimestamp(at.UnixMicro())
}

// call does what a port asks for and names its fault as ports do. It ends with
// the first statement that fails, each of which has its time, so that a call is
// bounded when the cluster is away, and has no end of its own while it gets on.
func call(ctx context.Context, what string, do func(ctx context.Context) error) error {
	return unavailable(ctx, what, do(ctx))
}

// each does something for each of n, some at a time, until the first error.
func each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	if n == 1 {
		return do(ctx, 0)
	}
	group, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range min(n, inFlight) {
		group.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return nil
				}
				if err := do(ctx, i); err != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}
