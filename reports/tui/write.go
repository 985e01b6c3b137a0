package tui

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/notifyctl/notifyctl/reports"
)

// unseen stands for a number that nobody saw.
const unseen = "-"

// count writes a number of things in 9 columns at most.
func count(v float64) string {
	switch {
	case math.IsNaN(v):
		return unseen
	case math.Abs(v) < 9.95 && v != math.Trunc(v):
		return fmt.Sprintf("%.1f", v)
	case math.Abs(v) < 9_999_999.5:
		return reports.Count(int64(math.Round(v)))
	case math.Abs(v) < 999.95e6:
		return fmt.Sprintf("%.1fM", v/1e6)
	case math.Abs(v) < 999.95e9:
		return fmt.Sprintf("%.1fG", v/1e9)
	case math.Abs(v) < 999.95e12:
		return fmt.Sprintf("%.1fT", v/1e12)
	}
	return fmt.Sprintf("%.1e", v)
}

// latency writes milliseconds in 8 columns at most.
func latency(ms float64) string {
	switch {
	case math.IsNaN(ms):
		return unseen
	case ms < 0.095:
		return "0 ms"
	case ms >= 99_995:
		return long(time.Duration(min(ms, 1e12)) * time.Millisecond)
	}
	return reports.Milliseconds(ms)
}

// long writes a time of more than a minute in 8 columns at most, by its two
// largest units.
func long(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < 100*time.Second:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm %02ds", d/time.Minute, d/time.Second%60)
	case d < 100*time.Hour:
		return fmt.Sprintf("%dh %02dm", d/time.Hour, d/time.Minute%60)
	}
	return fmt.Sprintf("%dd %02dh", d/time.Hour/24, d/time.Hour%24)
}

// size writes bytes in 8 columns at most; 1 KB is 1,000.
func size(v float64) string {
	units := []string{"B", "KB", "MB", "GB", "TB", "PB"}
	if math.IsNaN(v) || v < 0 {
		return unseen
	}
	i := 0
	for ; v >= 999.5 && i < len(units)-1; i++ {
		v /= 1000
	}
	if v >= 9999.5 {
		return "> 9 EB"
	}
	if v < 9.95 && i > 0 {
		return fmt.Sprintf("%.1f %s", v, units[i])
	}
	return fmt.Sprintf("%.0f %s", v, units[i])
}

// percent writes a share in 7 columns; cut, not rounded: 99.99 is not 100.
func percent(v float64) string {
	if math.IsNaN(v) {
		return unseen
	}
	return fmt.Sprintf("%.1f %%", math.Floor(max(min(v, 9999), -9999)*10)/10)
}

// dollars writes an amount in 11 columns, of a notification or of many.
func dollars(v float64) string {
	switch amount := math.Abs(v); {
	case math.IsNaN(v):
		return unseen
	case amount >= 10_000:
		return "$" + count(v)
	case amount >= 1:
		return fmt.Sprintf("$%.2f", v)
	case amount >= 0.001 || v == 0:
		return fmt.Sprintf("$%.4f", v)
	}
	return fmt.Sprintf("$%.7f", v)
}

// decimal writes a small number in 9 columns.
func decimal(v float64) string {
	if math.IsNaN(v) || math.Abs(v) >= 1000 {
		return count(v)
	}
	return fmt.Sprintf("%.2f", v)
}

// fit cuts or fills a text to a width.
func fit(text string, width int) string {
	w := ansi.StringWidth(text)
	if w > width {
		text = ansi.Truncate(text, max(width, 0), "")
		w = ansi.StringWidth(text) // one less, if half of a wide sign was cut
	}
	return text + strings.Repeat(" ", max(width-w, 0))
}

// right fills a text to a width from the left, and cuts what is too long.
func right(text string, width int) string {
	if w := ansi.StringWidth(text); w <= width {
		return strings.Repeat(" ", width-w) + text
	}
	return fit(text, width)
}

// number writes a text in a fixed width behind its label.
func number(label, text string, width int) string { return label + " " + right(text, width) }

// paint writes a text as bad as it is.
func paint(t reports.Terminal, how severity, text string) string {
	switch how {
	case good:
		return t.Good(text)
	case doubtful:
		return t.Doubtful(text)
	case bad:
		return t.Bad(text)
	case plain:
	}
	return text
}

// signs are what a terminal draws with.
type signs struct {
	rule, column, dot, up, down, cut string
	gone, left, cross                string            // of a progress bar
	levels                           []rune            // of a sparkline
	mark                             int               // columns that marks take
	bound                            *strings.Replacer // of values that are bounds
}

func signsOf(t reports.Terminal) signs {
	if t.UTF8 {
		return signs{
			"─", "│", "●", "↑", "↓", "…", "━", "┄", "╺", []rune("▁▂▃▄▅▆▇█"),
			2, strings.NewReplacer("at most ", "≤ ", "at least ", "≥ "),
		}
	}
	return signs{
		"-", "|", "*", "^", "v", "~", "=", ".", "+", []rune("_.:-=+*#"),
		4, strings.NewReplacer("at most ", "<= ", "at least ", ">= "),
	}
}
