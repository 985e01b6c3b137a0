package scenarios

import (
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

// Phase is where a run is.
type Phase string

// The phases, in order.
const (
	Starting Phase = "starting"
	Running  Phase = "running"
	Draining Phase = "draining"
	Over     Phase = "over"
)

// Snapshot is what is known of a run at a moment, for displays.
type Snapshot struct {
	Scenario string
	Profile  string
	Phase    Phase
	Stages   []Stage       // of the load, as they are scaled
	Stage    string        // that it is in
	Elapsed  time.Duration // of the load
	Total    time.Duration
	Batch    int
	Written  int64         // of the users whose preferences the load builds on, those that are written
	ToWrite  int64         // and how many they are; 0 for a load that builds on none
	Report   *load.Report  // nil before the load began
	Seconds  []load.Second // the last ten minutes
	System   *SystemView   // nil when the system shows no status
	Checks   []Check       // as they stand
	Marks    []Mark        // what happened so far, oldest first
	Timeline *Timeline     // how it went so far; nil before the load began
	Result   *Result       // once the run is over
}

// SystemView is the system's last word on itself.
type SystemView struct {
	Seen      time.Time // when it came
	Stale     bool      // whether the question after it was not answered
	Depths    []int64   // of the queues together, once a second
	Depth     int64
	OldestAge time.Duration // of what waits
	Workers   []api.Workers
	Providers []api.Provider
	Account   api.Account // of what came during the run, but for what is in flight
	Status    *api.Status // all that it said, which is not to be changed
}

// Snapshot says how the run is. It may be called at any time, from anywhere, and
// as often as a display draws; what it gives is not to be changed.
func (r *Run) Snapshot() Snapshot {
	phase, ok := r.phase.Load().(Phase)
	if !ok {
		panic("BUG: a run without a phase")
	}
	s := Snapshot{
		Scenario: r.options.Scenario.Name, Profile: r.options.Profile,
		Phase: phase, Stages: r.stages, Total: r.schedule.Total(), Batch: r.options.Batch,
		Written: r.writing.done.Load(), ToWrite: r.writing.of.Load(),
	}
	r.mu.Lock()
	generator := r.generator
	s.Result = r.result
	r.mu.Unlock()
	if generator == nil {
		return s
	}
	since := r.glance.fill(&s, r, generator)
	if phase == Running {
		s.Elapsed = min(s.Elapsed+since, s.Total)
	}
	s.Stage = r.stages[r.schedule.StageAt(s.Elapsed)].Name
	if s.Result != nil {
		s.Checks = s.Result.Checks
	}
	return s
}

// glance is what the last snapshot showed of a run. Displays ask several times a
// second, and putting all latencies together takes milliseconds; what is seen of a
// run comes once a second.
type glance struct {
	mu    sync.Mutex
	at    time.Time
	shown Snapshot
}

// fill puts what is seen into a snapshot, anew when it is of another phase or more
// than a second old, and says how old it is.
func (g *glance) fill(s *Snapshot, r *Run, generator *load.Generator) (since time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	since = time.Since(g.at)
	if since >= pollEvery || g.shown.Phase != s.Phase {
		cpu, err := load.ReadCPU()
		if err != nil {
			return 0 // as good as before the load: the run itself will say it
		}
		e := r.evidence(cpu)
		e.account = (&books{accepted: generator.Accepted()}).settle()
		g.at, since = time.Now(), 0
		g.shown = Snapshot{
			Phase: s.Phase, Report: e.load, Elapsed: e.load.Elapsed, Seconds: generator.Seconds(),
			Marks: r.course.allMarks(), Timeline: r.course.timeline(),
			System: viewOf(e.observed), Checks: r.judge(e),
		}
	}
	s.Report, s.Elapsed, s.Seconds = g.shown.Report, g.shown.Elapsed, g.shown.Seconds
	s.Marks, s.Timeline, s.System, s.Checks = g.shown.Marks, g.shown.Timeline, g.shown.System, g.shown.Checks
	return since
}

func viewOf(o *observation) *SystemView {
	if o == nil {
		return nil
	}
	v := &SystemView{
		Status: o.last,
		Seen:   o.seen, Stale: o.stale, Depths: o.depths, Depth: o.depths[len(o.depths)-1],
		Workers: o.last.Workers, Providers: o.last.Providers, Account: o.last.Account,
	}
	for _, q := range o.last.Queues {
		v.OldestAge = max(v.OldestAge, time.Duration(q.OldestAgeMS)*time.Millisecond)
	}
	then := o.first.Account
	v.Account.Accepted -= then.Accepted
	v.Account.Delivered -= then.Delivered
	v.Account.Suppressed -= then.Suppressed
	v.Account.Expired -= then.Expired
	v.Account.RateDropped -= then.RateDropped
	v.Account.Dead -= then.Dead
	v.Account.Ambiguous -= then.Ambiguous
	v.Account.Takeovers -= then.Takeovers
	return v
}
