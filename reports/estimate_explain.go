package reports

import (
	"fmt"
	"io"
	"strings"

	"github.com/notifyctl/notifyctl/planner"
)

// ExplanationText writes an explanation for people: each figure with its
// formula and its numbers, and below it, indented, what it is computed from. The
// sampling is nil where nothing was drawn; else what it says of the figure stands
// at the end.
func ExplanationText(w io.Writer, e *planner.Estimate, x planner.Explanation, s *planner.Sampling, t Terminal) error {
	var b strings.Builder
	writeExplanation(&b, x, 0, t)
	if s != nil {
		if q, ok := s.Quantiles[x.ID]; ok {
			unit := figureNamed(e, x.ID).Unit
			fmt.Fprintf(&b, "\np10 %s   p50 %s   p90 %s   %s\n",
				one(unit, q.P10), one(unit, q.P50), one(unit, q.P90), t.Dim(samplingNote(s)))
			writeTornado(&b, e, s, x.ID, t)
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the explanation: %w", err)
	}
	return nil
}

// explanationJSON is an explanation with what the samples say of it.
type explanationJSON struct {
	planner.Explanation
	P10        *float64        `json:"p10,omitempty"`
	P50        *float64        `json:"p50,omitempty"`
	P90        *float64        `json:"p90,omitempty"`
	Influences []influenceJSON `json:"influences,omitempty"`
}

// ExplanationJSON writes an explanation for programs.
func ExplanationJSON(w io.Writer, x planner.Explanation, s *planner.Sampling) error {
	out := explanationJSON{Explanation: x}
	if s != nil {
		if q, ok := s.Quantiles[x.ID]; ok {
			out.P10, out.P50, out.P90 = &q.P10, &q.P50, &q.P90
			out.Influences = influencesOf(s.Influences[x.ID])
		}
	}
	return writeJSON(w, out, "explanation")
}

// writeExplanation writes an explanation and those below it, two columns
// further in.
func writeExplanation(b *strings.Builder, x planner.Explanation, depth int, t Terminal) {
	indent := strings.Repeat("  ", depth)
	fmt.Fprintf(b, "%s%s = %s", indent, x.ID, x.Value)
	switch {
	case x.Source != "":
		b.WriteString("   " + t.Dim(t.Text(x.Source)))
	case x.Repeated:
		b.WriteString("   " + t.Dim("explained above"))
	case x.Stated != "":
		b.WriteString("   " + t.Dim("stated "+x.Stated))
	}
	b.WriteByte('\n')
	if x.Formula != "" {
		fmt.Fprintf(b, "%s  = %s\n", indent, x.Formula)
		if x.Numbers != x.Value {
			fmt.Fprintf(b, "%s  = %s\n", indent, x.Numbers)
		}
	}
	for _, in := range x.Inputs {
		writeExplanation(b, in, depth+1, t)
	}
}
