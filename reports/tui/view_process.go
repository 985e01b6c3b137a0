package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/notifyctl/notifyctl/scenarios/load"
)

// process is how the processes do: the server's, and the generator of a load
// test.
func (c *canvas) process() []string {
	var generator []string
	if c.Run != nil && c.Run.Report != nil {
		generator = append([]string{c.rule("generator", "is it the system, or what loads it?")}, c.generator()...)
	}
	own := c.resources()
	room := c.height - len(generator) - len(own) - 1
	lines := append(generator, c.rule("server", c.version()))
	lines = append(lines, own...)
	memory := chart{write: size, least: 1e6, lines: []line{{rss, "resident", true}, {heap, "live heap", false}}}
	busy := chart{write: decimal, least: 0.1, lines: []line{{cores, "", false}}}
	if room/2 > leastChart {
		lines = append(lines, c.chart("cores in use", busy, nil, min(room/2-1, mostChart))...)
		room /= 2
	}
	if room > leastChart {
		lines = append(lines, c.chart("memory", memory, nil, min(room-1, mostChart))...)
	}
	return lines
}

func (c *canvas) version() string {
	s := c.status()
	if s.Version == "" {
		return ""
	}
	return c.t.Text(s.Version)
}

// resources are the server's process in numbers, and how they went.
func (c *canvas) resources() []string {
	if c.Server.Status == nil {
		return []string{" not observed: it shows no status"}
	}
	r := c.status().Resources
	spark := c.spark(40)
	var lines []string
	for _, x := range []struct{ label, name, text string }{
		{"cores in use", cores, decimal(c.history.last(cores))},
		{"live heap", heap, size(float64(r.HeapBytes))},
		{"resident", rss, size(orNaN(r.RSSBytes))},
		{"goroutines", goroutines, count(float64(r.Goroutines))},
		{"open files", openFiles, count(orNaN(r.OpenFiles))},
		{"GC pauses", gcPause, decimal(c.history.last(gcPause)) + " %"},
	} {
		line := " " + fit(x.label, 16) + right(x.text, 10) + "   " + sparkline(c.history, c.t, x.name, c.seconds, spark)
		if c.stale() {
			line = c.t.Dim(line)
		}
		lines = append(lines, line)
	}
	return append(lines, fmt.Sprintf(" %s%10s   GC cycles, %s of CPU for them", fit("", 16), count(float64(r.GCCycles)), seconds(r.GCCPUSeconds)))
}

func seconds(v float64) string { return latency(v * 1000) }

// generator says whether the load was made as it was planned.
func (c *canvas) generator() []string {
	r := c.Run.Report
	achieved := r.Achieved() * 100
	line := func(label, text, remark string) string {
		return strings.TrimRight(" "+fit(label, 16)+right(text, 10)+"   "+c.t.Dim(remark), " ")
	}
	lines := []string{
		line("load sent", percent(achieved), "of the schedule; under 99 % nothing is proven"),
		line("late", count(float64(r.Late)), fmt.Sprintf("requests over 10 ms late, %s by the target's fault", count(float64(r.LateHeld)))),
		line("dropped", count(float64(r.Total.Dropped)), "requests, being over 1 s late"),
		line("connections", count(float64(r.Connections)), "at most, at once"),
		line("p99", latency(milliseconds(r.Response.P99)), "from the schedule"),
		line("", latency(milliseconds(r.Service.P99)), "from the send"),
	}
	if answers := c.answers(&r.Total); answers != "" {
		lines = append(lines, " "+fit("answers", 16)+"          "+answers)
	}
	return lines
}

// answers says what came of the requests, most first.
func (c *canvas) answers(total *load.Counts) string {
	type answer struct {
		kind load.Kind
		n    uint64
	}
	var all []answer
	for kind, n := range total.Kinds {
		if n > 0 {
			all = append(all, answer{load.Kind(kind), n})
		}
	}
	slices.SortStableFunc(all, func(a, b answer) int { return cmp.Compare(b.n, a.n) })
	parts := make([]string, len(all))
	for i, a := range all {
		parts[i] = count(float64(a.n)) + " " + stateText(a.kind.String())
		if a.kind.IsError() {
			parts[i] = c.t.Bad(parts[i])
		}
	}
	return strings.Join(parts, ", ")
}
