package reports

import (
	"fmt"
	"io"
	"strings"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/units"
)

// EstimateMarkdown writes the figures of an estimate as a Markdown table.
func EstimateMarkdown(w io.Writer, e *planner.Estimate) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n%s, as of %s\n\n", markdown(e.Plan.Name), markdown(PlanSummary(e.Plan)), e.Plan.AsOf)
	b.WriteString("| figure | | value | stated | formula |\n| --- | --- | ---: | ---: | --- |\n")
	for _, d := range e.Figures {
		stated := ""
		if d.Stated != nil {
			stated = units.Humanize(d.Unit, *d.Stated)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | `%s` |\n", d.ID, markdown(d.Title),
			markdown(units.Humanize(d.Unit, d.Range)), markdown(stated), d.Formula)
	}
	for i, l := range e.Limits {
		if i == 0 {
			b.WriteString("\n| limit | value | |\n| --- | ---: | --- |\n")
		}
		value, verdict := units.Humanize(l.Unit, l.Value), "FAIL"
		if l.Holds {
			verdict = "ok"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", markdown(l.String()), markdown(value), verdict)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the estimate: %w", err)
	}
	return nil
}

// markdown makes a text safe inside a table: what would end a cell or start
// markup is escaped.
func markdown(s string) string {
	return strings.NewReplacer(
		`\`, `\\`, "|", `\|`, "`", "\\`", "*", `\*`, "_", `\_`, "<", "&lt;", "[", `\[`, "&", "&amp;", "#", `\#`, "$", `\$`,
	).Replace(Clean(s))
}
