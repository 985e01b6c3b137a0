package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/notifyctl/notifyctl/pipeline"
)

// errGate begins the errors of a process that must not serve.
var errGate = errors.New("users may be on other shards")

// gate keeps a process from serving by a layout that may not hold any more.
type gate struct{ closed atomic.Pointer[error] }

func (g *gate) check() error {
	if err := g.closed.Load(); err != nil {
		return *err
	}
	return nil
}

func (g *gate) shut(why string) {
	err := fmt.Errorf("%w: %s", errGate, why)
	g.closed.Store(&err)
}

func (g *gate) open() { g.closed.Store(nil) }

// session is the process's hold on the shards: a connection to the first
// shard's primary, with an advisory lock that all processes share and that one
// takes alone to move users. The layout is read and written by it, so that who
// has lost the lock changes nothing.
type session struct {
	cluster *cluster
	gate    *gate
	log     *slog.Logger

	mu    sync.Mutex // the connection has one user at a time
	host  *host
	conn  *pgx.Conn              // nil while it is lost
	known []pipeline.ShardLayout // that this process goes by: two when it is not known which was set
	alone context.CancelFunc     // ends the hold alone, or nil

	cancel context.CancelFunc
	tended sync.WaitGroup
}

// openSession takes the lock, or says that another process has it alone.
func openSession(ctx context.Context, c *cluster, log *slog.Logger) (*session, error) {
	s := &session{cluster: c, gate: &gate{}, log: log}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.take(ctx); err != nil {
		s.lose()
		return nil, err
	}
	upkeep, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel = cancel
	s.tended.Go(func() { s.tend(upkeep) })
	return s, nil
}

func (s *session) close() {
	s.cancel()
	s.tended.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lose()
}

// lose lets go of the connection, and with it of the locks.
func (s *session) lose() {
	if s.alone != nil {
		s.alone()
		s.alone = nil
	}
	if s.conn != nil {
		hangUp(s.conn)
		s.conn = nil
	}
}

// take connects to the primary and takes the lock.
func (s *session) take(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	v := s.cluster.current()
	if v.primary == nil {
		return s.cluster.noPrimary(v)
	}
	conn, err := v.primary.connect(ctx)
	if err != nil {
		return err
	}
	s.host, s.conn = v.primary, conn
	var shared bool
	if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock_shared("+lockKey("shards")+")").Scan(&shared); err != nil {
		return err
	}
	if !shared {
		s.gate.shut("another process is moving them; this one serves again when it has ended and this one is restarted")
		return &pipeline.EngineError{Engine: pipeline.EnginePostgres, Err: errors.New("another process is moving users to other shards"), Remedy: "wait until it has ended"}
	}
	return s.compare(ctx)
}

// compare makes sure that users were not moved while the lock was lost.
func (s *session) compare(ctx context.Context) error {
	if len(s.known) == 0 {
		return nil
	}
	is, err := readLayout(ctx, s.conn)
	if err != nil {
		return err
	}
	for _, l := range s.known {
		if l == is {
			s.gate.open()
			return nil
		}
	}
	s.gate.shut("they were moved while this process had lost its session on the first shard; restart it")
	return s.gate.check()
}

// sessionEvery is how often the session is looked after.
const sessionEvery = time.Second

// tend takes the lock again when it is lost.
func (s *session) tend(ctx context.Context) {
	ticker := time.NewTicker(sessionEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.mu.Lock()
			lost := s.conn == nil
			if err := s.ensure(ctx); err != nil && !lost && ctx.Err() == nil {
				s.log.Warn("the session on the first shard of the preferences is lost, and will be taken again", slog.String("error", reason(err)))
			}
			s.mu.Unlock()
		case <-ctx.Done():
			return
		}
	}
}

// ensure makes sure of the lock.
func (s *session) ensure(ctx context.Context) error {
	if s.conn != nil {
		limited, cancel := context.WithTimeout(ctx, connectTimeout)
		defer cancel()
		v := s.cluster.current()
		moved := v.primary != nil && v.primary != s.host
		if !moved && s.conn.Ping(limited) == nil {
			return nil
		}
		s.lose()
	}
	err := s.take(ctx)
	if err != nil {
		s.lose()
	}
	return err
}

// use lends the connection, with the lock held, for a time that is bounded.
func (s *session) use(ctx context.Context, do func(context.Context, *pgx.Conn) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	if s.conn == nil || s.conn.IsClosed() {
		if err := s.ensure(ctx); err != nil {
			return err
		}
	}
	err := do(ctx, s.conn)
	if s.conn.IsClosed() {
		s.lose()
	}
	return err
}

// takeAlone takes the lock alone. held ends with ctx, or when the lock is lost.
func (s *session) takeAlone(ctx context.Context) (held context.Context, release func(), err error) {
	err = s.use(ctx, func(limited context.Context, conn *pgx.Conn) error {
		if s.alone != nil {
			return pipeline.ErrResharding
		}
		// A session's own share of the lock is in nobody's way but others'.
		var alone bool
		if err := conn.QueryRow(limited, "SELECT pg_try_advisory_lock("+lockKey("shards")+")").Scan(&alone); err != nil {
			return err
		}
		if !alone {
			return pipeline.ErrShardsInUse
		}
		held, s.alone = context.WithCancel(ctx)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return held, sync.OnceFunc(func() { s.releaseAlone(held) }), nil
}

// releaseAlone goes back to sharing the lock, unless that hold was lost.
func (s *session) releaseAlone(held context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.alone == nil || s.conn == nil {
		return
	}
	s.alone()
	s.alone = nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(held), connectTimeout)
	defer cancel()
	if _, err := s.conn.Exec(ctx, "SELECT pg_advisory_unlock("+lockKey("shards")+")"); err != nil {
		s.lose() // which gives it back
	}
}

// readLayout reads the layout. Errors: pgx.ErrNoRows.
func readLayout(ctx context.Context, q querier) (l pipeline.ShardLayout, err error) {
	var sharding, next string
	err = q.QueryRow(ctx, "SELECT shards, sharding, next_shards, next_sharding, leftover FROM layout").
		Scan(&l.Shards, &sharding, &l.Next.Shards, &next, &l.Leftover)
	if err != nil {
		return l, err
	}
	l.Sharding, _ = pipeline.ParseSharding(sharding)
	l.Next.Sharding, _ = pipeline.ParseSharding(next)
	if err = l.Check(); err == nil && l.Next.Shards != 0 {
		err = l.Next.Check()
	}
	return l, err
}

// writeLayout writes the layout, in place of one that is there if replace is
// set.
func writeLayout(ctx context.Context, conn *pgx.Conn, l pipeline.ShardLayout, replace bool) error {
	next, conflict := "", "DO NOTHING"
	if l.Next.Shards > 0 {
		next = l.Next.Sharding.String()
	}
	if replace {
		conflict = "(singleton) DO UPDATE SET shards = excluded.shards, sharding = excluded.sharding, next_shards = excluded.next_shards, " +
			"next_sharding = excluded.next_sharding, leftover = excluded.leftover"
	}
	_, err := conn.Exec(ctx, "INSERT INTO layout (shards, sharding, next_shards, next_sharding, leftover) VALUES ($1, $2, $3, $4, $5) ON CONFLICT "+conflict,
		l.Shards, l.Sharding.String(), l.Next.Shards, next, l.Leftover)
	return err
}
