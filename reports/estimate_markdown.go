package reports

import (
	"fmt"
	"io"
	"strings"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/units"
)

// EstimateMarkdown writes an estimate for a page or a comment: the answer, a
// table for each part, and all the figures and the bill's lines folded away. The
// sampling is nil where nothing was drawn.
func EstimateMarkdown(w io.Writer, e *planner.Estimate, s *planner.Sampling) error {
	var b strings.Builder
	total := figureNamed(e, "cost.total")
	fmt.Fprintf(&b, "## %s\n\n%s, as of %s\n\n**%s**: %s, %s a month\n", markdown(e.Plan.Name), markdown(PlanSummary(e.Plan)), e.Plan.AsOf,
		strings.ToUpper(string(e.Verdict())), findingCounts(e), markdown(units.Humanize(total.Unit, total.Range)))
	for _, part := range []func(*strings.Builder, *planner.Estimate){
		markdownFindings, markdownLimits, markdownSizing, markdownCost, markdownCeilings, markdownGrowth, markdownOutages, markdownBill,
	} {
		part(&b, e)
	}
	if s != nil {
		markdownInfluences(&b, e, s)
	}
	markdownFigures(&b, e, s)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the estimate: %w", err)
	}
	return nil
}

func markdownFindings(b *strings.Builder, e *planner.Estimate) {
	var rows [][]string
	for _, f := range e.Findings {
		rows = append(rows, []string{
			f.Severity.String(), code(subjectOf(f)), contrast(f), f.Message, f.Remedy, code(f.Rule),
		})
	}
	writeMarkdownSection(b, "Findings", []string{"", "about", "", "why", "remedy", "rule"}, rows)
}

func markdownLimits(b *strings.Builder, e *planner.Estimate) {
	var rows [][]string
	for _, l := range e.Limits {
		rows = append(rows, []string{holdsWord(l.Holds), l.String(), units.Humanize(l.Unit, l.Value)})
	}
	writeMarkdownSection(b, "Limits", []string{"", "limit", ">is"}, rows)
}

// holdsWord is the word for what holds or does not, where no mark may serve.
func holdsWord(holds bool) string {
	if holds {
		return "ok"
	}
	return "FAIL"
}

func markdownSizing(b *strings.Builder, e *planner.Estimate) {
	var rows [][]string
	for _, s := range sizingOf(e) {
		breaks := ""
		if s.ceiling != nil {
			breaks = factorOf(*s.ceiling)
		}
		rows = append(rows, []string{
			s.row.label, optional(s.unit, s.plan), units.Humanize(s.unit, s.need), optional(s.unit, s.advised), breaks, code(s.row.need),
		})
	}
	writeMarkdownSection(b, "Sizing", []string{"", ">plan", ">need", ">advised", ">breaks at", "figure"}, rows)
}

func markdownCost(b *strings.Builder, e *planner.Estimate) {
	var rows [][]string
	for _, r := range costRows(e) {
		rows = append(rows, []string{r.label, r.money(r.infrastructure), r.money(r.providers), r.money(r.total)})
	}
	writeMarkdownSection(b, "Cost a month"+atMost(e), []string{"", ">infrastructure", ">providers", ">total"}, rows)
	for _, r := range costNotes() {
		var texts []string
		for _, s := range r.segments {
			texts = append(texts, s.text(e, Terminal{}))
		}
		fmt.Fprintf(b, "\n%s: %s\n", r.label, markdown(strings.Join(texts, ", ")))
	}
	fmt.Fprintf(b, "\nstated: %s\n", markdown(strings.Join(statedCosts(e), "; ")))
}

func markdownCeilings(b *strings.Builder, e *planner.Estimate) {
	var rows [][]string
	for _, c := range e.Ceilings {
		rows = append(rows, []string{c.Title, factorOf(c), breakDay(e.Plan, c.Date), breakDay(e.Plan, c.OrderBy), c.Action})
	}
	writeMarkdownSection(b, "What binds", []string{"", ">holds to", "breaks", "order by", "then"}, rows)
}

func markdownGrowth(b *strings.Builder, e *planner.Estimate) {
	var rows [][]string
	for _, y := range e.Growth {
		rows = append(rows, []string{
			yearLabel(y), one(units.PerSecond, y.Peak), one(units.PerSecond, y.CapacityAfter),
			one(units.DollarsPerMonth, y.Cost.Infrastructure()), one(units.DollarsPerMonth, y.Cost.Providers),
			one(units.DollarsPerMonth, y.Cost.Total()), broken(y),
		})
	}
	writeMarkdownSection(b, "Growth", []string{"", ">peak", ">capacity", ">infrastructure", ">providers", ">a month", "breaks"}, rows)
	fmt.Fprintf(b, "\n%s\n", growthNote)
}

func markdownOutages(b *strings.Builder, e *planner.Estimate) {
	var rows [][]string
	for _, o := range e.Outages {
		drain := "never"
		if o.Drains {
			drain = duration(o.Drain)
		}
		rows = append(rows, []string{outageLabel(o), duration(o.Seconds), one(units.Whole, o.Backlog), drain, one(units.Whole, o.Expired), "+" + one(units.DollarsPerMonth, o.Extra)})
	}
	writeMarkdownSection(b, "Outages", []string{"channel", ">provider away", ">waiting", ">drained after", ">expired", ">instead, by the backup"}, rows)
}

func markdownBill(b *strings.Builder, e *planner.Estimate) {
	bill := planner.NewBill(e.Costs)
	var rows [][]string
	for i, c := range e.Costs {
		rows = append(rows, []string{
			c.Component, c.Item, one(units.Scalar, c.Quantity), c.Unit, one(units.Dollars, c.UnitPrice), dollars(bill.Lines[i]),
			c.Confidence, c.AsOf.String(), c.Source,
		})
	}
	rows = append(rows, []string{"total", "", "", "", "", dollars(bill.Total), "", "", ""})
	fold(b, counted(len(e.Costs), "line")+" of the bill", []string{
		"component", "item", ">quantity", "unit", ">price of one", ">a month", "confidence", "as of", "source",
	}, rows)
}

func markdownInfluences(b *strings.Builder, e *planner.Estimate, s *planner.Sampling) {
	unit := figureNamed(e, movedFigure).Unit
	var rows [][]string
	for _, m := range s.Influences[movedFigure] {
		rows = append(rows, []string{code(m.Input.ID), one(unit, m.Low), one(unit, m.High)})
	}
	writeMarkdownSection(b, "What moves "+movedFigure, []string{"input", ">at its p10", ">at its p90"}, rows)
	b.WriteString("\n" + samplingNote(s) + "\n")
}

func markdownFigures(b *strings.Builder, e *planner.Estimate, s *planner.Sampling) {
	titles := []string{"figure", "", ">value", ">stated", "formula"}
	if s != nil {
		titles = append(titles, ">p10", ">p50", ">p90")
	}
	var rows [][]string
	for _, d := range e.Figures {
		cells := []string{code(d.ID), d.Title, units.Humanize(d.Unit, d.Range), optional(d.Unit, d.Stated), code(d.Formula)}
		if s != nil {
			quantiles := []string{"", "", ""}
			if q, ok := s.Quantiles[d.ID]; ok {
				quantiles = []string{one(d.Unit, q.P10), one(d.Unit, q.P50), one(d.Unit, q.P90)}
			}
			cells = append(cells, quantiles...)
		}
		rows = append(rows, cells)
	}
	fold(b, "all "+counted(len(rows), "figure"), titles, rows)
}

// fold writes a table that a reader opens if he wants it.
func fold(b *strings.Builder, summary string, titles []string, rows [][]string) {
	b.WriteString("\n<details><summary>" + summary + "</summary>\n")
	writeMarkdownTable(b, titles, rows)
	b.WriteString("\n</details>\n")
}

// writeMarkdownSection writes a table under a heading, or nothing without rows.
func writeMarkdownSection(b *strings.Builder, heading string, titles []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	b.WriteString("\n### " + heading + "\n")
	writeMarkdownTable(b, titles, rows)
}

// writeMarkdownTable writes a table. A title that starts with > is of numbers,
// which stand right. Cells are escaped, but for those that are code.
func writeMarkdownTable(b *strings.Builder, titles []string, rows [][]string) {
	line := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	heads, rules := make([]string, len(titles)), make([]string, len(titles))
	for i, title := range titles {
		text, right := strings.CutPrefix(title, ">")
		heads[i], rules[i] = text, "---"
		if right {
			rules[i] = "---:"
		}
	}
	b.WriteString("\n")
	line(heads)
	line(rules)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, text := range row {
			if cells[i] = markdown(text); isCode(text) {
				cells[i] = text
			}
		}
		line(cells)
	}
}

// code marks an id or a formula of ours as such.
func code(s string) string { return "`" + strings.ReplaceAll(s, "|", `\|`) + "`" }

// isCode reports whether a text was marked by code.
func isCode(s string) bool {
	return len(s) >= 2 && strings.HasPrefix(s, "`") && strings.HasSuffix(s, "`")
}

// markdown makes a text safe inside a table: what would end a cell or start
// markup is escaped.
func markdown(s string) string {
	return strings.NewReplacer(
		`\`, `\\`, "|", `\|`, "`", "\\`", "*", `\*`, "_", `\_`, "<", "&lt;", "[", `\[`, "&", "&amp;", "#", `\#`, "$", `\$`,
	).Replace(Clean(s))
}
