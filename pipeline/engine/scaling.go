package engine

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/autoscale"
	"github.com/notifyctl/notifyctl/pipeline/delivery"
	"github.com/notifyctl/notifyctl/pipeline/policy"
	"github.com/notifyctl/notifyctl/pipeline/region"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
)

// Scaling says over how many gateways requests are balanced, and how gateways
// and workers are scaled. The zero value is one gateway, and nothing is scaled.
type Scaling struct {
	Regions     int
	Gateways    int     // of each region, at the start
	GatewayRate float64 // notifications a second that each takes; 0 is any, and they are not scaled
	// Elasticity is how many times as many workers and gateways there may be as
	// at the start, or as few; 1 scales nothing.
	Elasticity int
	StartDelay time.Duration
	// TimeScale multiplies the control times, for a load that takes place in so
	// much less time; 0 is 1.
	TimeScale float64
	// Policy is the workers', by its name; Utilisation and Lag are its targets.
	Policy      string
	Utilisation float64
	Lag         time.Duration
	// Fleet is the gateways' targets; its bounds follow from the above.
	Fleet policy.FleetTargets
}

// bounds are those of what there are so many of at the start.
func (s *Scaling) bounds(start int) autoscale.Bounds {
	by := max(1, s.Elasticity)
	return autoscale.Bounds{Start: start, Min: int(math.Ceil(float64(start) / float64(by))), Max: start * by}
}

func (s *Scaling) gateways() autoscale.Bounds { return s.bounds(max(1, s.Gateways)) }

// workers are the bounds of a channel's: one is a call in flight, which needs a
// connection.
func (s *Scaling) workers(start, connections int) autoscale.Bounds {
	b := s.bounds(start)
	b.Max = max(start, min(b.Max, connections))
	return b
}

// openScaling starts the loop that scales the delivery's workers and the
// regions' gateways.
func (s *System) openScaling(p autoscale.Pools) error {
	c := &s.cfg.Scaling
	name := cmp.Or(c.Policy, policy.WorkerPolicyNames()[0])
	workers, ok := policy.WorkerPolicyNamed(name)
	if !ok {
		return fmt.Errorf("no policy of the workers is called %s; accepted is one of %v", name, policy.WorkerPolicyNames())
	}
	times := autoscale.Times{
		Every: autoscale.Every, StartDelay: c.StartDelay, UpAfter: c.Fleet.UpAfter, DownAfter: c.Fleet.DownAfter,
	}
	config := autoscale.Config{
		Times: times.Scaled(cmp.Or(c.TimeScale, 1)),
		Pools: p, Workers: map[pipeline.Channel]autoscale.Bounds{}, Policy: workers,
		Utilisation: cmp.Or(c.Utilisation, 1), Lag: cmp.Or(c.Lag, time.Minute),
		Gateways: c.gateways(), GatewayRate: c.GatewayRate, Targets: c.Fleet,
		Log: s.cfg.Log, Changed: s.scaled,
	}
	if s.cfg.Role.delivers() {
		for channel, n := range s.cfg.Workers {
			config.Workers[channel] = c.workers(n, s.cfg.Providers.Connections)
		}
	}
	if c.GatewayRate > 0 && s.cfg.Role.accepts() {
		config.Fleet = &fleet{regions: s.regions, metrics: s.metrics}
	}
	s.scaling = autoscale.New(config)
	s.scalingTimes, s.scalingPolicy = config.Times, name
	s.metrics.ObserveFleet(s.fleet)
	if c.Elasticity > 1 {
		s.background(s.scaling.Run)
	}
	return nil
}

// background runs something until the system closes, which waits for it.
func (s *System) background(run func(context.Context)) {
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { run(ctx) })
	s.onClose(func() error {
		stop()
		running.Wait()
		return nil
	})
}

// noPools are the workers of a process that delivers nothing.
type noPools struct{}

func (noPools) Measure(context.Context) (map[pipeline.Channel]autoscale.Load, error) { return nil, nil }

func (noPools) SetWorkers(pipeline.Channel, int) {}

// pools are the delivery's workers as the loop sees them.
type pools struct{ *delivery.Delivery }

func (p pools) Measure(ctx context.Context) (map[pipeline.Channel]autoscale.Load, error) {
	measured, err := p.Delivery.Measure(ctx)
	if err != nil {
		return nil, err
	}
	loads := make(map[pipeline.Channel]autoscale.Load, len(measured))
	for channel, m := range measured {
		loads[channel] = autoscale.Load{Depth: m.Depth, Arrived: m.Arrived, Sent: m.Sent, BusyTime: m.BusyTime}
	}
	return loads, nil
}

// fleet is the regions' gateways as the loop sees them, and it alone: it
// remembers the latency that was seen.
type fleet struct {
	regions *region.Global
	metrics *telemetry.Metrics
	seen    api.Histogram
}

func (f *fleet) Traffic() []autoscale.Traffic {
	stats := f.regions.Stats()
	out := make([]autoscale.Traffic, len(stats))
	for i, r := range stats {
		out[i] = autoscale.Traffic{Region: r.Name, Offered: r.Notifications + r.RefusedNotifications}
	}
	return out
}

func (f *fleet) P99() time.Duration {
	snapshot := f.metrics.Snapshot()
	seen := trafficStatus(&snapshot).Latency
	since := seen.Sub(f.seen)
	f.seen = seen
	return since.Quantile(0.99)
}

func (f *fleet) Resize(name string, gateways int) {
	if err := f.regions.Resize(name, gateways); err != nil {
		panic("BUG: " + err.Error())
	}
}

// scaled keeps the metric of the workers that there should be: the delivery
// knows of those alone that serve.
func (s *System) scaled(g autoscale.Group) {
	if g.Kind != autoscale.Workers {
		return
	}
	for _, channel := range pipeline.Channels() {
		if channel.String() == g.Name {
			s.metrics.WorkersDesired(channel, g.Desired)
		}
	}
}

// fleet reads what is scaled and balanced over for the metrics.
func (s *System) fleet() telemetry.Fleet {
	var f telemetry.Fleet
	for _, g := range s.scaling.Groups() {
		f.Groups = append(f.Groups, telemetry.ScaledGroup{
			Kind: string(g.Kind), Name: g.Name, Wished: g.Wished, Desired: g.Desired, Running: g.Running, Starting: g.Starting,
		})
	}
	if s.regions == nil {
		return f // of a worker
	}
	f.Repeated = s.regions.Repeated()
	for _, r := range s.regions.Stats() {
		stats := telemetry.RegionStats{Name: r.Name, Refused: r.Refused}
		for _, g := range r.Gateways {
			stats.Gateways = append(stats.Gateways, telemetry.GatewayStats{
				Name: g.Name, Serving: g.State == region.Serving, InFlight: g.InFlight, Requests: g.Requests,
				Notifications: g.Notifications, Failed: g.Failed, Dropped: g.Dropped,
			})
		}
		f.Regions = append(f.Regions, stats)
	}
	return f
}

func (s *System) scalingStatus() api.Scaling {
	status := api.Scaling{
		Policy: s.scalingPolicy, Groups: []api.ScaledGroup{}, Events: []api.ScalingEvent{},
		EveryMS: s.scalingTimes.Every.Milliseconds(), StartDelayMS: s.scalingTimes.StartDelay.Milliseconds(),
	}
	for _, g := range s.scaling.Groups() {
		status.Groups = append(status.Groups, api.ScaledGroup{
			Kind: string(g.Kind), Name: g.Name, Min: g.Min, Max: g.Max,
			Wished: g.Wished, Desired: g.Desired, Running: g.Running, Starting: g.Starting,
		})
	}
	for _, e := range s.scaling.Events() {
		status.Events = append(status.Events, api.ScalingEvent{At: e.At, Kind: string(e.Kind), Name: e.Name, Text: e.String()})
	}
	return status
}
