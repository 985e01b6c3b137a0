package autoscale_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/autoscale"
	"github.com/notifyctl/notifyctl/pipeline/policy"
)

// simulation is a channel's queue and its workers, each of which sends so many a
// second while there is something to send, and regions of gateways. It works in
// steps of a tenth of a second.
type simulation struct {
	mu       sync.Mutex
	arrivals float64 // a second
	each     float64 // that a worker sends a second
	workers  int
	fewest   int // workers there have been
	depth    float64
	arrived  float64
	sent     float64
	busy     float64 // seconds
	failing  error

	offered  map[string]float64 // a second
	total    map[string]float64
	gateways map[string]int
	p99      time.Duration
}

const simulationStep = 100 * time.Millisecond

// run simulates until ctx ends. Its steps lie between the loop's looks, and
// between a test's, so that it is known which comes first.
func (s *simulation) run(ctx context.Context) {
	time.Sleep(simulationStep / 3)
	ticker := time.NewTicker(simulationStep)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.step(simulationStep.Seconds())
		case <-ctx.Done():
			return
		}
	}
}

func (s *simulation) step(seconds float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	come, most := s.arrivals*seconds, s.each*float64(s.workers)*seconds
	sent := min(s.depth+come, most)
	s.arrived += come
	s.sent += sent
	s.depth += come - sent
	s.busy += sent / s.each
	for region, rate := range s.offered {
		s.total[region] += rate * seconds
	}
}

func (s *simulation) Measure(context.Context) (map[pipeline.Channel]autoscale.Load, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return map[pipeline.Channel]autoscale.Load{pipeline.Email: {
		Depth: int64(s.depth), Arrived: int64(s.arrived), Sent: int64(s.sent),
		BusyTime: time.Duration(s.busy * float64(time.Second)),
	}}, s.failing
}

func (s *simulation) SetWorkers(_ pipeline.Channel, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.workers, s.fewest = n, min(s.fewest, n)
}

func (s *simulation) Traffic() []autoscale.Traffic {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []autoscale.Traffic
	for _, region := range []string{"region-1", "region-2"} {
		out = append(out, autoscale.Traffic{Region: region, Offered: int64(s.total[region])})
	}
	return out
}

func (s *simulation) P99() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.p99
}

func (s *simulation) Resize(region string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gateways[region] = n
}

// set changes what is offered.
func (s *simulation) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// now reads the workers and the depth.
func (s *simulation) now() (workers int, depth float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.workers, s.depth
}

// fleet reads the regions' gateways.
func (s *simulation) fleet() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.gateways)
}

// world is a simulation and a loop over it, in a bubble.
type world struct {
	*testing.T
	*simulation
	loop *autoscale.Loop
}

// scaled runs a test over the reference's e-mail workers, 50 to 500 at 10/s, and
// two regions of 2 to 8 gateways at 1000/s; the start delay is 20 s.
func scaled(t *testing.T, name string, change func(*autoscale.Config), test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		chosen, ok := policy.WorkerPolicyNamed(name)
		if !ok {
			t.Fatalf("no policy %s", name)
		}
		s := &simulation{
			each: 10, workers: 50, fewest: 50,
			offered:  map[string]float64{},
			total:    map[string]float64{"region-1": 0, "region-2": 0},
			gateways: map[string]int{"region-1": 2, "region-2": 2},
		}
		c := autoscale.Config{
			Times: autoscale.Times{Every: autoscale.Every, StartDelay: 20 * time.Second, UpAfter: 2 * time.Minute, DownAfter: 10 * time.Minute},
			Pools: s, Workers: map[pipeline.Channel]autoscale.Bounds{pipeline.Email: {Start: 50, Min: 50, Max: 500}},
			Policy: chosen, Utilisation: 0.7, Lag: 30 * time.Second,
			Fleet: s, Gateways: autoscale.Bounds{Start: 2, Min: 2, Max: 8}, GatewayRate: 1000,
			Targets: policy.FleetTargets{Utilisation: 0.7, UpUtilisation: 0.7, UpP99: 500 * time.Millisecond, DownUtilisation: 0.3},
			Log:     slog.New(slog.DiscardHandler),
		}
		if change != nil {
			change(&c)
		}
		w := &world{T: t, simulation: s, loop: autoscale.New(c)}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { s.run(ctx) })
		running.Go(func() { w.loop.Run(ctx) })
		w.after(2 * simulationStep / 3) // behind the loop and before the simulation
		test(w)
		cancel()
		running.Wait()
	})
}

// after lets time pass.
func (w *world) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// email is the group of the simulated workers.
func (w *world) email() autoscale.Group { return w.loop.Groups()[0] }

var errNoFeed = errors.New("no feed")
