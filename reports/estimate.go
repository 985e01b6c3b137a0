package reports

import (
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/scenarios"
)

// PlanSummary says in a few words what a plan is about.
func PlanSummary(p *planner.Plan) string {
	w := p.Workload
	return fmt.Sprintf("%s users x %s a day, built for %s",
		units.Format(units.Whole, w.Users.Range),
		units.Humanize(units.Scalar, w.NotificationsPerUser.Range),
		units.Format(units.PerSecond, w.DesignRate.Range))
}

const (
	labelWidth   = 16 // of a row's label
	segmentSpace = "    "
	headerWidth  = 72 // where the date of the header ends
)

// EstimateTable writes an estimate for people.
func EstimateTable(w io.Writer, e *planner.Estimate, t Terminal) error {
	var b strings.Builder
	writeHeader(&b, e.Plan, t)
	writeEnvelope(&b, e, t)
	writeLimits(&b, e, t)
	b.WriteString("\n" + t.Dim("explain any figure: notifyctl estimate --explain rate.peak") + "\n")
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the estimate: %w", err)
	}
	return nil
}

// writeHeader writes what the plan is, and the day it counts from.
func writeHeader(b *strings.Builder, p *planner.Plan, t Terminal) {
	left := t.text(p.Name) + "   " + PlanSummary(p)
	right := "as of " + p.AsOf.String()
	gap := headerWidth - ansi.StringWidth(left) - len(right)
	if t.Width > 0 && ansi.StringWidth(left)+3+len(right) > t.Width {
		fmt.Fprintf(b, "%s\n%s\n", t.Strong(left), right)
		return
	}
	fmt.Fprintf(b, "%s%s%s\n", t.Strong(left), strings.Repeat(" ", max(gap, 3)), right)
}

// A row is a line of the envelope: figures that belong together.
type row struct {
	label    string
	segments []segment
}

// A segment is one figure of a row with the word that tells it from the
// others, before or behind its value.
type segment struct {
	before, id, behind string
}

// envelopeRows lists what the envelope shows, and in which words.
func envelopeRows() []row {
	return []row{
		{"volume", []segment{{"", "volume.per_day", "a day"}}},
		{"rate", []segment{{"", "rate.average", "average"}, {"", "rate.peak", "peak"}, {"", "rate.design", "design"}}},
		{"channels", []segment{{"push", "rate.push", ""}, {"email", "rate.email", ""}, {"sms", "rate.sms", ""}}},
		{"priorities", []segment{{"high", "rate.high", ""}, {"normal", "rate.normal", ""}, {"low", "rate.low", ""}}},
		{"storage", []segment{{"", "storage.per_day", "a day"}, {"", "storage.per_month", "a month"}, {"", "storage.per_year", "a year"}}},
		{"compressed", []segment{{"", "storage.per_year.compressed", "a year"}}},
		{"bandwidth", []segment{{"", "bandwidth.average", "average"}, {"", "bandwidth.design", "design"}}},
	}
}

// writeEnvelope writes what has to be carried.
func writeEnvelope(b *strings.Builder, e *planner.Estimate, t Terminal) {
	b.WriteString("\n" + t.Strong("ENVELOPE") + "\n")
	for _, r := range envelopeRows() {
		line := fmt.Sprintf("  %-*s", labelWidth, r.label)
		indent := strings.Repeat(" ", len(line))
		used, first := len(line), true
		for _, s := range r.segments {
			text := s.text(e, t)
			width := ansi.StringWidth(text)
			switch {
			case first:
			case t.Width > 0 && used+len(segmentSpace)+width > t.Width:
				line += "\n" + indent
				used = len(indent)
			default:
				line += segmentSpace
				used += len(segmentSpace)
			}
			line += text
			used += width
			first = false
		}
		b.WriteString(line + "\n")
	}
}

// text writes one figure, and what is claimed of it.
func (s segment) text(e *planner.Estimate, t Terminal) string {
	d, ok := e.Figure(s.id)
	if !ok {
		panic("BUG: reports: there is no figure " + s.id)
	}
	text := strings.TrimSpace(s.before + " " + units.Humanize(d.Unit, d.Range) + " " + s.behind)
	if d.Stated != nil {
		text += t.Dim(" (stated " + units.Humanize(d.Unit, *d.Stated) + ")")
	}
	return text
}

// writeLimits writes the plan's limits, if it has any.
func writeLimits(b *strings.Builder, e *planner.Estimate, t Terminal) {
	if len(e.Limits) == 0 {
		return
	}
	b.WriteString("\n" + t.Strong("LIMITS") + "\n")
	for _, l := range e.Limits {
		verdict := scenarios.Fail
		if l.Holds {
			verdict = scenarios.Pass
		}
		fmt.Fprintf(b, "  %s  %s   %s\n", t.Mark(verdict), l.Limit, t.Dim("is "+units.Humanize(l.Unit, l.Value)))
	}
}
