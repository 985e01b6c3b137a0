package autoscale

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/policy"
)

// Load is what was measured of a channel. But for Depth it is counted since the
// start, so that two give rates.
type Load struct {
	Depth    int64         // notifications that wait
	Arrived  int64         // notifications
	Sent     int64         // notifications
	BusyTime time.Duration // of all workers together
}

// Pools are the workers of all channels.
type Pools interface {
	Measure(ctx context.Context) (map[pipeline.Channel]Load, error)
	// SetWorkers sets a channel's workers. It returns at once; batches in flight
	// end in their own time.
	SetWorkers(channel pipeline.Channel, workers int)
}

// Traffic is what was measured of a region: the notifications that it was
// offered since the start, refused ones among them.
type Traffic struct {
	Region  string
	Offered int64
}

// Fleet is the gateways of all regions.
type Fleet interface {
	// Traffic measures the regions, always the same in the same order.
	Traffic() []Traffic
	// P99 is the 99th percentile of the API's latency since it was last asked; 0
	// when nobody was answered.
	P99() time.Duration
	// Resize sets a region's gateways. It returns at once; what a gateway is
	// answering it ends.
	Resize(region string, gateways int)
}

// Config is what a [Loop] is made of.
type Config struct {
	Times Times

	Pools   Pools
	Workers map[pipeline.Channel]Bounds
	Policy  policy.WorkerPolicy
	// Utilisation and Lag are the workers' targets, as policy has them.
	Utilisation float64
	Lag         time.Duration

	// Fleet is nil for gateways that are not scaled, for want of a rate that
	// they are known to take.
	Fleet       Fleet
	Gateways    Bounds  // of each region
	GatewayRate float64 // notifications a second that one takes; above 0
	// Targets are the gateways'; their bounds and times are taken from above.
	Targets policy.FleetTargets

	Log *slog.Logger
	// Changed is told of a group whenever it has changed; nil is nobody.
	Changed func(Group)
}

// Loop scales workers and gateways. Run it once.
type Loop struct {
	cfg Config

	mu       sync.Mutex
	channels []*channel
	regions  []*region
	events   events
}

// channel is one channel's workers and what was last measured of them.
type channel struct {
	group
	channel pipeline.Channel
	last    Load
	rate    float64 // of one busy worker; the last that was measured
}

// region is one region's gateways and what was last measured of them.
type region struct {
	group
	last    int64 // notifications offered
	scaling policy.FleetScaling
}

// New makes a loop over what runs already.
func New(c Config) *Loop {
	c.Targets.Min, c.Targets.Max = c.Gateways.Min, c.Gateways.Max
	c.Targets.UpAfter, c.Targets.DownAfter = c.Times.UpAfter, c.Times.DownAfter
	l := &Loop{cfg: c}
	for _, name := range pipeline.Channels() {
		bounds, ok := c.Workers[name]
		if !ok {
			continue
		}
		l.channels = append(l.channels, &channel{channel: name, group: group{
			kind: Workers, name: name.String(), bounds: bounds, running: bounds.Start, wished: bounds.Start,
			apply: func(n int) { c.Pools.SetWorkers(name, n) },
		}})
	}
	if c.Fleet == nil {
		return l
	}
	for _, t := range c.Fleet.Traffic() {
		l.regions = append(l.regions, &region{group: group{
			kind: Gateways, name: t.Region, bounds: c.Gateways, running: c.Gateways.Start, wished: c.Gateways.Start,
			apply: func(n int) { c.Fleet.Resize(t.Region, n) },
		}})
	}
	return l
}

// Run scales until ctx ends.
func (l *Loop) Run(ctx context.Context) {
	before := time.Now()
	l.remember(ctx)
	next := before.Add(l.cfg.Times.Every)
	timer := time.NewTimer(time.Until(l.wake(next)))
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		now := time.Now()
		l.ready(now)
		if !now.Before(next) {
			l.look(ctx, now, now.Sub(before))
			before, next = now, now.Add(l.cfg.Times.Every)
		}
		timer.Reset(time.Until(l.wake(next)))
	}
}

// wake is when there is something to do, at a time at the latest.
func (l *Loop) wake(latest time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, g := range l.groups() {
		if len(g.starts) > 0 && g.starts[0].at.Before(latest) {
			latest = g.starts[0].at
		}
	}
	return latest
}

// groups lists all groups; the caller holds the lock.
func (l *Loop) groups() []*group {
	var all []*group
	for _, c := range l.channels {
		all = append(all, &c.group)
	}
	for _, r := range l.regions {
		all = append(all, &r.group)
	}
	return all
}

// remember takes what was counted before the first look, so that it makes no
// rate.
func (l *Loop) remember(ctx context.Context) {
	loads, ok := l.measure(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if ok {
		for _, c := range l.channels {
			c.last = loads[c.channel]
		}
	}
	if l.cfg.Fleet != nil {
		for i, t := range l.cfg.Fleet.Traffic() {
			l.regions[i].last = t.Offered
		}
		l.cfg.Fleet.P99()
	}
}

func (l *Loop) measure(ctx context.Context) (map[pipeline.Channel]Load, bool) {
	loads, err := l.cfg.Pools.Measure(ctx)
	if err != nil && !errors.Is(err, context.Canceled) {
		l.cfg.Log.Warn("the workers stay as they are: what they do could not be measured", "error", err)
	}
	return loads, err == nil
}

// ready lets serve what has started.
func (l *Loop) ready(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, g := range l.groups() {
		if n := g.ready(now); n > 0 {
			l.event(g, Event{At: now, Act: Serves, Count: n})
			l.changed(g)
		}
	}
}

// look measures over the time since the last look, and scales.
func (l *Loop) look(ctx context.Context, now time.Time, took time.Duration) {
	loads, ok := l.measure(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if ok {
		for _, c := range l.channels {
			l.scale(&c.group, c.wish(loads[c.channel], took, &l.cfg), now)
		}
	}
	if l.cfg.Fleet == nil {
		return
	}
	p99 := l.cfg.Fleet.P99()
	for i, t := range l.cfg.Fleet.Traffic() {
		r := l.regions[i]
		l.scale(&r.group, r.wish(t.Offered, p99, now, took, &l.cfg), now)
	}
}

// wish asks the workers' policy.
func (c *channel) wish(load Load, took time.Duration, cfg *Config) int {
	sent, busy := load.Sent-c.last.Sent, load.BusyTime-c.last.BusyTime
	if sent > 0 && busy > 0 {
		c.rate = float64(sent) / busy.Seconds()
	}
	pool := policy.Pool{
		Depth:    float64(load.Depth),
		Arrivals: float64(load.Arrived-c.last.Arrived) / took.Seconds(), Throughput: float64(sent) / took.Seconds(),
		Workers: c.desired(), Rate: c.rate,
	}
	c.last = load
	return cfg.Policy(pool, policy.PoolTargets{
		Min: c.bounds.Min, Max: c.bounds.Max, Utilisation: cfg.Utilisation, Lag: cfg.Lag,
	})
}

// wish asks the gateways' policy.
func (r *region) wish(offered int64, p99 time.Duration, now time.Time, took time.Duration, cfg *Config) int {
	rate := float64(offered-r.last) / took.Seconds()
	r.last = offered
	var wish int
	// Those that start count as if they served, so that they are not asked for
	// again.
	wish, r.scaling = r.scaling.Wish(policy.Fleet{
		Gateways: r.desired(), Utilisation: rate / (float64(r.desired()) * cfg.GatewayRate), P99: p99,
	}, cfg.Targets, now)
	return wish
}

// scale grants a wish within the bounds. The caller holds the lock.
func (l *Loop) scale(g *group, wish int, now time.Time) {
	granted, have, before := g.bounds.clamp(wish), g.desired(), g.wished
	g.wished = wish
	bound := granted != wish && g.bounds.clamp(before) == before // from now on
	switch {
	case granted > have:
		l.event(g, Event{At: now, Act: Wants, Count: wish, Granted: granted})
		l.event(g, Event{At: now, Act: Starts, Count: granted - have})
		g.grow(granted-have, now, l.cfg.Times.StartDelay)
	case granted < have:
		l.event(g, Event{At: now, Act: Wants, Count: wish, Granted: granted})
		l.event(g, Event{At: now, Act: Stops, Count: have - granted})
		g.shrink(have - granted)
	case bound:
		l.event(g, Event{At: now, Act: Wants, Count: wish, Granted: granted})
	}
	l.changed(g)
}

// event keeps and logs an event of a group. The caller holds the lock.
func (l *Loop) event(g *group, e Event) {
	e.Kind, e.Name = g.kind, g.name
	l.events.add(e)
	l.cfg.Log.Debug("scaling", "event", e.String())
}

func (l *Loop) changed(g *group) {
	if l.cfg.Changed != nil {
		l.cfg.Changed(g.snapshot())
	}
}

// Groups gives the groups: the channels' workers, then the regions' gateways.
func (l *Loop) Groups() []Group {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []Group
	for _, g := range l.groups() {
		out = append(out, g.snapshot())
	}
	return out
}

// Events gives the last events, oldest first, 64 at most.
func (l *Loop) Events() []Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.events)
}
