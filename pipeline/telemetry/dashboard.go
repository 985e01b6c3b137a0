package telemetry

import (
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

const (
	// Window is over how long the dashboard's readings are taken.
	Window = time.Minute
	// MarkEvery is how often a mark is wanted. A reading is over the window, and
	// at most so much more.
	MarkEvery = 10 * time.Second
)

// Targets are the service levels that were promised, as the plan has them. A
// zero one promises nothing.
type Targets struct {
	APIP99               time.Duration // of submissions
	EndToEndP99          time.Duration // of high priority
	TransactionalSuccess float64       // share of what was to be sent
	PromotionalSuccess   float64
	QueueDepth           float64 // notifications that wait in all queues
	QueueLag             time.Duration
	Utilisation          Target
	CacheHit             float64 // share of the reads of preferences that the caches answer
	Errors               float64 // share of requests that the API fails
	// Cost is a notification's, of each channel, with its share of the
	// infrastructure, in US dollars.
	Cost map[pipeline.Channel]float64
}

// Target bounds a reading. 0 is no bound.
type Target struct{ AtLeast, AtMost float64 }

// slack is how far a reading may be off for the arithmetic's sake.
const slack = 1e-9

// Met says whether a value is within the bounds.
func (t Target) Met(v float64) bool {
	return v >= t.AtLeast*(1-slack) && (t.AtMost == 0 || v <= t.AtMost*(1+slack))
}

// Reading is one number of the dashboard.
type Reading struct {
	*ReadingDefinition
	Values []string // of the labels
	// Value is nil where there was nothing to read it from, like a percentile
	// of no requests.
	Value  *float64
	Target Target // zero: none
}

// Dashboard takes the readings. It is safe for concurrent use.
type Dashboard struct {
	targets     Targets
	prices      Prices
	definitions []ReadingDefinition

	mu    sync.Mutex
	marks []mark // the oldest first
}

// mark is the state at a moment, without what no reading is taken from.
type mark struct {
	at        time.Time
	snapshot  Snapshot
	resources Resources
}

// NewDashboard makes a dashboard of metrics that have their prices, with a first
// mark at the start.
func NewDashboard(m *Metrics, targets Targets, start time.Time) *Dashboard {
	return &Dashboard{
		targets: targets, prices: m.priceList(), definitions: Readings(),
		marks: []mark{{at: start}},
	}
}

// Mark keeps the present state, for readings to be taken since.
func (d *Dashboard) Mark(now time.Time, s Snapshot, r Resources) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.marks = append(d.marks, mark{now, s.thin(), r})
	// The newest that the window has left behind is its beginning.
	for len(d.marks) > 1 && now.Sub(d.marks[1].at) >= Window {
		d.marks = slices.Delete(d.marks, 0, 1)
	}
}

// Read takes all readings: rates, shares and percentiles over the last window,
// or since the start when that is less ago; depths, lags and sizes as they are.
func (d *Dashboard) Read(now time.Time, s *Snapshot, depths []pipeline.Depth, r Resources) []Reading {
	v := &view{now: now, snapshot: s, depths: depths, resources: r, dashboard: d, before: d.before(now)}
	var all []Reading
	for i := range d.definitions {
		definition := &d.definitions[i]
		definition.read(v, func(value float64, known bool, target Target, labels ...string) {
			reading := Reading{ReadingDefinition: definition, Values: labels, Target: target}
			if known {
				reading.Value = &value
			}
			all = append(all, reading)
		})
	}
	return all
}

// before is the newest mark at least a window old, or the oldest of all.
func (d *Dashboard) before(now time.Time) mark {
	d.mu.Lock()
	defer d.mu.Unlock()
	found := d.marks[0]
	for _, m := range d.marks[1:] {
		if now.Sub(m.at) >= Window {
			found = m
		}
	}
	return found
}

// thin leaves out the histograms that no reading is taken from, which are most
// of a snapshot.
func (s Snapshot) thin() Snapshot {
	s.Requests, s.Queues, s.Providers = slices.Clone(s.Requests), slices.Clone(s.Queues), slices.Clone(s.Providers)
	for i := range s.Requests {
		if s.Requests[i].Route != submissions {
			s.Requests[i].Latency.Histogram = nil
		}
	}
	for i := range s.Queues {
		q := &s.Queues[i]
		q.Batches.Histogram = nil
		for stage := range q.EndToEnd.Stages {
			q.EndToEnd.Stages[stage].Histogram = nil
		}
	}
	for i := range s.Providers {
		s.Providers[i].Latency.Histogram = nil
	}
	s.Logs = nil
	return s
}

// submissions is the route whose latency is the API's.
const submissions = "/v1/notifications"

// view is the state between two moments.
type view struct {
	now       time.Time
	snapshot  *Snapshot
	depths    []pipeline.Depth
	resources Resources
	dashboard *Dashboard
	before    mark
}

// seconds is the time between the two, above 0.
func (v *view) seconds() float64 { return max(v.now.Sub(v.before.at), time.Millisecond).Seconds() }

func (v *view) targets() *Targets { return &v.dashboard.targets }

// queues gives each queue with its earlier state.
func (v *view) queues(f func(now, before *QueueSnapshot)) {
	for i := range v.snapshot.Queues {
		before := &QueueSnapshot{}
		if i < len(v.before.snapshot.Queues) {
			before = &v.before.snapshot.Queues[i]
		}
		f(&v.snapshot.Queues[i], before)
	}
}

// providers gives each provider with its earlier state.
func (v *view) providers(f func(now, before *ProviderSnapshot)) {
	for i := range v.snapshot.Providers {
		now := &v.snapshot.Providers[i]
		before := earlier(v.before.snapshot.Providers, func(p *ProviderSnapshot) bool { return p.Name == now.Name })
		before.Name = now.Name
		f(now, before)
	}
}

// requests gives each route with its earlier state.
func (v *view) requests(f func(now, before *RequestSnapshot)) {
	for i := range v.snapshot.Requests {
		now := &v.snapshot.Requests[i]
		f(now, earlier(v.before.snapshot.Requests, func(r *RequestSnapshot) bool { return r.Route == now.Route }))
	}
}

// earlier finds a state among those of an earlier snapshot; what was not there
// had counted nothing.
func earlier[S any](states []S, same func(*S) bool) *S {
	for i := range states {
		if same(&states[i]) {
			return &states[i]
		}
	}
	return new(S)
}

// caches gives each cache with what it counted in between; what it holds is of
// now.
func (v *view) caches(f func(c CacheSnapshot)) {
	for _, c := range v.snapshot.Caches {
		for _, before := range v.before.snapshot.Caches {
			if before.Name == c.Name {
				c.Hits, c.Misses = c.Hits-before.Hits, c.Misses-before.Misses
			}
		}
		f(c)
	}
}

// processors is how many the process may use.
func processors() float64 { return float64(runtime.GOMAXPROCS(0)) }
