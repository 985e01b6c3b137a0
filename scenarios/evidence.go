package scenarios

import (
	"time"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

// evidence is what the witnesses say of a run. Checks are judged by views of it,
// of a part of the run each.
//
// The clients' side and the account are all that the shards of a divided run have
// each a part of. Evidence with those alone, a report put together from the
// shards' results and their accounts added up, judges the checks that are about
// them anew; what a shard's own checks say of the system, which all of them saw,
// is taken from one. See rejudge.
type evidence struct {
	load    *load.Report
	batch   int
	machine *float64 // share of the machine's CPU in use; nil where nobody knows
	mock    float64  // the most that the mock providers were busy, from 0 to 1
	account Account
	over    bool // whether the load and the drain have ended

	// What only the evidence of one run has.
	cpu      load.CPUUse
	observed *observation // nil when the system did not say
	course   *course
	marks    *marks
}

// view is the evidence of one part of a run: of a stage, the drain, a window, or
// the whole.
type view struct {
	clients clientView
	system  *systemCounts // nil, or without answers, when the system did not say
	watched bool          // whether the system says anything at all
	batch   int           // notifications a request
	machine *float64
	mock    float64

	connections int // to a provider, by the plan

	// What only a span has, not a window.
	span     *span // nil in a window, and in evidence of several runs
	evidence *evidence
}

// clientView is what the clients saw, in numbers of requests.
type clientView struct {
	seconds                   float64
	offered, sent, dropped    uint64
	accepted, refused, errors uint64
	droppedHeld               uint64
	late, lateHeld            uint64
	response, service         load.Latency
}

// achieved is the share of what was due that was sent.
func (c *clientView) achieved() float64 {
	if c.offered == 0 {
		return 1
	}
	return float64(c.sent) / float64(c.offered)
}

// rate is how many were accepted, a second.
func (c *clientView) rate() float64 {
	if c.seconds == 0 {
		return 0
	}
	return float64(c.accepted) / c.seconds
}

// viewOfRequests is what an interval says, in which requests count when they were
// answered. Of what was due in it, a few may be on the way to being sent as it ends:
// that they will not be is known when they are dropped.
func viewOfRequests(c *clientCounts) clientView {
	return clientView{
		seconds: c.seconds, offered: c.sent + c.dropped, sent: c.sent, dropped: c.dropped,
		accepted: c.accepted, refused: c.refused, errors: c.errors,
		droppedHeld: c.droppedHeld, late: c.late, lateHeld: c.lateHeld,
		response: summaryOf(c.response), service: summaryOf(c.service),
	}
}

// viewOfReport is what the whole report says, or that of a stage, in which
// requests count where they were due.
func viewOfReport(counts load.Counts, response, service load.Latency, took time.Duration) clientView {
	return clientView{
		seconds: took.Seconds(), offered: counts.Offered, sent: counts.Sent, dropped: counts.Dropped,
		accepted: counts.Accepted(), refused: counts.Refused(), errors: counts.Errors(),
		response: response, service: service,
	}
}

// view gives the evidence of a stage, of the drain, or, by the empty name, of the
// whole run. The course, if there is one, is locked.
func (e *evidence) view(during string) *view {
	v := &view{batch: e.batch, machine: e.machine, mock: e.mock, evidence: e}
	if e.course != nil {
		v.span = e.course.span(during)
		v.system, v.watched, v.connections = &v.span.interval.system, e.course.last != nil, e.course.connections
	}
	if during == "" {
		r := e.load
		v.clients = viewOfReport(r.Total, r.Response, r.Service, r.Elapsed)
		v.clients.droppedHeld, v.clients.late, v.clients.lateHeld = r.DroppedHeld, r.Late, r.LateHeld
		return v
	}
	for _, s := range e.load.Stages {
		if s.Name == during {
			v.clients = viewOfReport(s.Counts, s.Response, s.Service, s.To-s.From)
			// Of several runs it is not known in which stage they were late.
			share := float64(s.Sent) / float64(max(e.load.Total.Sent, 1))
			v.clients.late, v.clients.lateHeld = uint64(float64(e.load.Late)*share), uint64(float64(e.load.LateHeld)*share)
			v.clients.droppedHeld = min(e.load.DroppedHeld, s.Dropped)
		}
	}
	if v.span != nil {
		c := &v.span.interval.clients
		v.clients.droppedHeld, v.clients.late, v.clients.lateHeld = c.droppedHeld, c.late, c.lateHeld
		v.machine, v.mock = machineOf(v.span.interval.cpu), v.span.interval.mock
	}
	return v
}

// windows are those that were judged while the run lasted.
func (e *evidence) windows() []*windowed {
	if e.course == nil {
		return nil
	}
	return e.course.windows
}

// summaryOf reads off a histogram what a report says of one.
func summaryOf(h api.Histogram) load.Latency {
	return load.Latency{
		Count: uint64(h.Count()),
		P50:   h.Quantile(0.5), P90: h.Quantile(0.9), P95: h.Quantile(0.95), P99: h.Quantile(0.99), Max: h.Max(),
	}
}
