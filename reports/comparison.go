package reports

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/notifyctl/notifyctl/scenarios/baseline"
)

// ComparisonTable writes what moved against a baseline, for people.
func ComparisonTable(w io.Writer, c *baseline.Comparison, t Terminal) error {
	var b strings.Builder
	b.WriteString("\n")
	if len(c.Changes) > 0 {
		g := grid{name: "  BASELINE", columns: []column{
			{}, {title: "was", right: true}, {title: "is", right: true}, {title: "change", right: true}, {title: "95 % interval", right: true, spare: 1}, {},
		}}
		for _, change := range c.Changes {
			g.row("  "+change.Metric, Quantity(change.Before, change.Unit), Quantity(change.After, change.Unit), Moved(change), Interval(change), changeWord(change, t))
		}
		g.write(&b, t)
	}
	fmt.Fprintf(&b, "%s   %s\n", t.outcome(c.Outcome), t.Text(ComparisonSentence(c)))
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the comparison: %w", err)
	}
	return nil
}

// outcome is the word for what came of a comparison.
func (t Terminal) outcome(o baseline.Outcome) string {
	word := strings.ToUpper(OutcomeWord(o))
	switch o {
	case baseline.Regressed:
		return t.Bad(word)
	case baseline.Refused:
		return t.Doubtful(word)
	case baseline.Improved, baseline.Unchanged:
		return t.Good(word)
	case baseline.NoBaseline:
	}
	return t.Dim(word)
}

// OutcomeWord says what came of a comparison.
func OutcomeWord(o baseline.Outcome) string {
	switch o {
	case baseline.NoBaseline:
		return "no baseline"
	case baseline.Refused:
		return "not comparable"
	case baseline.Unchanged, baseline.Improved, baseline.Regressed:
	}
	return string(o)
}

// ComparisonSentence says in one sentence what came of a comparison.
func ComparisonSentence(c *baseline.Comparison) string {
	switch c.Outcome {
	case baseline.NoBaseline, baseline.Refused:
		return c.Why
	case baseline.Unchanged, baseline.Improved, baseline.Regressed:
	}
	text := fmt.Sprintf("%s against %s before: ", counted(c.After, "run"), counted(c.Before, "run"))
	var parts []string
	for _, of := range []struct {
		verdict baseline.Verdict
		word    string
	}{{baseline.Worse, "worse"}, {baseline.Better, "better"}, {baseline.Noise, "within the noise"}} {
		if n := c.Moved(of.verdict); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, of.word))
		}
	}
	if parts == nil {
		return text + "nothing moved by more than " + Percent(c.Tolerance)
	}
	return text + strings.Join(parts, ", ") + fmt.Sprintf(" of %s, at a tolerance of %s", counted(len(c.Changes), "metric"), Percent(c.Tolerance))
}

// VerdictWord says what came of one metric.
func VerdictWord(v baseline.Verdict) string {
	if v == baseline.Noise {
		return "within the noise"
	}
	return string(v)
}

func changeWord(c baseline.Change, t Terminal) string {
	switch c.Verdict {
	case baseline.Worse:
		return t.Bad("worse")
	case baseline.Better:
		return t.Good("better")
	case baseline.Noise:
		return t.Dim(VerdictWord(c.Verdict))
	case baseline.Same:
	}
	return ""
}

// Moved writes by how much a metric moved.
func Moved(c baseline.Change) string { return by(c, c.By) }

// Interval writes what a change surely lies between, or that nothing says so.
func Interval(c baseline.Change) string {
	if c.Low == nil || c.High == nil {
		return "unknown"
	}
	return by(c, *c.Low) + " to " + by(c, *c.High)
}

// by writes a difference with its sign: in the metric's unit, or in per cent of
// what it was.
func by(c baseline.Change, v float64) string {
	sign := "+"
	if v < 0 {
		sign = "-"
	}
	if c.Absolute {
		return sign + Quantity(math.Abs(v), c.Unit)
	}
	return fmt.Sprintf("%s%.1f %%", sign, math.Abs(v)*100)
}

// markdownComparison writes what moved as a table.
func markdownComparison(b *strings.Builder, c *baseline.Comparison) {
	fmt.Fprintf(b, "\n### Baseline: %s\n\n%s\n", OutcomeWord(c.Outcome), markdown(ComparisonSentence(c)))
	var rows [][]string
	for _, change := range c.Changes {
		rows = append(rows, []string{
			change.Metric, Quantity(change.Before, change.Unit), Quantity(change.After, change.Unit), Moved(change), Interval(change), VerdictWord(change.Verdict),
		})
	}
	if len(rows) > 0 {
		writeMarkdownTable(b, []string{"metric", ">was", ">is", ">change", ">95 % interval", ""}, rows)
	}
}
