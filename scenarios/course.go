package scenarios

import (
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/api"
)

// course is how a run goes. Every second it is told what was seen, and keeps of it
// what checks, the timeline and displays need, in memory that does not grow with
// the run. It is safe for concurrent use.
type course struct {
	batch       int // notifications a request
	connections int // to a provider, by the plan
	marks       *marks

	mu      sync.Mutex
	whole   *span
	stages  []*span // as many as the scenario has, then the drain
	windows []*windowed
	bins    bins
	scaling *scalingWatch
	last    *api.Status   // nil until the system has answered
	at      time.Duration // of the last interval's end
	held    condition     // something is in flight
	open    condition     // a breaker is not closed
	events  time.Time     // of the last scaling event that was marked
	behind  func()        // ends the mark of a generator that is behind; nil while it is not
	away    func()        // ends the mark of a system that does not answer; nil while it does
}

// newCourse makes the course of a run of scaled stages.
func newCourse(stages []Stage, checks []expected, targets scalingTargets, connections int, timeScale float64, m *marks) *course {
	c := &course{batch: targets.batch, connections: connections, marks: m, scaling: newScalingWatch(targets), bins: bins{every: pollEvery, batch: targets.batch}}
	at := time.Duration(0)
	for _, s := range stages {
		c.stages = append(c.stages, &span{name: s.Name, from: at, to: at + s.For})
		at += s.For
	}
	c.whole = &span{to: at}
	c.stages = append(c.stages, &span{name: Drain, from: at, to: at})
	for i := range checks {
		if checks[i].Over > 0 {
			c.windows = append(c.windows, newWindowed(&checks[i], timeScale))
		}
	}
	return c
}

// begin says what the system was before the load.
func (c *course) begin(status *api.Status) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = status
	if n := len(status.Scaling.Events); n > 0 {
		c.events = status.Scaling.Events[n-1].At
	}
	c.scaling.look(status)
}

// add takes what was seen of the next interval; status is the system's answer at
// the end of it, nil when there was none.
func (c *course) add(i interval, status *api.Status) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if status != nil {
		c.answered(&i, status)
	}
	c.at = i.to
	c.markLateness(&i.clients)
	c.bins.add(i)
	stage := c.stageAt(middle(i))
	if stage.interval.to == 0 {
		stage.before = c.whole.interval
	}
	c.whole.add(i)
	stage.add(i)
	if status != nil {
		for _, s := range c.stages {
			s.settle(i.to, &i.system.last)
		}
		c.whole.settle(i.to, &i.system.last)
	}
	for _, w := range c.windows {
		if w.check.During == "" || w.check.During == stage.name {
			w.add(i, func(sum interval) Check { return w.check.judge(c.viewOf(&sum)) })
		}
	}
}

// viewOf is the evidence of a window.
func (c *course) viewOf(sum *interval) *view {
	return &view{clients: viewOfRequests(&sum.clients), system: &sum.system, watched: c.last != nil, batch: c.batch, connections: c.connections, machine: machineOf(sum.cpu), mock: sum.mock}
}

// answered fills in what the system's answer adds to an interval.
func (c *course) answered(i *interval, status *api.Status) {
	then := c.last
	if then == nil {
		then = status
	}
	i.system = growth(then, status)
	i.system.scaling = c.scaling.look(status)
	c.markScaling(status)
	c.markBreakers(then, status)
	c.last = status
	l := &i.system.last
	c.held.see(l.inFlight > 0, i.to)
	c.open.see(l.open(), i.to)
}

// condition is something that is seen to hold or not, again and again.
type condition struct {
	holds bool
	since time.Duration // when it came to hold, or ended, last
}

func (c *condition) see(holds bool, at time.Duration) {
	if c.holds != holds {
		c.holds, c.since = holds, at
	}
}

// stageAt gives the stage that a moment lies in, or the drain.
func (c *course) stageAt(at time.Duration) *span {
	for _, s := range c.stages {
		if at < s.to {
			return s
		}
	}
	return c.stages[len(c.stages)-1]
}

// span finds a stage, or the drain, by its name; the empty one is the whole run.
func (c *course) span(name string) *span {
	if name == "" {
		return c.whole
	}
	for _, s := range c.stages {
		if s.name == name {
			return s
		}
	}
	panic("BUG: a check during an unknown stage: " + name)
}

// mocksBusy is the most that the mock providers were busy.
func (c *course) mocksBusy() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.whole.interval.mock
}

// timeline gives the points so far.
func (c *course) timeline() *Timeline {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bins.timeline()
}
