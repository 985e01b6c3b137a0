package postgres

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// lineage names a branch of a write-ahead log. The zero value is none.
type lineage struct {
	id       pgtype.UUID
	timeline int32
}

// host is one server of a shard.
type host struct {
	name string
	cfg  *pgxpool.Config
	pool *pgxpool.Pool
	// watch is a connection apart from the pool, which may be exhausted; only
	// the look that runs uses it.
	watch *pgx.Conn
	// down is set when a use failed, until the next look.
	down atomic.Bool
	// behindUntil is when a replica is asked again that was behind, in Unix
	// nanoseconds.
	behindUntil atomic.Int64
}

func newHost(cfg *pgxpool.Config) (*host, error) {
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg) // which connects to nothing yet
	if err != nil {
		return nil, err
	}
	return &host{name: hostName(cfg), cfg: cfg, pool: pool}, nil
}

// connect makes a connection apart from the pool.
func (h *host) connect(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, h.cfg.ConnConfig)
	if err != nil {
		return nil, err
	}
	if err := commitDurably(ctx, conn); err != nil {
		hangUp(conn)
		return nil, err
	}
	return conn, nil
}

// commitDurably makes commits of a session wait for the primary's disk at
// least, where the server's default is not to.
func commitDurably(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'")
	return err
}

// hangUp closes a connection that may not answer any more.
func hangUp(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_ = conn.Close(ctx) // the server notices by itself
}

func (h *host) close() {
	if h.watch != nil {
		hangUp(h.watch)
	}
	h.pool.Close()
}

// sight is what a look saw of a host.
type sight struct {
	err      error
	replica  bool
	timeline int32 // of a primary
}

// lookQuery asks for a server's role. The name of a segment of the write-ahead
// log begins with the timeline, as eight hexadecimal digits.
const lookQuery = `
	SELECT pg_is_in_recovery(),
	       CASE WHEN pg_is_in_recovery() THEN 0
	            ELSE ('x' || left(pg_walfile_name(pg_current_wal_flush_lsn()), 8))::bit(32)::integer END`

// look asks the host for its role.
func (h *host) look(ctx context.Context) (s sight) {
	if h.watch == nil || h.watch.IsClosed() {
		if h.watch, s.err = h.connect(ctx); s.err != nil {
			h.watch = nil
			return s
		}
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if s.err = h.watch.QueryRow(ctx, lookQuery).Scan(&s.replica, &s.timeline); s.err != nil {
		hangUp(h.watch)
		h.watch = nil
	}
	return s
}

// standing is where a server stands, asked in the same round trip as what
// depends on it.
type standing struct {
	replica  bool
	position int64 // in the write-ahead log, in bytes: replayed by a replica, on the disk of a primary
	lineage  pgtype.UUID
}

// standingQuery asks for it. A replica's rows that a later statement reads are
// at least as new as its position; a change that had returned lies at or below
// the primary's.
const standingQuery = `
	SELECT pg_is_in_recovery(),
	       pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END, '0/0')::bigint,
	       lineage
	FROM shard`

func (s *standing) scan(row pgx.Row) error { return row.Scan(&s.replica, &s.position, &s.lineage) }

// check says whether a host has another role, or another branch of the log,
// than we thought.
func (s *standing) check(h *host, replica bool, of lineage) error {
	if s.replica == replica && s.lineage == of.id {
		return nil
	}
	return fmt.Errorf("%s: %w", h.name, errOtherRole)
}
