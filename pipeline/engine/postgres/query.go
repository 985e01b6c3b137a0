package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// operationTimeout bounds a read or a write, the search for another primary
	// included.
	operationTimeout = 2500 * time.Millisecond
	// replicaTimeout bounds how long a replica is waited for before the primary
	// is read.
	replicaTimeout = 700 * time.Millisecond
	// behindPause is how long a replica is not asked that was behind: the
	// question costs a round trip.
	behindPause = 20 * time.Millisecond
)

// query is a statement that reads rows, and what takes them. take may run
// several times; its last run counts.
type query struct {
	statement string
	arguments []any
	take      func(pgx.Rows) error
}

// read runs a query on a replica that has come as far as the primary was when it
// began, else on the primary, and once more if a host failed meanwhile.
func (c *cluster) read(ctx context.Context, q query) error {
	return c.twice(ctx, func(ctx context.Context) error {
		v := c.current()
		if len(v.replicas) > 0 {
			if err := c.readReplicas(ctx, v, q); err == nil || ctx.Err() != nil {
				return err
			}
		}
		return c.readPrimary(ctx, v, q)
	})
}

// readReplicas runs a query on the first replica that can answer it. Its error
// says that none can.
func (c *cluster) readReplicas(ctx context.Context, v view, q query) error {
	asked, err := c.positions.join(ctx)
	if err != nil {
		return err
	}
	need := asked.position
	if asked.err != nil { // the primary is away
		need = c.lastSeen()
	} else if asked.lineage != v.lineage {
		return errOtherRole // and the view is old
	}
	err = errBehind
	first := int(c.turn.Add(1))
	for i := range v.replicas {
		h := v.replicas[(first+i)%len(v.replicas)]
		if h.down.Load() || asked.err == nil && time.Now().UnixNano() < h.behindUntil.Load() {
			continue
		}
		if err = c.readReplica(ctx, h, v.lineage, need, q); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// readReplica runs a query on one replica.
func (c *cluster) readReplica(ctx context.Context, h *host, of lineage, need int64, q query) error {
	limited, cancel := context.WithTimeout(ctx, replicaTimeout)
	defer cancel()
	err := h.read(limited, q, func(s *standing) error {
		if err := s.check(h, true, of); err != nil {
			return err
		}
		if s.position < need {
			return errBehind
		}
		return nil
	})
	switch {
	case errors.Is(err, errBehind):
		h.behindUntil.Store(time.Now().Add(behindPause).UnixNano())
	case errors.Is(err, errOtherRole): // a replica of another branch stays one, and is asked in vain
		h.down.Store(true)
	case mendable(err) && ctx.Err() == nil:
		c.failed(h)
	}
	return err
}

// readPrimary runs a query on the primary.
func (c *cluster) readPrimary(ctx context.Context, v view, q query) error {
	if v.primary == nil || v.primary.down.Load() {
		return c.noPrimary(v)
	}
	var at standing
	err := v.primary.read(ctx, q, func(s *standing) error {
		at = *s
		return s.check(v.primary, false, v.lineage)
	})
	if err == nil {
		c.noteSeen(v.lineage, at.position)
	}
	return c.orFailed(ctx, v.primary, err)
}

// orFailed keeps others from a host that failed, and not merely a caller that
// gave up.
func (c *cluster) orFailed(ctx context.Context, h *host, err error) error {
	if mendable(err) && ctx.Err() == nil {
		c.failed(h)
	}
	return err
}

// read asks where the host stands and runs a query, in one round trip. In read
// committed the second statement sees at least what the first did. accept may
// refuse the host before any row is taken.
func (h *host) read(ctx context.Context, q query, accept func(*standing) error) error {
	var batch pgx.Batch
	batch.Queue(standingQuery).QueryRow(func(row pgx.Row) error {
		var s standing
		if err := s.scan(row); err != nil {
			return err
		}
		return accept(&s)
	})
	batch.Queue(q.statement, q.arguments...).Query(q.take)
	return h.pool.SendBatch(ctx, &batch).Close()
}

// change runs a statement on the primary in a transaction, in one round trip,
// and once more if the primary failed or is another now: so it must be one that
// may be repeated. The statement's last parameter is the lineage, and it must
// change nothing in a database that has another.
func (c *cluster) change(ctx context.Context, statement string, arguments ...any) error {
	return c.twice(ctx, func(ctx context.Context) error {
		v := c.current()
		if v.primary == nil || v.primary.down.Load() {
			return c.noPrimary(v)
		}
		var at standing
		var batch pgx.Batch
		batch.Queue("BEGIN")
		batch.Queue(statement, append(arguments[:len(arguments):len(arguments)], v.lineage.id)...)
		batch.Queue("COMMIT")
		batch.Queue(standingQuery).QueryRow(func(row pgx.Row) error { return at.scan(row) })
		err := v.primary.pool.SendBatch(ctx, &batch).Close()
		if err == nil {
			if err = at.check(v.primary, false, v.lineage); err == nil {
				c.noteSeen(v.lineage, at.position)
			}
		}
		return c.orFailed(ctx, v.primary, err)
	})
}

// twice does something within a time, and again after a look at the hosts when
// one failed.
func (c *cluster) twice(ctx context.Context, do func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	err := do(limited)
	if mendable(err) && limited.Err() == nil && c.lookAgain(limited) == nil {
		err = do(limited)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
