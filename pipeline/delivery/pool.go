package delivery

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/policy"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
)

// pool is a channel's workers and the providers they send by. A batch gets a
// worker when there is a free one, a provider that may be called and something
// of its quota; whose batch, is policy's to say.
type pool struct {
	channel pipeline.Channel
	batch   int // notifications at most
	metrics *telemetry.Metrics
	log     *slog.Logger
	now     func() time.Time

	mu      sync.Mutex
	share   float64 // of the channel's work that is this process's
	desired int     // workers of the whole channel
	workers int     // of this process
	busy    int     // more than workers for a while when those were reduced
	turn    int
	running bool
	// waiting holds, for each urgency, the batch that waits: there is at most
	// one.
	waiting   [len(policy.Waiting{})]*claim
	upstreams []*upstream // the primary, then the backup if there is one
	alarm     *time.Timer // looks again when a provider or its quota is back
	idle      sync.Cond   // signals when no worker is busy

	// What follows is of the whole channel, as far as the share tells.
	busyTime time.Duration // of all workers, until since
	since    time.Time
	sent     float64 // notifications that calls carried
	ended    float64 // notifications that met an outcome
}

// claim is a batch that waits to be cut.
type claim struct {
	priority pipeline.Priority
	granted  chan struct{}
	grant    grant
}

// grant is what a batch got: a worker, so much of a provider's quota, and when
// the channel waits for that provider to recover, the leave to ask it.
type grant struct {
	upstream *upstream
	most     int          // notifications
	unused   int          // of the quota
	probing  bool         // the channel has no other provider now
	probe    *policy.Pass // the leave, until it is used
}

func newPool(cfg *Config, channel pipeline.Channel, route Route) *pool {
	now := cfg.Now()
	batch := route.Primary.MaxBatch()
	if route.Batch > 0 {
		batch = min(batch, route.Batch)
	}
	p := &pool{
		channel: channel, batch: batch, metrics: cfg.Metrics, log: cfg.Log, now: cfg.Now,
		share: 1, desired: route.Workers, workers: route.Workers, upstreams: []*upstream{newUpstream(route.Primary, cfg, now)}, since: now,
	}
	if route.Backup.Sender != nil {
		p.upstreams = append(p.upstreams, newUpstream(route.Backup, cfg, now))
	}
	p.idle.L = &p.mu
	return p
}

// open says that a share of the channel is delivered from now on: so much of its
// workers and of its providers' quotas is this process's.
func (p *pool) open(share float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.work(0) // what was done was done by the old share
	p.running, p.share = true, share
	now := p.now()
	for _, u := range p.upstreams {
		if u.quota != nil {
			u.quota.SetRate(now, u.Quota*share)
		}
	}
	p.staff()
}

// close says that the channel is not delivered any more.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running = false
	if p.alarm != nil {
		p.alarm.Stop()
	}
	p.show()
}

// resize sets the number of workers of the whole channel. Batches in flight are
// not touched: where there are fewer workers than those, none is started until
// enough have ended.
func (p *pool) resize(desired int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.desired = desired
	p.staff()
	p.grant()
}

// staff takes this process's share of the channel's workers: those of all
// processes together are as many as desired, and at most one more for each.
func (p *pool) staff() {
	p.workers = max(1, int(math.Ceil(float64(p.desired)*p.share-rounding)))
	p.show()
}

// rounding is what a share of workers may be off by.
const rounding = 1e-6

// show tells the metrics how many workers there are.
func (p *pool) show() {
	p.metrics.WorkersDesired(p.channel, p.workers)
	if p.running {
		p.metrics.WorkersRunning(p.channel, max(p.workers, p.busy))
	} else {
		p.metrics.WorkersRunning(p.channel, 0)
	}
}

// take waits for a worker and for a provider to send by, until ctx or the lease
// ends. There is one caller a priority.
func (p *pool) take(ctx context.Context, priority pipeline.Priority, ending <-chan struct{}) (grant, error) {
	c, urgency := &claim{priority: priority, granted: make(chan struct{})}, urgencyOf(priority)
	p.mu.Lock()
	p.waiting[urgency] = c
	p.grant()
	p.mu.Unlock()
	var err error
	select {
	case <-c.granted:
		return c.grant, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-ending:
		err = pipeline.ErrLeaseEnded
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting[urgency] != c { // it was granted meanwhile
		p.release(&c.grant)
		return grant{}, err
	}
	p.waiting[urgency] = nil
	return grant{}, err
}

// urgencyOf ranks a priority as policy does.
func urgencyOf(p pipeline.Priority) policy.Urgency {
	switch p {
	case pipeline.High:
		return policy.High
	case pipeline.Normal:
		return policy.Normal
	default:
		return policy.Low
	}
}

// give gives back a worker, and what was not used of the quota.
func (p *pool) give(g *grant) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.release(g)
}

func (p *pool) release(g *grant) {
	now := p.now()
	g.upstream.charge(now, -g.unused)
	g.unused = 0
	if g.probe != nil {
		g.upstream.breaker.Record(*g.probe, policy.CallUnknown, now, 0)
		g.probe = nil
	}
	p.work(-1)
	if p.busy >= p.workers {
		p.show()
	}
	p.grant()
	if p.busy == 0 {
		p.idle.Broadcast()
	}
}

// work counts a worker that begins or ends, and the time of those that work.
func (p *pool) work(n int) {
	now := p.now()
	p.busyTime += time.Duration(float64(p.busy) * float64(now.Sub(p.since)) / p.share)
	p.since = now
	p.busy += n
}

// grant gives free workers to those that wait, as policy picks them, and comes
// back when those may be served that cannot be now.
func (p *pool) grant() {
	now := p.now()
	for {
		var waiting policy.Waiting
		var offers [len(waiting)]grant
		var again time.Time
		for urgency, c := range p.waiting {
			if c == nil {
				continue
			}
			g, at := p.offer(c.priority, now)
			offers[urgency], waiting[urgency] = g, g.most > 0
			if g.most == 0 && !at.IsZero() && (again.IsZero() || at.Before(again)) {
				again = at
			}
		}
		pick := policy.Pick(waiting, p.workers-p.busy, p.workers, p.turn)
		if pick == policy.None {
			p.wake(again, now)
			return
		}
		if pick != policy.High {
			p.turn++
		}
		c, g := p.waiting[pick], offers[pick]
		g.upstream.charge(now, g.unused)
		if g.probing {
			pass, _ := g.upstream.admit(now)
			g.probe = &pass
		}
		p.work(1)
		c.grant, p.waiting[pick] = g, nil
		close(c.granted)
	}
}

// wake has grant look again at a time; the zero time is never, since something
// else will tell.
func (p *pool) wake(at, now time.Time) {
	switch {
	case p.alarm != nil:
		p.alarm.Stop()
		if !at.IsZero() {
			p.alarm.Reset(at.Sub(now))
		}
	case !at.IsZero():
		p.alarm = time.AfterFunc(at.Sub(now), func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.grant()
		})
	}
}

// offer says what a batch of a priority could have now, and when to ask again
// when that is nothing; the zero time when a call under way will tell.
func (p *pool) offer(priority pipeline.Priority, now time.Time) (grant, time.Time) {
	u, probing, at := p.source(now)
	if u == nil {
		return grant{}, at
	}
	most := p.batch
	if probing {
		most = min(most, probeSize)
	}
	n, at := u.offer(now, priority, most)
	g := grant{upstream: u, most: n, probing: probing}
	if u.quota != nil {
		g.unused = n
	}
	return g, at
}

// source is the provider that the next batch is for: the primary unless its
// breaker is open. It is probing when it has to be asked whether it has
// recovered, and no other could take what is not part of that. With none the
// channel pauses, and at says until when.
func (p *pool) source(now time.Time) (u *upstream, probing bool, at time.Time) {
	ready := 0
	for i, candidate := range p.upstreams {
		when, known := candidate.breaker.Ready(now)
		switch {
		case !known:
		case when.After(now):
			if at.IsZero() || when.Before(at) {
				at = when
			}
		case i > 0 && candidate.Address != nil && p.upstreams[0].parked >= maxParked:
		default:
			ready++
			if u == nil {
				u = candidate
			}
		}
	}
	if u == nil {
		return nil, false, at
	}
	return u, ready == 1 && u.breaker.State(now) == policy.HalfOpen, now
}

// end counts notifications that met an outcome.
func (p *pool) end(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended += float64(n) / p.share
}

// wait returns when no worker is busy; once the lease is ending it waits for no
// longer than a while.
func (p *pool) wait(ending <-chan struct{}) {
	late := false
	defer after(ending, func() {
		time.AfterFunc(drain, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			late = true
			p.idle.Broadcast()
		})
	})()
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.busy > 0 && !late {
		p.idle.Wait()
	}
}
