package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"golang.org/x/sync/errgroup"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Shards is the databases of the shards. It is a [pipeline.PreferenceShards],
// which keeps the layout in the first.
type Shards struct {
	clusters []*cluster
	session  *session
}

var _ pipeline.PreferenceShards = (*Shards)(nil)

// OpenShards connects to the shards, makes their tables if they are missing, and
// takes the lock that all processes share. Errors: of the addresses, and
// *[pipeline.EngineError].
func OpenShards(ctx context.Context, cfg Config) (_ *Shards, err error) {
	addresses, err := parseAddresses(cfg)
	if err != nil {
		return nil, err
	}
	s := &Shards{}
	defer func() {
		if err != nil {
			_ = s.Close() // which cannot fail
		}
	}()
	ids := make([]identity, len(addresses))
	open := func(ctx context.Context, i int, installation pgtype.UUID) (err error) {
		s.clusters[i], ids[i], err = openCluster(ctx, addresses[i], i, installation, cfg.Log)
		return err
	}
	s.clusters = make([]*cluster, len(addresses))
	if err := open(ctx, 0, pgtype.UUID{}); err != nil { // it knows which installation this is
		return nil, err
	}
	if s.session, err = openSession(ctx, s.first(), cfg.Log); err != nil {
		return nil, s.first().fault(err)
	}
	group, inGroup := errgroup.WithContext(ctx)
	for i := 1; i < len(addresses); i++ {
		group.Go(func() error { return open(inGroup, i, ids[0].installation) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return s, nil
}

// openCluster connects to a shard, makes its tables if they are missing, and
// makes sure that it is the one it is given as.
func openCluster(ctx context.Context, a address, position int, installation pgtype.UUID, log *slog.Logger) (*cluster, identity, error) {
	c, err := newCluster(ctx, a, log)
	if err != nil {
		return nil, identity{}, fmt.Errorf("postgres at %s: %w", a.name, err)
	}
	is, err := c.prepare(ctx, position, installation)
	if err != nil {
		c.release()
		return nil, is, c.fault(err)
	}
	c.warnOfFailover(ctx)
	c.keepLooking()
	return c, is, nil
}

// prepare brings the schema up to date, and names the lineage.
func (c *cluster) prepare(ctx context.Context, position int, installation pgtype.UUID) (is identity, err error) {
	v := c.current()
	if v.primary == nil {
		return is, c.noPrimary(v)
	}
	conn, err := v.primary.connect(ctx)
	if err != nil {
		return is, err
	}
	defer hangUp(conn)
	if err := migrate(ctx, conn); err != nil {
		return is, err
	}
	if is, err = claim(ctx, conn, position, installation); err != nil {
		return is, err
	}
	c.mu.Lock()
	c.prepared = true
	c.mu.Unlock()
	if err := c.lookAgain(ctx); err != nil {
		return is, err
	}
	if v := c.current(); v.primary == nil {
		return is, c.noPrimary(v)
	}
	return is, nil
}

// warnOfFailover says so when a failover may lose what was answered.
func (c *cluster) warnOfFailover(ctx context.Context) {
	v := c.current()
	if v.primary == nil {
		return
	}
	var commit, standbys string
	var replicas int
	err := v.primary.pool.QueryRow(ctx, `SELECT current_setting('synchronous_commit'), current_setting('synchronous_standby_names'),
		(SELECT count(*) FROM pg_stat_replication)`).Scan(&commit, &standbys, &replicas)
	if err != nil || replicas+len(v.replicas) == 0 {
		return
	}
	if strings.TrimSpace(standbys) == "" || commit == "local" {
		c.log.Warn("a failover to a replica may lose opt-outs that were answered just before it: no synchronous standby confirms them; set synchronous_standby_names on the primary",
			slog.String("postgres", c.name), slog.String("synchronous_commit", commit))
	}
}

func (s *Shards) first() *cluster { return s.clusters[0] }

// Layout reads the layout, or makes one.
func (s *Shards) Layout(ctx context.Context, initial pipeline.Placement) (l pipeline.ShardLayout, err error) {
	err = s.session.use(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		l, err = readLayout(ctx, conn)
		if errors.Is(err, pgx.ErrNoRows) {
			if err := s.checkRoom(initial.Shards); err != nil {
				return err
			}
			if err := writeLayout(ctx, conn, pipeline.ShardLayout{Placement: initial}, false); err != nil {
				return err
			}
			l, err = readLayout(ctx, conn)
		}
		if err == nil {
			s.session.known = []pipeline.ShardLayout{l}
		}
		return err
	})
	if err == nil {
		err = s.checkRoom(l.Highest())
	}
	if err != nil {
		return l, s.first().fault(err)
	}
	return l, nil
}

// checkRoom makes sure that there are so many shards.
func (s *Shards) checkRoom(shards int) error {
	if shards <= len(s.clusters) {
		return nil
	}
	return &pipeline.EngineError{
		Engine: pipeline.EnginePostgres, Permanent: true,
		Err:    fmt.Errorf("the preferences lie on %d shards, and --postgres is given %d times", shards, len(s.clusters)),
		Remedy: fmt.Sprintf("give --postgres %d times, in the same order as before", shards),
	}
}

// SetLayout writes the layout. Errors: a *[pipeline.ShardsError].
func (s *Shards) SetLayout(ctx context.Context, l pipeline.ShardLayout) error {
	if l.Highest() > len(s.clusters) {
		return &pipeline.ShardsError{To: l.Highest(), Detail: fmt.Sprintf("--postgres is given %d times; start with one more for each new shard, after the others", len(s.clusters))}
	}
	err := s.session.use(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		s.session.known = append(s.session.known, l) // also after an error
		if err := writeLayout(ctx, conn, l, true); err != nil {
			return err
		}
		s.session.known = []pipeline.ShardLayout{l}
		return nil
	})
	if err != nil {
		return s.first().unavailable("write how the preferences are divided", err)
	}
	return nil
}

// Alone takes the lock alone that every process shares.
func (s *Shards) Alone(ctx context.Context) (held context.Context, release func(), err error) {
	held, release, err = s.session.takeAlone(ctx)
	if err != nil && !errors.Is(err, pipeline.ErrShardsInUse) && !errors.Is(err, pipeline.ErrResharding) {
		err = s.first().unavailable("make sure that no other process uses the shards", err)
	}
	return held, release, err
}

// Open gives a shard.
func (s *Shards) Open(_ context.Context, shard int) (pipeline.PreferenceStore, error) {
	if err := s.checkRoom(shard + 1); err != nil {
		return nil, s.first().fault(err)
	}
	s.clusters[shard].retain()
	return &Preferences{cluster: s.clusters[shard], gate: s.session.gate}, nil
}

// Remove empties a shard. Its database stays this installation's.
func (s *Shards) Remove(ctx context.Context, shard int) error {
	if shard >= len(s.clusters) {
		return nil
	}
	c := s.clusters[shard]
	err := c.twice(ctx, func(ctx context.Context) error {
		v := c.current()
		if v.primary == nil {
			return c.noPrimary(v)
		}
		_, err := v.primary.pool.Exec(ctx, "TRUNCATE preferences")
		return c.orFailed(ctx, v.primary, err)
	})
	if err != nil {
		return c.unavailable("empty a shard of the preferences", err)
	}
	return nil
}

// Close lets go of the layout and of the lock. The shards that were opened stay
// open.
func (s *Shards) Close() error {
	if s.session != nil {
		s.session.close()
	}
	for _, c := range s.clusters {
		if c != nil {
			c.release()
		}
	}
	return nil
}
