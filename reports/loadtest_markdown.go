package reports

import (
	"fmt"
	"io"
	"strings"

	"github.com/notifyctl/notifyctl/scenarios"
	"github.com/notifyctl/notifyctl/scenarios/baseline"
)

// LoadTestMarkdown writes a result for a page, a comment or a job's summary: the
// verdict, the checks, what moved, the account, and the figures folded away. The
// comparison is nil where none was asked for.
func LoadTestMarkdown(w io.Writer, r *scenarios.Result, c *baseline.Comparison) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s: %s\n\n%s\n\n%s, %s, %s, seed %d\n", markdown(r.Scenario), Terminal{}.Verdict(r.Verdict), markdown(Why(r)),
		markdown(Scales(r)), markdown(System(&r.Environment)), counted(r.Environment.CPUs, "core"), r.Generator.Seed)
	markdownChecks(&b, r.Checks)
	if c != nil {
		markdownComparison(&b, c)
	}
	fmt.Fprintf(&b, "\n### Account\n\n%s; %s\n", markdown(Equation(&r.Ledger)), markdown(remainder(&r.Ledger)))
	if r.Ledger.Delivered == nil && r.Ledger.Arrived != nil {
		fmt.Fprintf(&b, "\n%s of the accepted reached a provider.\n", Count(*r.Ledger.Arrived))
	}
	markdownStages(&b, r)
	markdownEndToEnd(&b, r)
	markdownProviders(&b, r)
	markdownLimitsTested(&b, r.Limits)
	if line := CostLine(r.Cost); line != "" {
		fmt.Fprintf(&b, "\nCost: %s\n", markdown(line))
	}
	if command := CommandLine(r.Command); command != "" {
		fmt.Fprintf(&b, "\nAgain: %s\n", codeSpan(command))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	return nil
}

func markdownChecks(b *strings.Builder, checks []scenarios.Check) {
	var rows [][]string
	for _, c := range checks {
		measured := Measured(c)
		if c.Verdict == scenarios.NotObserved {
			measured = "not observed"
		}
		rows = append(rows, []string{strings.TrimSpace(Terminal{}.Mark(c.Verdict)), CheckTitle(c), measured, Expected(c), CheckNotes(c)})
	}
	writeMarkdownSection(b, "Checks", []string{"", "check", ">measured", ">limit", ""}, rows)
}

func markdownStages(b *strings.Builder, r *scenarios.Result) {
	var rows [][]string
	for _, s := range r.Stages {
		seconds := max(s.To-s.From, 1e-9)
		row := []string{
			s.Name, ClockOf(s.From), ClockOf(s.To), Rate(float64(s.Offered) / seconds), Rate(float64(s.Accepted) / seconds),
			decimal(float64(s.Dropped)), decimal(float64(s.Refused)), decimal(float64(s.Errors)),
		}
		rows = append(rows, append(row, percentiles(s.Latency)...))
	}
	if len(rows) > 0 {
		fold(b, counted(len(rows), "stage"), []string{
			"stage", ">from", ">to", ">offered", ">accepted", ">dropped", ">refused", ">errors", ">p50", ">p90", ">p99", ">max",
		}, rows)
	}
}

func markdownEndToEnd(b *strings.Builder, r *scenarios.Result) {
	var rows [][]string
	for _, e := range r.EndToEnd {
		row := append([]string{e.Channel, e.Priority, Count(e.Count)}, percentiles(e.Latency)...)
		for _, stage := range StageOrder() {
			row = append(row, Percent(e.Stages[stage]))
		}
		rows = append(rows, row)
	}
	if len(rows) > 0 {
		fold(b, "end to end, by channel and priority", []string{
			"channel", "priority", ">delivered", ">p50", ">p90", ">p99", ">max", ">queue", ">batch", ">send", ">settle",
		}, rows)
	}
}

func markdownProviders(b *strings.Builder, r *scenarios.Result) {
	var rows [][]string
	for _, name := range sortedKeys(r.Providers) {
		p := r.Providers[name]
		rows = append(rows, []string{
			name, p.Channel, Count(p.Calls), Count(p.Entries), Count(p.Sent), Count(p.Permanent), Count(p.Throttled), Count(p.Transient), Count(p.Ambiguous),
		})
	}
	if len(rows) > 0 {
		fold(b, counted(len(rows), "provider"), []string{
			"provider", "channel", ">calls", ">entries", ">sent", ">permanent", ">throttled", ">transient", ">ambiguous",
		}, rows)
	}
}

func markdownLimitsTested(b *strings.Builder, limits []scenarios.Limit) {
	var rows [][]string
	for _, l := range limits {
		reached, share := "?", "?"
		if l.Reached != nil {
			reached = Quantity(*l.Reached, l.Unit)
		}
		if l.Share != nil {
			share = Percent(*l.Share)
		}
		rows = append(rows, []string{code(Clean(l.Name)), reached, Quantity(l.Limit, l.Unit), share})
	}
	if len(rows) > 0 {
		near, _ := LimitsTested(limits)
		fold(b, fmt.Sprintf("the run came near %d of the plan's %s", near, counted(len(rows), "limit")), []string{"limit", ">reached", ">limit", ">share"}, rows)
	}
}

// percentiles writes four of them, or that they were not seen.
func percentiles(l *scenarios.Latencies) []string {
	if l == nil {
		return []string{"?", "?", "?", "?"}
	}
	return []string{Milliseconds(l.P50), Milliseconds(l.P90), Milliseconds(l.P99), Milliseconds(l.Max)}
}

// codeSpan makes a text a span of code, whatever backquotes are in it: the fence
// is one longer than any run of them.
func codeSpan(s string) string {
	s = Clean(s)
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	return fence + " " + s + " " + fence
}
