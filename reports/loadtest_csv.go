package reports

import (
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/notifyctl/notifyctl/scenarios"
)

// csvColumn is one column of a run's course: its title, and what a point has to
// say in it.
type csvColumn struct {
	title string
	cell  func(*scenarios.Point) string
}

// TimelineCSV writes the course of a run as comma-separated values, a line a
// point. What was not seen is an empty cell. A result without a course has the
// titles alone.
func TimelineCSV(w io.Writer, r *scenarios.Result) error {
	var points []scenarios.Point
	if r.Timeline != nil {
		points = r.Timeline.Points
	}
	columns := slices.Concat(clientColumns(r), systemColumns(), groupColumns(points))
	records := make([][]string, 1, len(points)+1)
	for _, c := range columns {
		records[0] = append(records[0], cell(c.title))
	}
	for i := range points {
		record := make([]string, len(columns))
		for j, c := range columns {
			record[j] = c.cell(&points[i])
		}
		records = append(records, record)
	}
	return writeCSV(w, records, "timeline")
}

// clientColumns are what the clients saw.
func clientColumns(r *scenarios.Result) []csvColumn {
	plain := func(title string, of func(*scenarios.Point) float64) csvColumn {
		return csvColumn{title, func(p *scenarios.Point) string { v := of(p); return number(&v) }}
	}
	latency := func(title string, of func(*scenarios.Latencies) float64) csvColumn {
		return csvColumn{title, func(p *scenarios.Point) string {
			if p.Latency == nil {
				return ""
			}
			v := of(p.Latency)
			return number(&v)
		}}
	}
	return []csvColumn{
		plain("at_s", func(p *scenarios.Point) float64 { return p.At }),
		{"stage", func(p *scenarios.Point) string { return cell(stageAt(r, p.At)) }},
		plain("offered", func(p *scenarios.Point) float64 { return p.Offered }),
		plain("sent", func(p *scenarios.Point) float64 { return p.Sent }),
		plain("dropped", func(p *scenarios.Point) float64 { return p.Dropped }),
		plain("accepted", func(p *scenarios.Point) float64 { return p.Accepted }),
		plain("refused", func(p *scenarios.Point) float64 { return p.Refused }),
		plain("errors", func(p *scenarios.Point) float64 { return p.Errors }),
		latency("latency_p50_ms", func(l *scenarios.Latencies) float64 { return l.P50 }),
		latency("latency_p90_ms", func(l *scenarios.Latencies) float64 { return l.P90 }),
		latency("latency_p95_ms", func(l *scenarios.Latencies) float64 { return l.P95 }),
		latency("latency_p99_ms", func(l *scenarios.Latencies) float64 { return l.P99 }),
		latency("latency_max_ms", func(l *scenarios.Latencies) float64 { return l.Max }),
		{"service_p99_ms", func(p *scenarios.Point) string { return number(p.ServiceP99) }},
		{"machine_busy", func(p *scenarios.Point) string { return number(p.Machine) }},
	}
}

// stageAt names the stage that an interval which ends at a time belongs to;
// after the last one it is the drain.
func stageAt(r *scenarios.Result, at float64) string {
	for _, s := range r.Stages {
		if at <= s.To {
			return s.Name
		}
	}
	return drainName
}

// drainName is what the time after the last stage is called.
const drainName = "drain"

// systemColumns are what the system said of itself as a whole.
func systemColumns() []csvColumn {
	said := func(title string, of func(*scenarios.SystemPoint) string) csvColumn {
		return csvColumn{title, func(p *scenarios.Point) string {
			if p.System == nil {
				return ""
			}
			return of(p.System)
		}}
	}
	whole := func(title string, of func(*scenarios.SystemPoint) int64) csvColumn {
		return said(title, func(s *scenarios.SystemPoint) string { return strconv.FormatInt(of(s), 10) })
	}
	known := func(title string, of func(*scenarios.SystemPoint) *int64) csvColumn {
		return said(title, func(s *scenarios.SystemPoint) string {
			if v := of(s); v != nil {
				return strconv.FormatInt(*v, 10)
			}
			return ""
		})
	}
	return []csvColumn{
		said("delivered", func(s *scenarios.SystemPoint) string { return number(&s.Delivered) }),
		whole("queue", func(s *scenarios.SystemPoint) int64 { return s.Queue }),
		whole("oldest_ms", func(s *scenarios.SystemPoint) int64 { return s.OldestMS }),
		said("cpu_cores", func(s *scenarios.SystemPoint) string { return number(&s.CPU) }),
		whole("heap_bytes", func(s *scenarios.SystemPoint) int64 { return s.HeapBytes }),
		known("rss_bytes", func(s *scenarios.SystemPoint) *int64 { return s.RSSBytes }),
		whole("goroutines", func(s *scenarios.SystemPoint) int64 { return s.Goroutines }),
		known("open_files", func(s *scenarios.SystemPoint) *int64 { return s.OpenFiles }),
		whole("connections", func(s *scenarios.SystemPoint) int64 { return s.Connections }),
	}
}

// groupColumns are what the system said of its pools, providers and caches: a
// column for each that has one anywhere.
func groupColumns(points []scenarios.Point) []csvColumn {
	var columns []csvColumn
	for _, priority := range namesIn(points, func(s *scenarios.SystemPoint) map[string]float64 { return s.EndToEndP99 }) {
		columns = append(columns, grouped("end_to_end_"+priority+"_p99_ms", priority,
			func(s *scenarios.SystemPoint) map[string]float64 { return s.EndToEndP99 },
			func(v float64) string { return number(&v) }))
	}
	pools := func(s *scenarios.SystemPoint) map[string]scenarios.PoolPoint { return s.Pools }
	for _, pool := range namesIn(points, pools) {
		columns = append(columns,
			grouped("desired_"+pool, pool, pools, func(p scenarios.PoolPoint) string { return strconv.FormatInt(p.Desired, 10) }),
			grouped("running_"+pool, pool, pools, func(p scenarios.PoolPoint) string { return strconv.FormatInt(p.Running, 10) }))
	}
	breakers := func(s *scenarios.SystemPoint) map[string]string { return s.Breakers }
	for _, provider := range namesIn(points, breakers) {
		columns = append(columns, grouped("breaker_"+provider, provider, breakers, cell))
	}
	ratios := func(s *scenarios.SystemPoint) map[string]float64 { return s.HitRatios }
	for _, cache := range namesIn(points, ratios) {
		columns = append(columns, grouped("hit_ratio_"+cache, cache, ratios, func(v float64) string { return number(&v) }))
	}
	return columns
}

// grouped is the column of one member of a group.
func grouped[V any](title, name string, group func(*scenarios.SystemPoint) map[string]V, write func(V) string) csvColumn {
	return csvColumn{title, func(p *scenarios.Point) string {
		if p.System == nil {
			return ""
		}
		if v, ok := group(p.System)[name]; ok {
			return write(v)
		}
		return ""
	}}
}

// namesIn lists the members that a group has in any of the points, in order.
func namesIn[V any](points []scenarios.Point, group func(*scenarios.SystemPoint) map[string]V) []string {
	seen := map[string]bool{}
	for _, p := range points {
		if p.System == nil {
			continue
		}
		for name := range group(p.System) {
			seen[name] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}
