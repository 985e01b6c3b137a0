package postgres

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

	"github.com/jackc/pgx/v5"

	"github.com/notifyctl/notifyctl/pipeline"
)

// lookEvery is how often the hosts of a shard are asked for their roles.
const lookEvery = time.Second

var (
	// errOtherRole: a host has another role than it had, or is another server.
	errOtherRole = errors.New("its role has changed")
	// errBehind: a replica has not replayed what a read must see.
	errBehind = errors.New("the replica is behind")
)

// view is what the last look found.
type view struct {
	primary  *host // or nil
	why      error // there is no primary
	lineage  lineage
	replicas []*host
}

// cluster is the hosts of one shard. It is safe for concurrent use.
type cluster struct {
	name  string
	hosts []*host
	log   *slog.Logger

	looks     rounds[struct{}]
	positions rounds[answer]
	asker     asker
	turn      atomic.Uint32 // of the replicas

	mu       sync.Mutex
	view     view
	seen     int64 // the highest position of the lineage that a primary gave
	prepared bool  // the schema is there
	users    int   // handles that must be closed

	ctx    context.Context
	cancel context.CancelFunc
	watch  sync.WaitGroup
}

// newCluster makes the hosts of an address and looks for their roles.
func newCluster(ctx context.Context, a address, log *slog.Logger) (*cluster, error) {
	c := &cluster{name: a.name, log: log, users: 1}
	c.ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
	c.looks.run = func() struct{} { c.look(c.ctx); return struct{}{} }
	c.positions.run = c.askPosition
	for _, cfg := range a.hosts {
		h, err := newHost(cfg)
		if err != nil {
			c.release()
			return nil, err
		}
		c.hosts = append(c.hosts, h)
	}
	c.look(ctx)
	return c, nil
}

// keepLooking looks at intervals, once the schema is there.
func (c *cluster) keepLooking() {
	c.watch.Go(func() {
		ticker := time.NewTicker(lookEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				_, _ = c.looks.join(c.ctx) // which ends with the cluster
			case <-c.ctx.Done():
				return
			}
		}
	})
}

// retain adds a handle.
func (c *cluster) retain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.users++
}

// release ends a handle; with the last the connections are closed.
func (c *cluster) release() {
	c.mu.Lock()
	c.users--
	last := c.users == 0
	c.mu.Unlock()
	if !last {
		return
	}
	c.cancel()
	c.watch.Wait()
	c.looks.wg.Wait()
	c.positions.wg.Wait()
	c.asker.close()
	for _, h := range c.hosts {
		h.close()
	}
}

func (c *cluster) current() view {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.view
}

// look asks all hosts for their roles at once, and draws its conclusions.
func (c *cluster) look(ctx context.Context) {
	sights := make([]sight, len(c.hosts))
	var wg sync.WaitGroup
	for i, h := range c.hosts {
		wg.Go(func() { sights[i] = h.look(ctx) })
	}
	wg.Wait()
	if ctx.Err() != nil {
		return
	}
	old := c.current()
	next := conclude(c.hosts, sights, old.lineage)
	if next.primary != nil && c.isPrepared() {
		if err := next.primary.findLineage(ctx, &next.lineage, old.lineage); err != nil {
			next.primary, next.why = nil, err
		}
	}
	for i, h := range c.hosts {
		if sights[i].err == nil {
			h.down.Store(false)
		}
	}
	c.mu.Lock()
	c.view = next
	if next.lineage != old.lineage {
		c.seen = 0 // positions of another branch say nothing of this one
	}
	c.mu.Unlock()
	c.report(old, next)
}

// conclude says which host is the primary and which are its replicas. Writes
// went to the timeline of before: what is on an earlier one is no primary any
// more.
func conclude(hosts []*host, sights []sight, before lineage) view {
	v := view{lineage: before}
	var writable []int
	var why []string
	for i, s := range sights {
		switch {
		case s.err != nil:
			why = append(why, fmt.Sprintf("%s: %s", hosts[i].name, reason(s.err)))
		case s.replica:
			v.replicas = append(v.replicas, hosts[i])
			why = append(why, hosts[i].name+" is a replica")
		case s.timeline < before.timeline:
			why = append(why, fmt.Sprintf("%s takes writes, but on timeline %d, from before the failover to %d", hosts[i].name, s.timeline, before.timeline))
		default:
			writable = append(writable, i)
		}
	}
	slices.SortStableFunc(writable, func(a, b int) int { return int(sights[b].timeline - sights[a].timeline) })
	switch {
	case len(writable) == 0:
		v.why = &noPrimaryError{detail: strings.Join(why, ", "), sights: sights}
	case len(writable) > 1 && sights[writable[0]].timeline == sights[writable[1]].timeline:
		v.why = &noPrimaryError{detail: fmt.Sprintf("%s and %s both take writes, on timeline %d: stop the one that is not to be the primary",
			hosts[writable[0]].name, hosts[writable[1]].name, sights[writable[0]].timeline), split: true}
	default:
		v.primary = hosts[writable[0]]
		v.lineage.timeline = sights[writable[0]].timeline
	}
	return v
}

// noPrimaryError says why no host takes writes.
type noPrimaryError struct {
	detail string
	sights []sight
	split  bool
}

// Error gives what each host said.
func (e *noPrimaryError) Error() string { return "no primary: " + e.detail }

// Unwrap gives what the hosts said that did not answer as they should.
func (e *noPrimaryError) Unwrap() (errs []error) {
	for _, s := range e.sights {
		if s.err != nil {
			errs = append(errs, s.err)
		}
	}
	return errs
}

// findLineage completes the lineage of a primary on a timeline: it gives the
// branch its name if the timeline is new.
func (h *host) findLineage(ctx context.Context, found *lineage, before lineage) error {
	if found.timeline == before.timeline && before.id.Valid {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	_, err := h.watch.Exec(ctx, "UPDATE shard SET timeline = $1, lineage = gen_random_uuid() WHERE timeline <> $1", found.timeline)
	if err == nil {
		err = h.watch.QueryRow(ctx, "SELECT lineage FROM shard WHERE timeline = $1", found.timeline).Scan(&found.id)
	}
	if err != nil {
		*found = before
		return fmt.Errorf("%s: %s", h.name, reason(err))
	}
	return nil
}

func (c *cluster) isPrepared() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.prepared
}

// report logs what has changed.
func (c *cluster) report(old, next view) {
	if !c.isPrepared() {
		return
	}
	shard := slog.String("postgres", c.name)
	switch {
	case next.primary == nil && old.primary != nil:
		c.log.Error("preferences of a shard cannot be changed", shard, slog.Any("error", next.why))
	case next.primary != nil && next.primary != old.primary:
		c.log.Info("a shard of the preferences has a primary", shard, slog.String("primary", next.primary.name), slog.Int("timeline", int(next.lineage.timeline)))
	}
}

// lookAgain waits for a look that begins now, after something failed.
func (c *cluster) lookAgain(ctx context.Context) error {
	_, err := c.looks.join(ctx)
	return err
}

// failed keeps others from a host until the next look, which it asks for.
func (c *cluster) failed(h *host) {
	h.down.Store(true)
	if c.ctx.Err() == nil {
		c.looks.begin()
	}
}

// noteSeen remembers that the primary was at a position.
func (c *cluster) noteSeen(of lineage, position int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.view.lineage == of {
		c.seen = max(c.seen, position)
	}
}

func (c *cluster) lastSeen() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen
}

// answer is a primary's to where it is.
type answer struct {
	lineage  lineage
	position int64
	err      error
}

// askTimeout bounds how long the primary is waited for before it counts as away.
const askTimeout = time.Second

// asker asks the primary for its position, by a connection of its own: one from
// the pool might have to be waited for while the primary is well.
type asker struct {
	host *host
	conn *pgx.Conn
}

func (a *asker) close() {
	if a.conn != nil {
		hangUp(a.conn)
		a.conn = nil
	}
}

// to gives a connection to a host.
func (a *asker) to(ctx context.Context, h *host) (*pgx.Conn, error) {
	if a.conn != nil && (a.host != h || a.conn.IsClosed()) {
		a.close()
	}
	if a.conn == nil {
		conn, err := h.connect(ctx)
		if err != nil {
			return nil, err
		}
		a.host, a.conn = h, conn
	}
	return a.conn, nil
}

// askPosition asks the primary where it is. One runs at a time.
func (c *cluster) askPosition() answer {
	ctx, cancel := context.WithTimeout(c.ctx, askTimeout)
	defer cancel()
	v := c.current()
	if v.primary == nil || v.primary.down.Load() {
		return answer{err: c.noPrimary(v)}
	}
	conn, err := c.asker.to(ctx, v.primary)
	var s standing
	if err == nil {
		if err = s.scan(conn.QueryRow(ctx, standingQuery)); err == nil {
			err = s.check(v.primary, false, v.lineage)
		} else {
			c.asker.close()
		}
	}
	if err != nil {
		c.failed(v.primary)
		return answer{err: err}
	}
	c.noteSeen(v.lineage, s.position)
	return answer{lineage: v.lineage, position: s.position}
}

// noPrimary says why there is none, or none that can be used.
func (c *cluster) noPrimary(v view) error {
	if v.primary == nil && v.why != nil {
		return v.why
	}
	return &noPrimaryError{detail: v.primary.name + " did not answer"}
}

// unavailable wraps what a shard said so that callers know it for that.
func (c *cluster) unavailable(doing string, err error) error {
	return fmt.Errorf("%s: postgres at %s: %s%w: %w", doing, c.name, advice(err), pipeline.ErrUnavailable, plain{err})
}
