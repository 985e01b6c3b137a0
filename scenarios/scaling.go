package scenarios

import (
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/autoscale"
	"github.com/notifyctl/notifyctl/pipeline/policy"
	"github.com/notifyctl/notifyctl/planner"
)

// scalingCounts is how a group followed its policy over an interval.
type scalingCounts struct {
	asked   int           // how often the wish rose above what ran
	waited  time.Duration // the longest from then until as many ran as were wished for, or until now
	waiting bool          // whether it still waits
	since   time.Duration // for how long, if it does
	off     float64       // the share by which it lay outside what was predicted, summed over looks
	looks   int
}

// plus adds what came later.
func (s scalingCounts) plus(later scalingCounts) scalingCounts {
	return scalingCounts{
		asked:  s.asked + later.asked,
		waited: max(s.waited, later.waited), waiting: later.waiting, since: later.since,
		off: s.off + later.off, looks: s.looks + later.looks,
	}
}

// scalingTargets are what policies go by, apart from what is measured.
type scalingTargets struct {
	arrivals    map[string]float64 // share of what is accepted, by channel
	batch       int                // notifications a request
	utilisation float64
	lag         time.Duration
	fleet       policy.FleetTargets // its bounds are the group's
	gatewayRate float64
}

// scalingTargetsOf takes them from the plan and the mix, with control times scaled
// as the system's are.
func scalingTargetsOf(plan *planner.Plan, channels map[pipeline.Channel]float64, batch int, timeScale float64) scalingTargets {
	g, levels := plan.Gateway, plan.ServiceLevels
	times := autoscale.Times{UpAfter: g.ScaleUpAfter.Duration(), DownAfter: g.ScaleDownAfter.Duration()}.Scaled(timeScale)
	t := scalingTargets{
		arrivals: map[string]float64{}, batch: batch,
		utilisation: levels.Utilisation.Float(), lag: levels.QueueLag.Duration(),
		gatewayRate: plan.Deployment.GatewayRate,
		fleet: policy.FleetTargets{
			Utilisation:   levels.Utilisation.Float(),
			UpUtilisation: g.ScaleUpCPU.Float(), UpAfter: times.UpAfter, UpP99: g.ScaleUpP99.Duration(),
			DownUtilisation: g.ScaleDownCPU.Float(), DownAfter: times.DownAfter,
		},
	}
	for channel, share := range channels {
		t.arrivals[channel.String()] = share
	}
	return t
}

// scalingWatch holds how a system scales against what the policies, which are
// pure functions, wish for by what is seen from outside: what is accepted, waits,
// was sent, and how long the calls took. It is told every answer.
type scalingWatch struct {
	targets scalingTargets
	groups  map[string]*watchedGroup
	recent  []*api.Status // of the last look's length, oldest first
}

// watchedGroup is what is remembered of a channel's workers or a region's
// gateways.
type watchedGroup struct {
	asked    time.Time // since when more are wished for than run; zero if not
	wanted   int       // how many were then, or fewer if fewer were since
	wishes   []wish    // predicted, of as long as a change takes to show
	gateways int       // predicted, of as many as there were at first
	fleet    policy.FleetScaling
	fleetAt  time.Time // of the last look at gateways
	fleetAPI api.Histogram
	offered  int64
}

// wish is what a policy wished for, within the bounds, at a moment of the system's
// clock.
type wish struct {
	at    time.Time
	count int
}

func newScalingWatch(t scalingTargets) *scalingWatch {
	return &scalingWatch{targets: t, groups: map[string]*watchedGroup{}}
}

// look compares the groups of an answer with what was predicted.
func (w *scalingWatch) look(now *api.Status) map[string]scalingCounts {
	every := time.Duration(now.Scaling.EveryMS) * time.Millisecond
	w.recent = append(w.recent, now)
	for len(w.recent) > 2 && now.Now.Sub(w.recent[1].Now) >= every {
		w.recent = w.recent[1:]
	}
	counts := map[string]scalingCounts{}
	for i := range now.Scaling.Groups {
		g := &now.Scaling.Groups[i]
		watched := w.groups[g.Name]
		if watched == nil {
			watched = &watchedGroup{}
			w.groups[g.Name] = watched
		}
		c := watched.follow(g, now.Now)
		if count, ok := w.predict(watched, g, now); ok {
			watched.wishes = append(watched.wishes, wish{now.Now, count})
		}
		// What is wished for shows once the loop has looked and what it started
		// serves; a poll on either side is how exactly that is seen.
		shows := every + time.Duration(now.Scaling.StartDelayMS)*time.Millisecond + 2*pollEvery
		if off, ok := watched.off(g.Running, now.Now, shows); ok {
			c.off, c.looks = off, 1
		}
		counts[g.Name] = c
	}
	return counts
}

// follow sees whether a group was asked to grow, and for how long it has been. It
// has grown once as many run as were wished for when it was asked: a load that goes
// on growing, or that is not even, asks again.
func (w *watchedGroup) follow(g *api.ScaledGroup, now time.Time) (c scalingCounts) {
	if !w.asked.IsZero() {
		w.wanted = min(w.wanted, g.Desired)
		c.waited, c.waiting = now.Sub(w.asked), g.Running < w.wanted
		c.since = c.waited
		if !c.waiting {
			w.asked, c.since = time.Time{}, 0
		}
	}
	if w.asked.IsZero() && g.Wished > g.Running && g.Desired > g.Running {
		w.asked, w.wanted = now, g.Desired
		c.asked, c.waiting = 1, true
	}
	return c
}

// off is the share by which what runs lies outside all that was wished for in the
// time that a wish takes to show; ok is false until that has passed once.
func (w *watchedGroup) off(running int, now time.Time, shows time.Duration) (share float64, ok bool) {
	if len(w.wishes) == 0 {
		return 0, false
	}
	whole := now.Sub(w.wishes[0].at) >= shows
	for len(w.wishes) > 1 && now.Sub(w.wishes[1].at) >= shows {
		w.wishes = w.wishes[1:]
	}
	least, most := w.wishes[0].count, w.wishes[0].count
	for _, wish := range w.wishes {
		least, most = min(least, wish.count), max(most, wish.count)
	}
	nearest := min(max(running, least), most)
	distance := max(running-nearest, nearest-running)
	return float64(distance) / float64(max(nearest, 1)), whole
}

// predict asks the group's policy; ok is false while too little was seen.
func (w *scalingWatch) predict(watched *watchedGroup, g *api.ScaledGroup, now *api.Status) (count int, ok bool) {
	if g.Kind == string(autoscale.Gateways) {
		return w.predictGateways(watched, g, now)
	}
	then := w.recent[0]
	seconds := now.Now.Sub(then.Now).Seconds()
	workers, known := policy.WorkerPolicyNamed(now.Scaling.Policy)
	if !known || seconds <= 0 {
		return 0, false
	}
	ofChannel := func(all []api.Workers) api.Workers {
		return find(all, func(o api.Workers) bool { return o.Channel == g.Name })
	}
	sent := float64(grown(ofChannel(now.Workers).Entries, ofChannel(then.Workers).Entries))
	pool := policy.Pool{
		Arrivals:   w.targets.arrivals[g.Name] * float64(grown(now.Account.Accepted, then.Account.Accepted)) / seconds,
		Throughput: sent / seconds,
		Workers:    g.Desired,
	}
	for _, q := range now.Queues {
		if q.Channel == g.Name {
			pool.Depth += float64(q.Waiting)
		}
	}
	// A worker is a call in flight, so that the calls' time is the workers'.
	if busy := callTime(then, now, g.Name); busy > 0 && sent > 0 {
		pool.Rate = sent / busy.Seconds()
	}
	targets := policy.PoolTargets{Min: g.Min, Max: g.Max, Utilisation: w.targets.utilisation, Lag: w.targets.lag}
	return targets.Clamp(workers(pool, targets)), true
}

// callTime is how long the calls to a channel's providers took between two
// answers, all together.
func callTime(then, now *api.Status, channel string) time.Duration {
	var sum time.Duration
	for _, p := range now.Providers {
		if p.Channel != channel {
			continue
		}
		before := find(then.Providers, func(o api.Provider) bool { return o.Name == p.Name })
		sum += timeOf(p.Latency.Sub(before.Latency))
	}
	return sum
}

// predictGateways asks the gateways' policy, which remembers, as often as the
// system does, and of as many as it has wished for: a step that it asks for it does
// not ask for again at once.
func (w *scalingWatch) predictGateways(watched *watchedGroup, g *api.ScaledGroup, now *api.Status) (int, bool) {
	region := find(now.Regions, func(r api.Region) bool { return r.Name == g.Name })
	offered := region.Notifications + region.Refused*int64(w.targets.batch)
	took := now.Now.Sub(watched.fleetAt)
	first := watched.fleetAt.IsZero()
	if !first && took < time.Duration(now.Scaling.EveryMS)*time.Millisecond {
		return 0, false
	}
	rate := float64(grown(offered, watched.offered)) / took.Seconds()
	p99 := now.API.Latency.Sub(watched.fleetAPI).Quantile(0.99)
	watched.fleetAt, watched.fleetAPI, watched.offered = now.Now, now.API.Latency, offered
	if first {
		watched.gateways = g.Desired
	}
	if first || w.targets.gatewayRate <= 0 || watched.gateways == 0 {
		return 0, false
	}
	targets := w.targets.fleet
	targets.Min, targets.Max = g.Min, g.Max
	watched.gateways, watched.fleet = watched.fleet.Wish(policy.Fleet{
		Gateways: watched.gateways, Utilisation: rate / (float64(watched.gateways) * w.targets.gatewayRate), P99: p99,
	}, targets, now.Now)
	return watched.gateways, true
}
