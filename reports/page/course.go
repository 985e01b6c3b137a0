package page

import (
	"fmt"
	"math"
	"slices"

	"github.com/notifyctl/notifyctl/reports"
	"github.com/notifyctl/notifyctl/scenarios"
)

// course is how the run went, as charts over one time axis.
type course struct {
	Every   string
	Times   []tick
	Stages  []band
	Faults  []band
	Moments []moment // what happened, as lines through the charts
	Charts  []chart
	Events  []event
}

// band is a span of the run, in per cent of its length.
type band struct {
	From, Width float64
	Text        string
	Odd         bool
}

// moment is a place on the time axis at which something happened.
type moment struct {
	At   float64
	Kind string
	Sign string
	Text string
}

// event is a line of what happened.
type event struct {
	When, Sign, Kind, Text string
}

// mostMoments is how many lines a chart bears; the list below has them all.
const mostMoments = 80

// courseOf draws the course of a run; nil when the result has none.
func courseOf(r *scenarios.Result) *course {
	if r.Timeline == nil || len(r.Timeline.Points) == 0 {
		return nil
	}
	length := lengthOf(r)
	c := &course{Every: reports.Seconds(r.Timeline.Every), Times: timeAxis(length)}
	share := func(at float64) float64 { return round(min(max(at/length*100, 0), 100)) }
	for i, s := range r.Stages {
		c.Stages = append(c.Stages, band{From: share(s.From), Width: round(share(s.To) - share(s.From)), Text: reports.Clean(s.Name), Odd: i%2 == 1})
	}
	for _, m := range r.Marks {
		text := reports.Clean(m.Text)
		when := reports.ClockOf(m.At)
		if m.Until != nil {
			when += " to " + reports.ClockOf(*m.Until)
		}
		c.Events = append(c.Events, event{when, sign(m.Kind), string(m.Kind), text})
		switch {
		case m.Kind == scenarios.StageMark:
		case m.Kind == scenarios.FaultMark && m.Until != nil:
			c.Faults = append(c.Faults, band{From: share(m.At), Width: round(share(*m.Until) - share(m.At)), Text: text})
		case len(c.Moments) < mostMoments:
			c.Moments = append(c.Moments, moment{share(m.At), string(m.Kind), sign(m.Kind), when + " " + text})
		}
	}
	c.Charts = chartsOf(r.Timeline.Points, length)
	return c
}

// sign is how a kind of mark is drawn.
func sign(k scenarios.MarkKind) string {
	switch k {
	case scenarios.FaultMark:
		return "▨"
	case scenarios.ScalingMark:
		return "▲"
	case scenarios.BreakerMark:
		return "◆"
	case scenarios.SystemMark:
		return "✕"
	case scenarios.GeneratorMark:
		return "!"
	case scenarios.StageMark:
	}
	return "▏"
}

// lengthOf is how long the time axis is, in seconds.
func lengthOf(r *scenarios.Result) float64 {
	length := max(r.Generator.Seconds, r.Timeline.Points[len(r.Timeline.Points)-1].At)
	for _, s := range r.Stages {
		length = max(length, s.To)
	}
	return max(length, 1e-3)
}

// chartsOf draws what the clients and the system saw.
func chartsOf(points []scenarios.Point, length float64) []chart {
	moments := make([]float64, len(points))
	for i := range points {
		moments[i] = points[i].At
	}
	line := func(name, style string, of func(*scenarios.Point) float64) series {
		s := series{Name: name, Style: style, values: make([]float64, len(points))}
		for i := range points {
			s.values[i] = of(&points[i])
		}
		return s
	}
	rates := []series{
		line("offered", "s-offered", func(p *scenarios.Point) float64 { return p.Offered }),
		line("accepted", "s-accepted", func(p *scenarios.Point) float64 { return p.Accepted }),
	}
	if failed := line("failed", "s-failed", func(p *scenarios.Point) float64 { return p.Refused + p.Errors + p.Dropped }); slices.Max(failed.values) > 0 {
		rates = append(rates, failed)
	}
	latency := func(of func(*scenarios.Latencies) float64) func(*scenarios.Point) float64 {
		return func(p *scenarios.Point) float64 {
			if p.Latency == nil {
				return math.NaN()
			}
			return of(p.Latency)
		}
	}
	latencies := []series{
		line("p50", "s-p50", latency(func(l *scenarios.Latencies) float64 { return l.P50 })),
		line("p90", "s-p90", latency(func(l *scenarios.Latencies) float64 { return l.P90 })),
		line("p99", "s-p99", latency(func(l *scenarios.Latencies) float64 { return l.P99 })),
		line("p99 from the send", "s-sent", func(p *scenarios.Point) float64 {
			if p.ServiceP99 == nil {
				return math.NaN()
			}
			return *p.ServiceP99
		}),
	}
	count := kind{axis: axisCount, number: func(v float64) string { return reports.Quantity(math.Round(v), "") }}
	charts := []chart{
		newChart("rate", "Rate", "notifications a second", kind{axis: axisCount, number: reports.Rate}, moments, length, rates),
		newChart("latency", "Latency", "from the schedule, logarithmic", kind{logarithmic: true, axis: axisLatency, number: reports.Milliseconds}, moments, length, latencies),
	}
	if !slices.ContainsFunc(points, func(p scenarios.Point) bool { return p.System != nil }) {
		return charts
	}
	system := func(of func(*scenarios.SystemPoint) float64) func(*scenarios.Point) float64 {
		return func(p *scenarios.Point) float64 {
			if p.System == nil {
				return math.NaN()
			}
			return of(p.System)
		}
	}
	queue := line("waiting", "s-queue", system(func(s *scenarios.SystemPoint) float64 { return float64(s.Queue) }))
	charts = append(charts, newChart("queue", "Queue", "notifications that wait, in all queues", count, moments, length, []series{queue}))
	if pools := poolSeries(points, line, system); len(pools) > 0 {
		charts = append(charts, newChart("workers", "Workers", "wanted and running, by pool", count, moments, length, pools))
	}
	return charts
}

// mostPools is how many pools a chart can tell apart.
const mostPools = 5

// poolSeries are the pools' lines: what was wanted dashed, what ran solid.
func poolSeries(points []scenarios.Point, line func(string, string, func(*scenarios.Point) float64) series,
	system func(func(*scenarios.SystemPoint) float64) func(*scenarios.Point) float64,
) []series {
	var names []string
	for _, p := range points {
		if p.System == nil {
			continue
		}
		for name := range p.System.Pools {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.SortFunc(names, comparePools)
	var all []series
	for i, name := range names[:min(len(names), mostPools)] {
		of := func(pick func(scenarios.PoolPoint) int64) func(*scenarios.Point) float64 {
			return system(func(s *scenarios.SystemPoint) float64 {
				if pool, ok := s.Pools[name]; ok {
					return float64(pick(pool))
				}
				return math.NaN()
			})
		}
		wanted := line(reports.Clean(name)+" wanted", fmt.Sprintf("s-pool%d wanted", i), of(func(p scenarios.PoolPoint) int64 { return p.Desired }))
		running := line(reports.Clean(name)+" running", fmt.Sprintf("s-pool%d", i), of(func(p scenarios.PoolPoint) int64 { return p.Running }))
		wanted.stepped, running.stepped = true, true
		all = append(all, wanted, running)
	}
	return all
}

// comparePools puts the channels' pools first, as all reports do.
func comparePools(a, b string) int {
	rank := func(name string) int {
		if i := slices.Index([]string{"push", "email", "sms"}, name); i >= 0 {
			return i
		}
		return 3
	}
	if d := rank(a) - rank(b); d != 0 {
		return d
	}
	if a < b {
		return -1
	}
	return 1
}
