package tui

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/guptarohit/asciigraph"

	"github.com/notifyctl/notifyctl/reports"
	"github.com/notifyctl/notifyctl/scenarios"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

// Below this size there is room for one column alone.
const (
	wideColumns = 80
	wideRows    = 20
	chartRows   = 4
)

// draw gives the whole screen, cut to its size.
func (s screen) draw() string {
	var lines []string
	if s.help {
		lines = append(s.header(), s.helpText()...)
	} else {
		lines = s.body()
	}
	footer := s.footer()
	room := max(s.height-1, 0)
	if len(lines) > room {
		lines = lines[:room]
	}
	for len(lines) < room {
		lines = append(lines, "")
	}
	lines = append(lines, footer)
	for i, line := range lines {
		lines[i] = ansi.Truncate(line, s.width, "")
	}
	return strings.Join(lines, "\n")
}

func (s screen) body() []string {
	lines := s.header()
	wide := s.width >= wideColumns && s.height >= wideRows
	if s.shown.Report == nil {
		return append(lines, "", "  waiting for the system to be ready")
	}
	if wide {
		lines = append(append(lines, s.chart()...), s.rule())
	} else {
		lines = append(lines, s.rateLine())
	}
	lines = append(lines, s.figures()...)
	lines = append(lines, s.rule())
	return append(lines, s.checks(wide)...)
}

func (s screen) rule() string {
	sign := "-"
	if s.options.Terminal.UTF8 {
		sign = "─"
	}
	return s.options.Terminal.Dim(strings.Repeat(sign, s.width))
}

func (s screen) header() []string {
	left := "notifyctl  " + reports.Clean(s.shown.Scenario) + "  " + reports.Clean(s.shown.Profile)
	middle := fmt.Sprintf("%s %s of %s", reports.Clean(s.shown.Stage), reports.Clock(s.shown.Elapsed), reports.Clock(s.shown.Total))
	right := string(s.shown.Phase)
	switch {
	case s.aborted:
		right = "stopping"
	case s.frozen:
		right = "frozen"
	}
	gap := max(s.width-len(left)-len(middle)-len(right), 2)
	return []string{left + strings.Repeat(" ", gap/2) + strings.TrimSpace(middle) + strings.Repeat(" ", gap-gap/2) + right, s.rule()}
}

// perSecond turns the requests of the last seconds into notifications.
func (s screen) perSecond(of func(load.Second) uint64) []float64 {
	values := make([]float64, len(s.shown.Seconds))
	for i, second := range s.shown.Seconds {
		values[i] = float64(of(second)) * float64(s.shown.Batch)
	}
	return values
}

// last is the last second of the run; zero before it.
func (s screen) last() load.Second {
	if n := len(s.shown.Seconds); n > 0 {
		return s.shown.Seconds[n-1]
	}
	return load.Second{}
}

func (s screen) notifications(requests uint64) string {
	return reports.Count(int64(requests) * int64(s.shown.Batch))
}

func (s screen) chart() []string {
	width := s.width - 34
	values := s.perSecond(func(second load.Second) uint64 { return second.Sent })
	if len(values) > width {
		values = values[len(values)-width:]
	}
	if len(values) == 0 {
		values = []float64{0}
	}
	options := []asciigraph.Option{
		asciigraph.Height(chartRows - 1), asciigraph.LowerBound(0), asciigraph.UpperBound(max(1, slices.Max(values))),
		asciigraph.YAxisValueFormatter(func(v float64) string { return fmt.Sprintf("%9s", reports.Count(int64(math.Round(v)))) }),
	}
	if !s.options.Terminal.UTF8 {
		options = append(options, asciigraph.SeriesChars(asciigraph.CreateCharSet("*")))
	}
	plot := strings.Split(asciigraph.Plot(values, options...), "\n")
	if !s.options.Terminal.UTF8 {
		for i := range plot {
			plot[i] = strings.NewReplacer("┤", "|", "┼", "+").Replace(plot[i])
		}
	}
	second := s.last()
	right := []string{
		fmt.Sprintf("offered/s  %9s", s.notifications(second.Offered)),
		fmt.Sprintf("sent/s     %9s", s.notifications(second.Sent)),
		fmt.Sprintf("accepted/s %9s", s.notifications(second.Accepted)),
		fmt.Sprintf("dropped    %9s", s.notifications(s.shown.Report.Total.Dropped)),
	}
	lines := make([]string, chartRows)
	for i := range lines {
		left := ""
		if i < len(plot) {
			left = ansi.Truncate(plot[i], s.width-22, "")
		}
		lines[i] = left + strings.Repeat(" ", max(s.width-22-ansi.StringWidth(left), 0)) + right[i]
	}
	return lines
}

func (s screen) rateLine() string {
	second := s.last()
	return fmt.Sprintf("rate       %s/s of %s/s, dropped %s", s.notifications(second.Sent), s.notifications(second.Offered),
		s.notifications(s.shown.Report.Total.Dropped))
}

// figures are the lines of numbers, of which the system's own are dimmed, with
// their age, when it does not answer.
func (s screen) figures() []string {
	l := s.last().Response
	api := "api        -"
	if l.Count > 0 {
		api = fmt.Sprintf("api        p50 %s   p90 %s   p99 %s", latency(l.P50), latency(l.P90), latency(l.P99))
		if s.width >= wideColumns {
			api += "   max " + latency(l.Max)
		}
	}
	lines := []string{api}
	v := s.shown.System
	if v == nil {
		return append(lines, s.options.Terminal.Dim("system     not observed: it shows no status"))
	}
	var own []string
	depth := fmt.Sprintf("queue      %9s  %s", reports.Count(v.Depth), s.spark(v.Depths))
	if v.OldestAge > 0 {
		depth += "  oldest " + reports.Milliseconds(float64(v.OldestAge.Milliseconds()))
	}
	own = append(own, depth)
	var workers, providers []string
	for _, w := range v.Workers {
		workers = append(workers, fmt.Sprintf("%s %d/%d busy", reports.Clean(w.Channel), w.Busy, w.Running))
	}
	for _, p := range v.Providers {
		if p.Calls > 0 {
			providers = append(providers, fmt.Sprintf("%s %s", reports.Clean(p.Name), reports.Count(p.Sent)))
		}
	}
	a := v.Account
	own = append(own,
		"workers    "+strings.Join(workers, "   "),
		"providers  "+strings.Join(providers, "   "),
		fmt.Sprintf("account    accepted %s  ended %s  in flight %s", reports.Count(a.Accepted), reports.Count(a.Ended()), reports.Count(a.InFlight)))
	if v.Stale {
		own = append(own, fmt.Sprintf("           the system has not answered for %s", time.Since(v.Seen).Round(time.Second)))
		for i := range own {
			own[i] = s.options.Terminal.Dim(own[i])
		}
	}
	return append(lines, own...)
}

func latency(d time.Duration) string {
	return fmt.Sprintf("%7s", reports.Milliseconds(float64(d)/float64(time.Millisecond)))
}

// spark draws values as bars of one line.
func (s screen) spark(values []int64) string {
	const most = 30
	levels := []rune(" .:-=+*#")
	if s.options.Terminal.UTF8 {
		levels = []rune("▁▂▃▄▅▆▇█")
	}
	if len(values) > most {
		values = values[len(values)-most:]
	}
	highest := max(slices.Max(append(values, 0)), 1)
	var b strings.Builder
	for _, v := range values {
		b.WriteRune(levels[int(v*int64(len(levels)-1)/highest)])
	}
	return b.String()
}

// checks lists the checks, in two columns where there is room.
func (s screen) checks(wide bool) []string {
	cells := make([]string, len(s.shown.Checks))
	width := s.width
	if wide {
		width = s.width / 2
	}
	for i, c := range s.shown.Checks {
		value := ""
		if c.Measured != nil {
			value = reports.Measured(c)
		}
		mark := s.options.Terminal.Mark(c.Verdict)
		if c.Measured == nil && s.shown.Phase != scenarios.Over {
			mark = s.options.Terminal.Dim("..") + "  "
		}
		name := ansi.Truncate(strings.TrimSpace(reports.Clean(c.Name)+" "+reports.Limit(c)), width-20, "")
		cells[i] = fmt.Sprintf(" %s %-*s %10s", mark, width-20, name, value)
	}
	if !wide {
		return cells
	}
	var lines []string
	for half, i := (len(cells)+1)/2, 0; i < half; i++ {
		line := cells[i]
		if half+i < len(cells) {
			line += strings.Repeat(" ", max(width-ansi.StringWidth(line), 0)) + cells[half+i]
		}
		lines = append(lines, line)
	}
	return lines
}

func (s screen) helpText() []string {
	return []string{
		"",
		"  space   freeze the display, and let it go on; the run goes on all the while",
		"  x q     abort the run, after asking; its result is of what was done until then",
		"  ?       this help; esc leaves it",
		"",
		"  Latencies are of the last second, and count from when a request was due, not",
		"  from when it was sent. The checks are judged over the whole run so far; those",
		"  with .. can only be judged when it is over.",
	}
}

func (s screen) footer() string {
	if s.asking {
		return s.options.Terminal.Strong("Abort the run? y, or n to go on")
	}
	if s.aborted {
		return "stopping: what is in flight is given a few seconds"
	}
	return s.options.Terminal.Dim("space freeze   x abort   ? help")
}
