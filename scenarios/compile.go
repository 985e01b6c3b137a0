package scenarios

import (
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

// compileLoad puts the clients' side into a result.
func (r *Result) compileLoad(report *load.Report, batch int) {
	g := &r.Generator
	g.Connections = report.Connections
	g.Seconds = report.Elapsed.Seconds()
	g.Achieved = report.Achieved()
	g.Late, g.LateHeld, g.DroppedHeld = report.Late, report.LateHeld, report.DroppedHeld
	g.Latency, g.Service = latencies(report.Response), latencies(report.Service)
	g.Answers = map[string]uint64{}
	for _, kind := range load.Kinds() {
		if n := report.Total.Kinds[kind]; n > 0 {
			g.Answers[kind.String()] = n
		}
	}
	g.Firsts = []Answer{}
	for _, a := range report.Firsts {
		g.Firsts = append(g.Firsts, Answer{Kind: a.Kind.String(), At: a.At.Seconds(), Status: a.Status, ContentType: a.ContentType, Text: a.Text})
	}
	r.Stages = make([]StageResult, len(report.Stages))
	for i, s := range report.Stages {
		r.Stages[i] = StageResult{
			Name: s.Name, From: s.From.Seconds(), To: s.To.Seconds(),
			Counts:         countsOf(s.Counts, uint64(batch)),
			Requests:       countsOf(s.Counts, 1),
			Latency:        latencies(s.Response),
			ServiceLatency: latencies(s.Service),
		}
	}
}

// countsOf counts what requests of a size hold.
func countsOf(c load.Counts, size uint64) Counts {
	return Counts{
		Offered: c.Offered * size, Sent: c.Sent * size, Dropped: c.Dropped * size, Unsent: c.Unsent * size,
		Accepted: c.Accepted() * size, Refused: c.Refused() * size, Errors: c.Errors() * size,
	}
}

// latencies is nil when there are none.
func latencies(l load.Latency) *Latencies {
	if l.Count == 0 {
		return nil
	}
	return &Latencies{
		P50: milliseconds(l.P50), P90: milliseconds(l.P90), P95: milliseconds(l.P95),
		P99: milliseconds(l.P99), Max: milliseconds(l.Max),
	}
}

func latenciesOf(h api.Histogram) *Latencies {
	if h.Count() == 0 {
		return nil
	}
	at := func(q float64) float64 { return milliseconds(h.Quantile(q)) }
	return &Latencies{P50: at(0.5), P90: at(0.9), P95: at(0.95), P99: at(0.99), Max: milliseconds(h.Max())}
}

// compileSystem puts the system's side into a result: what happened between
// the first and the last snapshot.
func (r *Result) compileSystem(o *observation) {
	r.Environment.Engines = o.last.Engines
	r.compileEndToEnd(o)
	r.compilePriorities(o)
	r.Workers = map[string]Workers{}
	for _, now := range o.last.Workers {
		then := find(o.first.Workers, func(w api.Workers) bool { return w.Channel == now.Channel })
		r.Workers[now.Channel] = Workers{
			Desired: now.Desired, Running: now.Running,
			Batches: now.Batches - then.Batches, Entries: now.Entries - then.Entries,
		}
	}
	r.Providers = map[string]Provider{}
	for _, now := range o.last.Providers {
		then := find(o.first.Providers, func(p api.Provider) bool { return p.Name == now.Name })
		r.Providers[now.Name] = Provider{
			Channel: now.Channel,
			Calls:   now.Calls - then.Calls, Entries: now.Entries - then.Entries,
			Sent: now.Sent - then.Sent, Permanent: now.Permanent - then.Permanent,
			Throttled: now.Throttled - then.Throttled, Transient: now.Transient - then.Transient,
			Ambiguous: now.Ambiguous - then.Ambiguous,
			Segments:  now.Segments - then.Segments,
			Latency:   latenciesOf(now.Latency.Sub(then.Latency)),
		}
	}
	r.Caches = map[string]Cache{}
	for _, now := range o.last.Caches {
		then := find(o.first.Caches, func(c api.Cache) bool { return c.Name == now.Name })
		c := Cache{Hits: now.Hits - then.Hits, Misses: now.Misses - then.Misses, Entries: now.Entries}
		if asked := c.Hits + c.Misses; asked > 0 {
			ratio := float64(c.Hits) / float64(asked)
			c.HitRatio = &ratio
		}
		r.Caches[now.Name] = c
	}
	now, then := o.last.Resources, o.first.Resources
	r.Resources.System = &SystemResources{
		CPUSeconds: now.CPUSeconds - then.CPUSeconds,
		HeapBytes:  now.HeapBytes, RSSBytes: now.RSSBytes, Goroutines: now.Goroutines,
		GCPauseSeconds: now.GCPauseSeconds - then.GCPauseSeconds,
	}
}

// compileCPU puts what was used of the processor into a result.
func (r *Result) compileCPU(use load.CPUUse) {
	r.Resources.ProcessCPUSeconds = use.Process.Seconds()
	if r.Ledger.Accepted > 0 {
		each := use.Process.Seconds() * 1e6 / float64(r.Ledger.Accepted)
		r.Resources.CPUPerNotification = &each
	}
	if busy, ok := use.Machine(); ok {
		r.Resources.MachineBusy = &busy
	}
}

// find gives the entry that matches, or a zero one.
func find[T any](all []T, matches func(T) bool) T {
	for _, v := range all {
		if matches(v) {
			return v
		}
	}
	var none T
	return none
}

// compileCourse puts how a run went into its result.
func (r *Result) compileCourse(c *course) {
	r.Timeline, r.Marks = c.timeline(), c.allMarks()
	c.mu.Lock()
	defer c.mu.Unlock()
	whole := &c.whole.interval
	if seen := &whole.system; seen.answers > 0 {
		r.Queue = &Queue{Deepest: seen.deepest, Final: seen.last.queue}
	}
	if whole.mock > 0 {
		r.Resources.MocksBusy = &whole.mock
	}
}
