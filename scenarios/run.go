package scenarios

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

// NoAnswerError says that the target could not be reached when the run was to
// begin.
type NoAnswerError struct {
	Target string
	Err    error
}

// Error says so, and what to look at.
func (e *NoAnswerError) Error() string {
	return fmt.Sprintf("%s does not answer; is the server running? %v", e.Target, e.Err)
}

// Unwrap gives the client's error.
func (e *NoAnswerError) Unwrap() error { return e.Err }

// submitPath is the call that is loaded.
const submitPath = "/v1/notifications"

// interruptedDrain is how long a run that was interrupted still waits for what is
// in flight, so that its account can be told.
const interruptedDrain = 5 * time.Second

// Options are what a run is to be: a scenario at a scale, and the load's
// particulars.
type Options struct {
	Scenario *Scenario
	Variant  *Variant // of an experiment, which of it is run; else nil
	Earlier  []*Run   // those of its variants that are run before
	Profile  string   // for the result
	Scale    Scale
	Plan     *planner.Plan // with the values that the scenario brings
	Batch    int
	Users    int
	Keys     load.Keys
	Seed     uint64
	Part     Part              // all of it, or a shard
	Foreign  *load.Foreign     // how a target is spoken to that does not have our API; nil for one that has
	Prices   *telemetry.Prices // what sending costs; nil: the result has no cost
	// Addresses says whether entries bring the users' addresses; empty is that
	// they do.
	Addresses load.Addresses
	// Require names the checks that fail when nobody can see what they are about.
	Require []string
	Version string // of the program
}

// Run is one run of a scenario. It is made before anything is started, so that
// all that can be wrong with the options is known by then, and can be watched
// by [Run.Snapshot] at any time.
type Run struct {
	options  Options
	name     string
	stages   []Stage
	schedule *load.Schedule
	checks   []expected
	course   *course
	glance   glance
	traffic  *load.Traffic
	marks    marks

	phase     atomic.Value // Phase
	writing   writing      // the preferences that the load builds on
	mu        sync.Mutex
	generator *load.Generator // nil until the load begins
	observer  *observer       // nil until then, and when the system shows no status
	cpu       load.CPU        // when the load began
	result    *Result         // once it is over
	final     *evidence       // what that was made from
}

// Bench is what a run is held against.
type Bench struct {
	Target   *load.Endpoint
	Key      string     // the API key of the target; empty: none
	System   System     // nil for a target that is none of ours
	Ledger   Ledger     // nil when the mock providers' cannot be read
	Mocks    Mocks      // that faults of providers are set at; needed by runs that say so
	Regions  Regions    // that faults of regions lose; needed by runs that say so
	Users    Population // that takes the users of runs whose addresses are preferences
	Embedded bool       // whether the system runs in this process
	Log      *slog.Logger
}

// NewRun checks the options.
func NewRun(o Options) (*Run, error) {
	if err := checkScale(o.Scale); err != nil {
		return nil, err
	}
	if o.Batch < 1 || o.Batch > load.MaxBatch {
		return nil, fmt.Errorf("a batch of %d: 1 to %d notifications a request are accepted", o.Batch, load.MaxBatch)
	}
	if o.Addresses == "" {
		o.Addresses = load.AddressPerEntry
	}
	r := &Run{options: o, stages: o.Scenario.Scaled(o.Scale)}
	if o.Variant != nil {
		r.stages = o.Variant.stages(r.stages)
	}
	r.phase.Store(Starting)
	if err := o.Part.check(time.Now()); err != nil {
		return nil, err
	}
	var err error
	if r.name, err = runName(&o, r.stages); err != nil {
		return nil, err
	}
	if r.schedule, err = schedule(r.stages, o.Batch); err != nil {
		return nil, fmt.Errorf("scenario %s: %w", o.Scenario.Name, err)
	}
	if r.schedule, err = o.Part.of(r.schedule); err != nil {
		return nil, err
	}
	if total := float64(r.schedule.Requests()) * float64(o.Batch); total > math.MaxUint32 {
		return nil, fmt.Errorf("scenario %s: %.3g notifications are more than the %d that a run can account for", o.Scenario.Name, total, uint32(math.MaxUint32))
	}
	if r.checks, err = expectedOf(o.Scenario.Checks, o.Require, o.Scale.Time); err != nil {
		return nil, fmt.Errorf("scenario %s: %w", o.Scenario.Name, err)
	}
	mix := mixOf(o.Scenario.Mix, o.Plan.Workload)
	targets := scalingTargetsOf(o.Plan, mix.Channels, o.Batch, o.Scale.Time)
	r.course = newCourse(r.stages, r.checks, targets, int(o.Plan.Providers.Connections.High), o.Scale.Time, &r.marks)
	r.traffic, err = load.NewTraffic(load.TrafficConfig{
		Run: r.name, Seed: o.Seed, Batch: o.Batch, Users: o.Users, Keys: o.Keys, Addresses: o.Addresses,
		Mix: mix,
	})
	if err == nil && o.Foreign != nil {
		err = o.Foreign.Check(r.traffic)
	}
	return r, err
}

// Scale is what the run multiplies rates and lengths by.
func (r *Run) Scale() Scale { return r.options.Scale }

func checkScale(s Scale) error {
	if !(s.Rate > 0 && s.Rate <= 1000) {
		return fmt.Errorf("a rate scale of %g: accepted is above 0 and up to 1000", s.Rate)
	}
	if !(s.Time > 0 && s.Time <= 1000) {
		return fmt.Errorf("a time scale of %g: accepted is above 0 and up to 1000", s.Time)
	}
	return nil
}

// mixOf takes from the plan what the scenario does not say.
func mixOf(m Mix, w planner.Workload) load.Mix {
	mix := load.Mix{Channels: m.Channels, Priorities: m.Priorities, Categories: m.Categories, UserSkew: w.UserSkew.High}
	if mix.Channels == nil {
		mix.Channels = map[pipeline.Channel]float64{
			pipeline.Push: w.Channels.Push.High, pipeline.Email: w.Channels.Email.High, pipeline.SMS: w.Channels.SMS.High,
		}
	}
	if mix.Priorities == nil {
		mix.Priorities = map[pipeline.Priority]float64{
			pipeline.High: w.Priorities.High.High, pipeline.Normal: w.Priorities.Normal.High, pipeline.Low: w.Priorities.Low.High,
		}
	}
	if m.UserSkew != nil {
		mix.UserSkew = *m.UserSkew
	}
	return mix
}

// Plan is the plan that the run is of.
func (r *Run) Plan() *planner.Plan { return r.options.Plan }

// Scenario is the name of the scenario that is run, of an experiment with its
// variant's, as in "batching/single".
func (r *Run) Scenario() string {
	if r.options.Variant != nil {
		return r.options.Scenario.Name + "/" + r.options.Variant.Name
	}
	return r.options.Scenario.Name
}

// Do runs the scenario against a bench. When the context ends, the load stops
// and the result is of what was done until then, with the verdict
// [Interrupted]; the only errors are those of a run that could not begin.
func (r *Run) Do(ctx context.Context, b Bench) (*Result, error) {
	watched, err := r.meet(ctx, b)
	if err != nil {
		return nil, err
	}
	faults, err := r.prepareFaults(ctx, b, watched)
	if err != nil {
		return nil, err
	}
	if err := r.populate(ctx, b, watched); err != nil {
		return nil, err
	}
	r.settle(ctx, watched, b.Log)
	if err := r.options.Part.await(ctx); err != nil {
		return nil, err
	}
	started := time.Now()
	generator, err := load.NewGenerator(load.Config{Schedule: r.schedule, Traffic: r.traffic, Target: b.Target, Path: submitPath, Key: b.Key, Foreign: r.options.Foreign})
	if err != nil {
		return nil, err
	}
	cpu, err := load.ReadCPU()
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.generator, r.observer, r.cpu = generator, watched, cpu
	r.mu.Unlock()

	endFaults, err := faults.begin(ctx)
	if err != nil {
		return nil, err
	}
	r.phase.Store(Running)
	watch := r.start(watched, b.Ledger)
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var beside sync.WaitGroup
	beside.Go(func() { watch.follow(following) })
	generator.Run(ctx)
	disturbed := endFaults()
	stop()
	beside.Wait()
	r.phase.Store(Draining)
	r.drain(ctx, watch)
	r.awaitArrivals(ctx, b)

	interrupted := ctx.Err() != nil // later it is too late to matter
	result, err := r.conclude(context.WithoutCancel(ctx), b, started)
	if err != nil {
		return nil, err
	}
	if disturbed != nil {
		b.Log.Error("what went wrong was not what the scenario says", "error", disturbed)
		if result.Verdict == Pass {
			result.Verdict = Inconclusive
		}
	}
	if interrupted {
		result.Verdict = Interrupted
	}
	r.mu.Lock()
	r.result = result
	r.mu.Unlock()
	r.phase.Store(Over)
	return result, nil
}

// meet asks the target for its status. A target that answers anything else is
// loaded all the same, unwatched; one that does not answer at all is not.
func (r *Run) meet(ctx context.Context, b Bench) (*observer, error) {
	if b.System == nil {
		return nil, r.reach(ctx, b.Target)
	}
	o := &observer{system: b.System}
	_, err := o.poll(ctx)
	var connect interface{ Timeout() bool } // a *url.Error: nothing came back
	switch {
	case err == nil:
		return o, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &connect):
		return nil, &NoAnswerError{Target: b.Target.Base(), Err: err}
	}
	b.Log.Warn("the target shows no status; what only the system can say is not observed", "error", err)
	return nil, nil
}

// settle waits until what a system held before the run has ended, so that it is
// neither in the run's way nor taken for a part of it. What the system did until
// then is not the run's.
func (r *Run) settle(ctx context.Context, o *observer, log *slog.Logger) {
	if o == nil || o.drained() {
		return
	}
	patience := r.options.Part.left(r.options.Scenario.Drain)
	log.Info("the run begins once what is in flight from before has ended", "in_flight", o.inFlight(), "at_most", patience)
	r.awaitDrained(ctx, o, patience, func(ctx context.Context) error {
		_, err := o.poll(ctx)
		return err
	})
	if left := o.inFlight(); left > 0 && ctx.Err() == nil {
		log.Warn("the run begins with notifications of others in flight; what the system says of its own counts them", "in_flight", left)
	}
	o.restart()
}

// start begins the time of the run and of what is noted of it.
func (r *Run) start(watched *observer, ledger Ledger) *watch {
	w := &watch{generator: r.generator, system: watched, ledger: ledger, course: r.course, began: time.Now(), cpu: r.cpu}
	r.marks.start(w.began)
	if watched != nil {
		r.course.begin(watched.observation().last)
	}
	return w
}

// drain waits until nothing is in flight, for as long as the scenario allows. It
// takes the end of the generator's work into the course, too.
func (r *Run) drain(ctx context.Context, w *watch) {
	if w.system == nil {
		_ = w.look(ctx) // there is nobody whose error it could be
		return
	}
	patience := r.options.Scenario.Drain
	if ctx.Err() != nil {
		patience = min(patience, interruptedDrain)
	}
	r.awaitDrained(ctx, w.system, patience, w.look)
}

// awaitDrained looks until nothing is in flight.
func (r *Run) awaitDrained(ctx context.Context, o *observer, patience time.Duration, look func(context.Context) error) {
	// An interrupt during the drain ends it.
	waiting, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if ctx.Err() == nil {
		defer context.AfterFunc(ctx, cancel)()
	}
	ticker := time.NewTicker(pollEvery / 4)
	defer ticker.Stop()
	for {
		if err := look(waiting); err == nil && o.drained() {
			return
		}
		select {
		case <-waiting.Done():
			return
		case <-ticker.C:
		}
	}
}
