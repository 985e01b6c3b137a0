package reports

import (
	"fmt"
	"io"
	"strings"

	"github.com/notifyctl/notifyctl/planner"
)

// ExplanationText writes an explanation for people: each figure with its
// formula and its numbers, and below it, indented, what it is computed from.
func ExplanationText(w io.Writer, x planner.Explanation, t Terminal) error {
	var b strings.Builder
	writeExplanation(&b, x, 0, t)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the explanation: %w", err)
	}
	return nil
}

// ExplanationJSON writes an explanation for programs.
func ExplanationJSON(w io.Writer, x planner.Explanation) error {
	return writeJSON(w, x, "explanation")
}

// writeExplanation writes an explanation and those below it, two columns
// further in.
func writeExplanation(b *strings.Builder, x planner.Explanation, depth int, t Terminal) {
	indent := strings.Repeat("  ", depth)
	fmt.Fprintf(b, "%s%s = %s", indent, x.ID, x.Value)
	switch {
	case x.Source != "":
		b.WriteString("   " + t.Dim(t.text(x.Source)))
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
