package reports

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"github.com/notifyctl/notifyctl/scenarios"
)

// Doubtful writes what can neither be said to hold nor not to.
func (t Terminal) Doubtful(s string) string {
	return t.styled(ansi.NewStyle().ForegroundColor(ansi.Yellow), s)
}

// Mark is the sign of a verdict, four columns wide.
func (t Terminal) Mark(v scenarios.Verdict) string {
	paint, sign, ascii := t.Dim, "-", "-"
	switch v {
	case scenarios.Pass:
		paint, sign, ascii = t.Good, "✓", "ok"
	case scenarios.Fail:
		paint, sign, ascii = t.Bad, "✗", "FAIL"
	case scenarios.Inconclusive, scenarios.Interrupted:
		paint, sign, ascii = t.Doubtful, "?", "??"
	case scenarios.NotObserved:
	}
	if !t.UTF8 {
		sign = ascii
	}
	return paint(sign) + strings.Repeat(" ", 4-utf8.RuneCountInString(sign))
}

// Verdict is the word for a verdict.
func (t Terminal) Verdict(v scenarios.Verdict) string {
	switch v {
	case scenarios.Pass:
		return t.Good("PASS")
	case scenarios.Fail:
		return t.Bad("FAIL")
	case scenarios.Inconclusive:
		return t.Doubtful("INCONCLUSIVE")
	case scenarios.Interrupted:
		return t.Doubtful("INTERRUPTED")
	case scenarios.NotObserved:
	}
	return t.Dim("NOT OBSERVED")
}
