package reports

import (
	"fmt"
	"io"
	"strings"

	"github.com/notifyctl/notifyctl/scenarios"
)

// Capacity renders what a search for the most that holds has found: its steps, and
// the answer last.
func Capacity(w io.Writer, r *scenarios.CapacityResult, t Terminal, files ...string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s   %s: the most that holds, in steps of %.3g s   %s, %s   seed %d\n\n", t.Text(r.Scenario), t.Text(r.Profile),
		r.Plateau, t.Text(System(&r.Environment)), counted(r.Environment.CPUs, "core"), r.Seed)
	width := 0
	for _, step := range r.Steps {
		width = max(width, len(Rate(step.Rate)))
	}
	for i := range r.Steps {
		step := &r.Steps[i]
		line := fmt.Sprintf("    %s  %*s   %s", t.Mark(step.Verdict), width, Rate(step.Rate), t.Text(stepText(step)))
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	if len(r.LeftOut) > 0 {
		b.WriteString("    " + t.Dim("left out, being about stages or slopes: "+t.Text(strings.Join(r.LeftOut, ", "))) + "\n")
	}
	b.WriteString("\n" + strings.Join(append([]string{CapacityFound(&r.Capacity)}, files...), "   ") + "\n")
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the capacity: %w", err)
	}
	return nil
}

// stepText says what decided a step.
func stepText(s *scenarios.CapacityStep) string {
	switch {
	case s.Saturated:
		return fmt.Sprintf("the generator sent %s of it", Percent(s.Achieved))
	case len(s.Tripped) > 0:
		c := s.Tripped[0]
		text := strings.TrimSpace(c.Name + " " + Measured(c) + "   " + Limit(c))
		if c.Measured == nil || c.Verdict == scenarios.Inconclusive {
			text = c.Name + ": " + c.Why
		}
		if more := len(s.Tripped) - 1; more > 0 {
			text += fmt.Sprintf(", and %d more", more)
		}
		return text
	case s.Latency != nil:
		return "p99 " + Milliseconds(s.Latency.P99)
	}
	return ""
}

// CapacityFound says in one line what was found. A rate that nobody could try is
// no limit of the system.
func CapacityFound(c *scenarios.Capacity) string {
	held, between := "nothing held", ""
	if c.Held != nil {
		held = Rate(*c.Held) + " held"
	}
	switch {
	case c.Interrupted:
		return "INTERRUPTED   " + held + " so far"
	case c.Unclear != nil && (c.Failed == nil || *c.Unclear < *c.Failed):
		if c.Held != nil {
			held = "at least " + held
		}
		if c.Failed != nil {
			between = "; " + Rate(*c.Failed) + " did not"
		}
		return fmt.Sprintf("INCONCLUSIVE   %s%s; of %s it cannot be told: %s", held, between, Rate(*c.Unclear), c.Why)
	case c.Failed == nil:
		return fmt.Sprintf("NOT FOUND   up to %s all of it held", Rate(c.UpTo))
	}
	tripped := ""
	if len(c.Tripped) > 0 {
		check := c.Tripped[0]
		tripped = ": " + strings.TrimSpace(check.Name+" "+Measured(check)+" "+Limit(check))
	}
	return fmt.Sprintf("LIMIT   %s, %s did not%s", held, Rate(*c.Failed), tripped)
}
