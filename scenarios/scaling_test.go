package scenarios

import (
	"math"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/policy"
	"github.com/notifyctl/notifyctl/planner"
)

// scaled is a model of a system whose push workers take 10 notifications in half a
// second each, and are scaled every 5 s by the policy that it names; what is added
// serves after 10 s. It is what the real loop does, at a second's resolution.
type scaled struct {
	follows  bool // whether what is wished for is started
	min, max int

	status   api.Status
	backlog  float64
	batches  int64
	starting []starting
}

type starting struct {
	count int
	at    int
}

const (
	pushRate    = 20.0 // notifications a second
	batchMillis = 500
)

func newScaled(follows bool) *scaled {
	s := &scaled{follows: follows, min: 2, max: 100}
	s.status.Scaling = api.Scaling{Policy: "arrivals", EveryMS: 5000, StartDelayMS: 10_000, Groups: []api.ScaledGroup{
		{Kind: "workers", Name: "push", Min: s.min, Max: s.max, Wished: 2, Desired: 2, Running: 2},
	}}
	return s
}

// second lets a second pass in which so many notifications are accepted, and gives
// the system's answer after it.
func (s *scaled) second(n int, arrivals float64) *api.Status {
	g := &s.status.Scaling.Groups[0]
	for len(s.starting) > 0 && s.starting[0].at <= n {
		g.Running += s.starting[0].count
		g.Starting -= s.starting[0].count
		s.starting = s.starting[1:]
	}
	sent := min(s.backlog+arrivals, float64(g.Running)*pushRate)
	s.backlog += arrivals - sent
	s.batches += int64(sent / 10)
	s.status.Account.Accepted += int64(arrivals)
	if n%5 == 0 {
		s.scale(n, arrivals, sent)
	}
	answer := s.status
	answer.Now = time.Unix(int64(n), 0)
	answer.Scaling.Groups = []api.ScaledGroup{*g}
	answer.Queues = []api.Queue{{Channel: "push", Priority: "normal", Waiting: int64(s.backlog)}}
	answer.Workers = []api.Workers{{Channel: "push", Desired: int64(g.Desired), Running: int64(g.Running), Entries: s.batches * 10}}
	answer.Providers = []api.Provider{{Name: "fcm", Channel: "push", Latency: api.Histogram{{batchMillis * 1000, max(s.batches, 1)}}}}
	return &answer
}

func (s *scaled) scale(n int, arrivals, sent float64) {
	g := &s.status.Scaling.Groups[0]
	targets := policy.PoolTargets{Min: s.min, Max: s.max, Utilisation: 0.7, Lag: 30 * time.Second}
	g.Wished = policy.Arrivals(policy.Pool{Depth: s.backlog, Arrivals: arrivals, Throughput: sent, Workers: g.Desired, Rate: pushRate}, targets)
	want := targets.Clamp(g.Wished)
	if !s.follows {
		g.Desired = max(want, g.Running)
		return
	}
	switch {
	case want > g.Desired:
		s.starting = append(s.starting, starting{want - g.Desired, n + 10})
		g.Starting += want - g.Desired
	case want < g.Desired:
		g.Running -= min(g.Desired-want, g.Running-s.min)
	}
	g.Desired = want
}

// watchScaled has the watch look at a minute of calm, two of a spike, and two of
// calm.
func watchScaled(s *scaled) (sum scalingCounts) {
	plan := planner.Reference()
	plan.ServiceLevels.Utilisation.Low, plan.ServiceLevels.Utilisation.High = 0.7, 0.7
	watch := newScalingWatch(scalingTargetsOf(plan, map[pipeline.Channel]float64{pipeline.Push: 1}, 10, 1))
	for n := range 300 {
		arrivals := 20.0
		if n >= 60 && n < 180 {
			arrivals = 200
		}
		if counts, ok := watch.look(s.second(n, arrivals))["push"]; ok {
			sum = sum.plus(counts)
		}
	}
	return sum
}

// TestAPoolThatFollowsItsPolicyIsAsPredicted from what is seen outside of it.
func TestAPoolThatFollowsItsPolicyIsAsPredicted(t *testing.T) {
	got := watchScaled(newScaled(true))
	if off := got.off / float64(got.looks); off > 0.02 || got.looks < 250 {
		t.Errorf("it is off by %.3f over %d looks", off, got.looks)
	}
	if got.asked == 0 || got.waiting || got.waited < 10*time.Second || got.waited > 30*time.Second {
		t.Errorf("asked %d times, waited %v, waiting %v", got.asked, got.waited, got.waiting)
	}
}

// TestAPoolThatNeverScalesIsNot, and waits for ever.
func TestAPoolThatNeverScalesIsNot(t *testing.T) {
	s := newScaled(false)
	got := watchScaled(s)
	if off := got.off / float64(got.looks); off < 0.3 {
		t.Errorf("it is off by %.3f over %d looks", off, got.looks)
	}
	if got.asked != 1 || got.waited < 200*time.Second || !got.waiting {
		t.Errorf("asked %d times, waited %v, waiting %v", got.asked, got.waited, got.waiting)
	}
}

// TestGatewaysAreAsPredicted by their policy, which remembers.
func TestGatewaysAreAsPredicted(t *testing.T) {
	plan := planner.Reference()
	plan.Deployment.GatewayRate = 100
	targets := scalingTargetsOf(plan, nil, 1, 0.1) // two minutes too busy is 12 s
	for _, follows := range []bool{true, false} {
		watch := newScalingWatch(targets)
		var sum scalingCounts
		fleet, remembered := policy.FleetScaling{}, 0
		gateways, offered := 2, int64(0)
		bounded := targets.fleet
		bounded.Min, bounded.Max = 1, 20
		for n := range 120 {
			const rate = 190 // of two gateways' 200
			offered += rate
			now := time.Unix(int64(n), 0)
			if n%2 == 0 {
				var wish int
				wish, fleet = fleet.Wish(policy.Fleet{Gateways: gateways, Utilisation: rate / float64(gateways) / 100}, bounded, now)
				if wish > gateways {
					remembered++
					if follows {
						gateways = wish
					}
				}
			}
			counts := watch.look(&api.Status{
				Now:     now,
				Regions: []api.Region{{Name: "region-1", Notifications: offered}},
				Scaling: api.Scaling{EveryMS: 2000, StartDelayMS: 2000, Groups: []api.ScaledGroup{
					{Kind: "gateways", Name: "region-1", Min: 1, Max: 20, Wished: gateways, Desired: gateways, Running: gateways},
				}},
			})
			sum = sum.plus(counts["region-1"])
		}
		off := sum.off / float64(sum.looks)
		if remembered == 0 || follows && off > 0.01 || !follows && off < 0.05 {
			t.Errorf("follows %v: off by %.3f, asked %d times", follows, off, remembered)
		}
	}
}

// TestLimitsOfTimesAreScaled, down to what control loops take.
func TestLimitsOfTimesAreScaled(t *testing.T) {
	for _, test := range []struct{ limit, scale, want float64 }{
		{120_000, 1, 120_000}, {120_000, 0.5, 60_000}, {120_000, 0.001, 10_000}, {5000, 0.1, 5000}, {120_000, 2, 240_000},
	} {
		list, err := expectedOf([]Expectation{{Name: "up", Metric: "scaling.time", Op: "<", Limit: test.limit}, {Name: "drained", Metric: "drain.time", Op: "<", Limit: test.limit}}, nil, test.scale)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(list[0].Limit-test.want) > 1e-9 || list[1].Limit != test.limit {
			t.Errorf("%g at %g: %g, and %g unscaled", test.limit, test.scale, list[0].Limit, list[1].Limit)
		}
	}
}

// A group has grown once as many run as it was asked for, however much more is
// asked for since; one that waits again does not make a longer wait uncertain.
func TestAWaitEndsWithWhatWasAskedFor(t *testing.T) {
	began := time.Unix(0, 0)
	var sum scalingCounts
	w := &watchedGroup{}
	for second, g := range []api.ScaledGroup{
		{Wished: 2, Desired: 2, Running: 2},
		{Wished: 5, Desired: 5, Running: 2}, // asks
		{Wished: 6, Desired: 6, Running: 2},
		{Wished: 8, Desired: 8, Running: 5}, // has them after 2 s, and asks again
		{Wished: 8, Desired: 8, Running: 5}, // waits for 1 s
	} {
		sum = sum.plus(w.follow(&g, began.Add(time.Duration(second)*time.Second)))
	}
	if sum.asked != 2 || sum.waited != 2*time.Second || !sum.waiting || sum.since != time.Second {
		t.Errorf("%+v", sum)
	}
	counts := map[string]scalingCounts{"push": sum}
	if r := scalingTime(counts); r.value != 2000 || r.atLeast {
		t.Errorf("%+v", r)
	}
	// One that never gets them is a lower bound.
	for second := 5; second < 9; second++ {
		sum = sum.plus(w.follow(&api.ScaledGroup{Wished: 8, Desired: 8, Running: 5}, began.Add(time.Duration(second)*time.Second)))
	}
	if r := scalingTime(map[string]scalingCounts{"push": sum}); r.value != 5000 || !r.atLeast {
		t.Errorf("%+v", r)
	}
}
