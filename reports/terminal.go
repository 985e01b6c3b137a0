package reports

import (
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// A Terminal says what a report may be written with. The zero value writes
// plain ASCII and never breaks a line.
type Terminal struct {
	Width int  // columns, 0 for no end
	Color bool // to carry meaning; nothing needs it to be read
	UTF8  bool
}

// Dim writes what matters less.
func (t Terminal) Dim(s string) string { return t.styled(ansi.NewStyle().Faint(), s) }

// dimLines dims each line of a text, but for what it is indented by.
func (t Terminal) dimLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		text := strings.TrimLeft(line, " ")
		lines[i] = line[:len(line)-len(text)] + t.Dim(text)
	}
	return strings.Join(lines, "\n")
}

// Strong writes what a reader looks for first.
func (t Terminal) Strong(s string) string { return t.styled(ansi.NewStyle().Bold(), s) }

// Good writes what holds.
func (t Terminal) Good(s string) string {
	return t.styled(ansi.NewStyle().ForegroundColor(ansi.Green), s)
}

// Bad writes what does not hold.
func (t Terminal) Bad(s string) string {
	return t.styled(ansi.NewStyle().ForegroundColor(ansi.Red), s)
}

// styled applies a style where there is colour.
func (t Terminal) styled(style ansi.Style, s string) string {
	if !t.Color || s == "" {
		return s
	}
	return style.Styled(s)
}

// Text makes a foreign text fit to be shown: clean, and in ASCII where that is
// all there is.
func (t Terminal) Text(s string) string {
	s = Clean(s)
	if t.UTF8 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII {
			return '?'
		}
		return r
	}, s)
}

// Clean removes what a text from elsewhere could do to a terminal or a log:
// control characters, escape sequences' first bytes among them, and the signs
// that turn the direction of writing.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r != ' ' && !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
}
