package reports

import (
	"strings"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/scenarios"
)

// findingIndent is how far a finding's text stands below its head.
const findingIndent = 7

// writeLimits writes the plan's limits, if it has any.
func writeLimits(b *strings.Builder, e *planner.Estimate, t Terminal) {
	if len(e.Limits) == 0 {
		return
	}
	b.WriteString("\n" + t.Strong("LIMITS") + "\n")
	for _, l := range e.Limits {
		writeSegments(b, "  "+t.Mark(verdictOf(l.Holds))+" ",
			[]string{l.String(), t.Dim("is " + units.Humanize(l.Unit, l.Value))}, t)
	}
}

// writeFindings writes what the audit found, the worst first: what it is about
// and the two numbers, then why, then what would mend it.
func writeFindings(b *strings.Builder, e *planner.Estimate, t Terminal) {
	b.WriteString("\n" + t.Strong("FINDINGS") + "   " + findingCounts(e) + "\n")
	indent := strings.Repeat(" ", findingIndent)
	for _, f := range e.Findings {
		texts := []string{subjectOf(f)}
		if numbers := contrast(f); numbers != "" {
			texts = append(texts, numbers)
		}
		texts = append(texts, t.Dim(f.Rule))
		writeSegments(b, "  "+t.Mark(severityMark(f.Severity))+" ", texts, t)
		width := 0
		if t.Width > 0 {
			width = t.Width - findingIndent
		}
		b.WriteString(indent + hanging(t.Text(f.Message), width, findingIndent) + "\n")
		b.WriteString(t.dimLines(indent+hanging(t.Text(f.Remedy), width, findingIndent)) + "\n")
	}
}

// findingCounts sums up what was found.
func findingCounts(e *planner.Estimate) string {
	if len(e.Findings) == 0 {
		return "no contradictions"
	}
	return counted(len(e.Found(planner.Error)), "error") + ", " +
		counted(len(e.Found(planner.Warning)), "warning") + ", " + counted(len(e.Found(planner.Info)), "note")
}

// severityMark is the mark of a finding: an error is a failure, a warning is in
// doubt, a note is neither.
func severityMark(s planner.Severity) scenarios.Verdict {
	switch s {
	case planner.Error:
		return scenarios.Fail
	case planner.Warning:
		return scenarios.Inconclusive
	case planner.Info:
	}
	return scenarios.NotObserved
}

// subjectOf names what a finding is about.
func subjectOf(f planner.Finding) string {
	if f.Claim != "" {
		return f.Claim
	}
	return f.Component
}

// contrast sets what a plan states against what follows, as far as both are
// numbers.
func contrast(f planner.Finding) string {
	var parts []string
	if f.Stated != nil {
		parts = append(parts, "stated "+units.Humanize(f.Unit, units.Exactly(*f.Stated)))
	}
	if f.Derived != nil {
		parts = append(parts, "is "+units.Humanize(f.Unit, units.Exactly(*f.Derived)))
	}
	return strings.Join(parts, ", ")
}
