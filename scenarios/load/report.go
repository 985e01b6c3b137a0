package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/notifyctl/notifyctl/pipeline/api"
)

// Latency is a distribution of durations in short. Without values it is all
// zero, with Count 0.
type Latency struct {
	Count                   uint64
	P50, P90, P95, P99, Max time.Duration
}

func latencyOf(h *hdrhistogram.Histogram) Latency {
	at := func(percent float64) time.Duration {
		return time.Duration(h.ValueAtPercentile(percent)) * time.Microsecond
	}
	if h.TotalCount() == 0 {
		return Latency{}
	}
	return Latency{
		Count: uint64(h.TotalCount()),
		P50:   at(50), P90: at(90), P95: at(95), P99: at(99),
		Max: time.Duration(h.Max()) * time.Microsecond,
	}
}

// Counts are numbers of requests. Offered = Sent + Dropped + Unsent, and, of a
// run that is over, Sent is the sum of Kinds.
type Counts struct {
	Offered uint64 // due by the schedule
	Sent    uint64
	Dropped uint64 // shed by the generator, being too late
	Unsent  uint64 // due, but not sent by the end of a run that was ended before its time
	Kinds   [kinds]uint64
}

// Accepted is how many were answered 202 as the API does.
func (c Counts) Accepted() uint64 { return c.Kinds[Accepted] }

// Refused is how many were answered 429 or 503.
func (c Counts) Refused() uint64 { return c.Kinds[Refused] }

// Errors is how many ended any other way.
func (c Counts) Errors() uint64 {
	var n uint64
	for kind, count := range c.Kinds {
		if Kind(kind).IsError() {
			n += count
		}
	}
	return n
}

func (c *Counts) add(other Counts) {
	c.Offered += other.Offered
	c.Sent += other.Sent
	c.Dropped += other.Dropped
	c.Unsent += other.Unsent
	for kind, n := range other.Kinds {
		c.Kinds[kind] += n
	}
}

// StageReport is what came of one stage of the schedule.
type StageReport struct {
	Name     string
	From, To time.Duration // since the start; To is earlier than planned when the run was ended
	Counts
	Response Latency // from the moment a request was due
	Service  Latency // from the moment it was sent
}

// Report is what came of a run.
type Report struct {
	Stages  []StageReport
	Total   Counts
	Elapsed time.Duration // of the schedule

	// The whole run's latencies, of which a stage's cannot be added up.
	Response Latency
	Service  Latency

	// Late is how many requests were sent more than 10 ms after they were due.
	// LateHeld and DroppedHeld are those of the late and the dropped that had
	// to wait for the target, because it had not answered on any connection;
	// the generator is to blame for the rest.
	Late        uint64
	LateHeld    uint64
	DroppedHeld uint64
	Connections int // at most, at once

	// Firsts are the first answers of each kind that did not accept.
	Firsts []Answer
}

// Achieved is the share of the offered requests that was sent.
func (r *Report) Achieved() float64 {
	if r.Total.Offered == 0 {
		return 1
	}
	return float64(r.Total.Sent) / float64(r.Total.Offered)
}

// Report says what came of the run so far. While it lasts, what has been sent
// and not been answered is missing.
func (g *Generator) Report() *Report {
	schedule, until := g.config.Schedule, g.pacer.until()
	_, held, dropped := g.pacer.drops()
	report := &Report{
		Elapsed:     until,
		DroppedHeld: held,
		Connections: g.config.Connections,
		Firsts:      g.exchange.firsts.list(),
	}
	whole := newTally(stageFigures)
	for i := range schedule.Stages() {
		stage, from, to := schedule.Stage(i)
		if from >= until {
			break
		}
		to = min(to, until)
		tally := g.recorder.stage(i)
		whole.merge(tally)
		s := StageReport{
			Name: stage.Name, From: from, To: to,
			Response: latencyOf(tally.response),
			Service:  latencyOf(tally.service),
		}
		s.Offered = schedule.SlotsBy(to) - schedule.SlotsBy(from)
		s.Dropped = dropped[i]
		s.Kinds = tally.counts
		for _, n := range tally.counts {
			s.Sent += n
		}
		s.Unsent = s.Offered - min(s.Offered, s.Sent+s.Dropped)
		report.Total.add(s.Counts)
		report.Stages = append(report.Stages, s)
	}
	report.Response, report.Service = latencyOf(whole.response), latencyOf(whole.service)
	report.Late, report.LateHeld = whole.late, whole.lateHeld
	return report
}

// Second is one second of a run, as it went by. Its numbers are of requests.
type Second struct {
	At                        time.Duration // its end, since the start
	Offered, Sent, Dropped    uint64
	Accepted, Refused, Errors uint64 // by when they were answered
	Response, Service         Latency
	Late, LateHeld            uint64 // of those answered, as in a Report
	DroppedHeld               uint64 // of the dropped, as in a Report
	// Responses and Services are the latencies themselves, which those of other
	// seconds can be added to.
	Responses, Services api.Histogram
}
