package tui

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/reports"
	"github.com/notifyctl/notifyctl/scenarios"
)

// A verdict is something that must hold, and whether it does: a check of a load
// test, or what a server's plan promises.
type verdict struct {
	mark  string // four columns wide
	name  string
	limit string // what is asked for
	value string // what is
	rank  int    // those that matter most come first
}

// The ranks of verdicts.
const (
	broken = iota
	open
	held
)

// The bounds of the width that values are written in.
const (
	leastValue = 8
	mostValue  = 18
)

// outlook gives what must hold.
func (c *canvas) outlook() []verdict {
	if c.Run != nil {
		return c.checks()
	}
	return c.promises()
}

// verdictTitle says how what must hold stands.
func (c *canvas) verdictTitle() (title, remark string) {
	counts := [held + 1]int{}
	for _, v := range c.outlook() {
		counts[v.rank]++
	}
	title = "promises"
	if c.Run != nil {
		title = "checks"
	}
	parts := []string{}
	for rank, mark := range []string{c.t.Mark(scenarios.Fail), "..", c.t.Mark(scenarios.Pass)} {
		if counts[rank] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", strings.TrimSpace(ansi.Strip(mark)), counts[rank]))
		}
	}
	return title, strings.Join(parts, "   ")
}

// verdicts writes what must hold in columns, to be read downwards.
func (c *canvas) verdicts(columns int) []string {
	all := c.outlook()
	width := (c.width - 1) / columns
	values := leastValue
	for _, v := range all {
		values = min(max(values, ansi.StringWidth(v.value)), mostValue)
	}
	cells := make([]string, len(all))
	for i, v := range all {
		value, limit := right(c.cut(c.t.Text(v.value), values), values), c.t.Text(v.limit)
		room := width - len("  ") - c.signs.mark - ansi.StringWidth(value) - columns // a gap, and one to the next column
		name := c.cut(c.t.Text(v.name), room-ansi.StringWidth(limit)-1)
		cells[i] = " " + fit(v.mark, c.signs.mark) + " " + fit(strings.TrimSpace(name+" "+limit), max(room, 0)) + " " + value
	}
	rows := (len(cells) + columns - 1) / columns
	lines := make([]string, rows)
	for i := range lines {
		for at := i; at < len(cells); at += rows {
			lines[i] += fit(cells[at], width)
		}
	}
	return lines
}

// cut shortens a text, and shows that it did.
func (c *canvas) cut(text string, width int) string {
	if ansi.StringWidth(text) <= width {
		return text
	}
	return ansi.Truncate(text, max(width, 0), c.signs.cut)
}

// checks are those of the load test, in its order.
func (c *canvas) checks() []verdict {
	list := make([]verdict, len(c.Run.Checks))
	for i, check := range c.Run.Checks {
		v := verdict{mark: c.t.Mark(check.Verdict), rank: open}
		v.name, v.limit = check.Name, reports.Limit(check)
		if check.Measured != nil {
			v.value = c.signs.bound.Replace(reports.Measured(check))
		}
		switch {
		case check.Verdict == scenarios.Fail:
			v.rank = broken
		case check.Verdict == scenarios.Pass:
			v.rank = held
		case check.Measured == nil && c.Run.Phase != scenarios.Over:
			v.mark = c.t.Dim("..") + "  "
		}
		list[i] = v
	}
	return list
}

// promises are the readings of a server's dashboard that have a target, those
// that do not hold first.
func (c *canvas) promises() []verdict {
	var list []verdict
	for _, g := range c.status().Groups {
		for i := range g.Readings {
			if g.Readings[i].Target != nil {
				list = append(list, c.promise(&g.Readings[i]))
			}
		}
	}
	slices.SortStableFunc(list, func(a, b verdict) int { return cmp.Compare(a.rank, b.rank) })
	return list
}

func (c *canvas) promise(r *api.Reading) verdict {
	v := verdict{name: promiseName(r), limit: promised(r), mark: c.t.Dim("-") + "   ", value: unseen, rank: open}
	if r.Value == nil {
		return v
	}
	v.value = reading(*r.Value, r.Unit)
	switch {
	case r.Met == nil:
	case *r.Met:
		v.mark, v.rank = c.t.Mark(scenarios.Pass), held
	case r.Target.AtLeast != nil && r.Target.AtMost != nil && *r.Value < *r.Target.AtLeast:
		// Less is used than is paid for, which an idle system need not be sorry for.
		v.mark = fit(c.t.Doubtful(c.signs.down), 4)
	default:
		v.mark, v.rank = c.t.Mark(scenarios.Fail), broken
	}
	return v
}

// promiseName is a reading's name with its labels, as in "lag push low".
func promiseName(r *api.Reading) string {
	words := []string{strings.ReplaceAll(r.Name, "_", " ")}
	for _, label := range slices.Sorted(maps.Keys(r.Labels)) {
		value := r.Labels[label]
		if label == "quantile" {
			value = "p" + strings.TrimPrefix(value, "0.")
		}
		words = append(words, value)
	}
	return strings.Join(words, " ")
}

// promised is a reading's target, as in "<= 30 s".
func promised(r *api.Reading) string {
	switch least, most := r.Target.AtLeast, r.Target.AtMost; {
	case least != nil && most != nil:
		return reading(*least, r.Unit) + " to " + reading(*most, r.Unit)
	case least != nil:
		return ">= " + reading(*least, r.Unit)
	case most != nil:
		return "<= " + reading(*most, r.Unit)
	}
	return ""
}

// reading writes a value of the dashboard in its unit.
func reading(v float64, unit string) string {
	switch unit {
	case "seconds":
		return latency(v * 1000)
	case "ratio":
		return percent(v * 100)
	case "bytes":
		return size(v)
	case "dollars":
		return dollars(v)
	}
	return count(v)
}

// value gives a reading of the dashboard by its name and labels, NaN without
// one.
func value(s *api.Status, name string, labels ...string) float64 {
	for _, g := range s.Groups {
		for i := range g.Readings {
			r := &g.Readings[i]
			if r.Name == name && r.Value != nil && matches(r.Labels, labels) {
				return *r.Value
			}
		}
	}
	return math.NaN()
}

// matches says whether the labels have these names and values, in pairs.
func matches(labels map[string]string, pairs []string) bool {
	for i := 0; i < len(pairs); i += 2 {
		if labels[pairs[i]] != pairs[i+1] {
			return false
		}
	}
	return true
}

// lastEvents are the last things that happened, the newest at the end.
func (c *canvas) lastEvents(rows int) []string {
	all := c.history.events.merged(c.Logged)
	all = all[max(len(all)-rows, 0):]
	lines := make([]string, len(all))
	for i := range all {
		lines[i] = c.event(&all[i])
	}
	return lines
}

// event writes an event in a line.
func (c *canvas) event(e *event) string {
	mark := " "
	switch e.how {
	case good:
		mark = "+"
	case doubtful:
		mark = "?"
	case bad:
		mark = "!"
	case plain:
	}
	text := ansi.Truncate(c.t.Text(e.text), max(c.width-13, 0), "")
	return " " + c.t.Dim(e.at.Local().Format(time.TimeOnly)) + " " + paint(c.t, e.how, mark+" "+text)
}
