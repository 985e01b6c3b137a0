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

// EstimateTable writes an estimate for people: the answer, then what it rests
// on, part by part. The sampling is nil where nothing was drawn.
func EstimateTable(w io.Writer, e *planner.Estimate, s *planner.Sampling, t Terminal) error {
	var b strings.Builder
	writeHeader(&b, e.Plan, t)
	writeAnswer(&b, e, t)
	writeEnvelope(&b, e, t)
	writeSizing(&b, e, t)
	writeCost(&b, e, t)
	writeCeilings(&b, e, t)
	writeGrowth(&b, e, t)
	writeOutages(&b, e, t)
	writeSampling(&b, e, s, t)
	writeLimits(&b, e, t)
	writeFindings(&b, e, t)
	writeEnd(&b, e, t)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the estimate: %w", err)
	}
	return nil
}

// writeEnd writes the verdict again, since the eye is at the end when the command
// returns, and what to ask next.
func writeEnd(b *strings.Builder, e *planner.Estimate, t Terminal) {
	b.WriteString("\n")
	writeSegments(b, t.Verdict(verdictOf(e.Verdict() == planner.Pass))+"  ", []string{
		findingCounts(e), t.Dim("next: notifyctl estimate --explain " + hintedFigure(e)),
	}, t)
}

// hintedFigure is the figure that a reader is most likely to ask about: that of
// the worst finding.
func hintedFigure(e *planner.Estimate) string {
	for _, f := range e.Findings {
		if _, ok := e.Figure(f.Claim); ok {
			return f.Claim
		}
	}
	return "cost.total"
}

// writeHeader writes what the plan is, and the day it counts from.
func writeHeader(b *strings.Builder, p *planner.Plan, t Terminal) {
	left := t.Text(p.Name) + "   " + PlanSummary(p)
	right := "as of " + p.AsOf.String()
	gap := headerWidth - ansi.StringWidth(left) - len(right)
	if t.Width > 0 && ansi.StringWidth(left)+3+len(right) > t.Width {
		fmt.Fprintf(b, "%s\n%s\n", t.Strong(left), right)
		return
	}
	fmt.Fprintf(b, "%s%s%s\n", t.Strong(left), strings.Repeat(" ", max(gap, 3)), right)
}

// writeAnswer writes the verdict, and the three things that are asked first:
// what is wrong, what gives way first, and what it costs.
func writeAnswer(b *strings.Builder, e *planner.Estimate, t Terminal) {
	parts := []string{findingCounts(e)}
	if n := len(e.BrokenLimits()); n > 0 {
		parts = append(parts, counted(n, "limit")+" broken")
	}
	if first := e.Ceilings[0]; !first.Never {
		parts = append(parts, "first to break: "+first.Title+" at "+factorOf(first))
	}
	total := figureNamed(e, "cost.total")
	parts = append(parts, units.Humanize(total.Unit, total.Range)+" a month")
	writeSegments(b, t.Verdict(verdictOf(e.Verdict() == planner.Pass))+"  ", parts, t)
}

// verdictOf is the verdict of a thing that holds or does not.
func verdictOf(holds bool) scenarios.Verdict {
	if holds {
		return scenarios.Pass
	}
	return scenarios.Fail
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
		writeRow(b, e, r, t)
	}
}

// writeRow writes a row of figures.
func writeRow(b *strings.Builder, e *planner.Estimate, r row, t Terminal) {
	texts := make([]string, len(r.segments))
	for i, s := range r.segments {
		texts[i] = s.text(e, t)
	}
	writeSegments(b, label(r.label), texts, t)
}

// label pads the label of a row.
func label(text string) string { return fmt.Sprintf("  %-*s", labelWidth, text) }

// writeSegments writes a label and texts after it, those that find no room on
// lines below.
func writeSegments(b *strings.Builder, label string, texts []string, t Terminal) {
	indent := ansi.StringWidth(label)
	b.WriteString(label)
	used := indent
	for i, text := range texts {
		width := ansi.StringWidth(text)
		switch {
		case i == 0:
		case t.Width > 0 && used+len(segmentSpace)+width > t.Width:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			used = indent
		default:
			b.WriteString(segmentSpace)
			used += len(segmentSpace)
		}
		if t.Width > 0 && width > t.Width-indent {
			text = hanging(text, t.Width-indent, indent)
		}
		b.WriteString(text)
		used += width
	}
	b.WriteString("\n")
}

// text writes one figure, and what is claimed of it.
func (s segment) text(e *planner.Estimate, t Terminal) string {
	d := figureNamed(e, s.id)
	text := strings.TrimSpace(s.before + " " + units.Humanize(d.Unit, d.Range) + " " + s.behind)
	if d.Stated != nil {
		text += t.Dim(" (stated " + units.Humanize(d.Unit, *d.Stated) + ")")
	}
	return text
}

// figureNamed finds a figure that every estimate has.
func figureNamed(e *planner.Estimate, id string) planner.Derived {
	d, ok := e.Figure(id)
	if !ok {
		panic("BUG: reports: there is no figure " + id)
	}
	return d
}

// shownIDs lists the figures that a reader of the table knows: those of its main
// parts, in its order.
func shownIDs(e *planner.Estimate) []string {
	var ids []string
	for _, r := range envelopeRows() {
		ids = append(ids, r.ids()...)
	}
	for _, r := range sizingRows(e.Plan) {
		ids = append(ids, r.need)
	}
	for _, c := range planner.NewBill(e.Costs).Components {
		ids = append(ids, "cost."+c.Component)
	}
	ids = append(ids, "cost.infrastructure", "cost.infrastructure.needed", "cost.total", "cost.per_million")
	return append(ids, pieceCosts().ids()...)
}

// ids lists the figures of the row.
func (r row) ids() []string { return mapped(r.segments, func(s segment) string { return s.id }) }
