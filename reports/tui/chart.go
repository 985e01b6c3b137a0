package tui

import (
	"math"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/guptarohit/asciigraph"

	"github.com/notifyctl/notifyctl/reports"
)

const (
	tickWidth = 9
	// axisWidth is what an axis takes with its labels and the spaces around them.
	axisWidth = tickWidth + 3
)

// A line of a chart.
type line struct {
	name  string // of the number
	label string
	dim   bool // whether it is there to be compared with
}

// A chart is lines over time above a common axis that starts at 0.
type chart struct {
	lines []line
	write func(float64) string // of the axis
	least float64              // what the axis goes up to at least
}

// draw gives the chart in so many lines or a few less, none wider than the
// width.
func (c chart) draw(h *history, t reports.Terminal, seconds, width, height int) []string {
	columns := width - axisWidth
	if columns < 8 || height < 2 {
		return nil
	}
	highest := c.least
	data := make([][]float64, len(c.lines))
	for i, l := range c.lines {
		data[i] = h.values(l.name, seconds, columns+1) // a line of n values takes n-1 columns
		for _, v := range data[i] {
			if v > highest {
				highest = v
			}
		}
	}
	a := axisOf(highest, height)
	lines := strings.Split(asciigraph.PlotMany(data, c.options(t, a)...), "\n")
	for i := range lines {
		lines[i] = ansi.Truncate(a.write(lines[i], i, t), width, "")
	}
	return lines
}

func (c chart) options(t reports.Terminal, a axis) []asciigraph.Option {
	options := []asciigraph.Option{
		asciigraph.Height(a.rows), asciigraph.LowerBound(0), asciigraph.UpperBound(a.upper),
		// What it takes for the lowest line is a rounding error under 0.
		asciigraph.YAxisValueFormatter(func(v float64) string { return right(c.write(max(v, 0)), tickWidth) }),
	}
	if t.Color {
		colors := make([]asciigraph.AnsiColor, len(c.lines))
		for i, l := range c.lines {
			if l.dim {
				colors[i] = asciigraph.DarkGray
			}
		}
		options = append(options, asciigraph.SeriesColors(colors...))
	}
	sets := make([]asciigraph.CharSet, len(c.lines))
	for i, l := range c.lines {
		sets[i] = l.signs(t)
	}
	options = append(options, asciigraph.SeriesChars(sets...))
	return options
}

// mostTicks is how many labels an axis has at most, beside 0.
const mostTicks = 5

// An axis goes from 0 to its upper end over some rows, of which every so many
// has a label.
type axis struct {
	rows  int // beside that of 0
	every int
	upper float64
}

// axisOf gives the axis that takes a value and so many lines, or a few less, for
// its labels to be round.
func axisOf(highest float64, lines int) axis {
	rows := lines - 1
	every := (rows + mostTicks - 1) / mostTicks
	rows -= rows % every
	ticks := rows / every
	return axis{rows, every, roundUp(highest/float64(ticks)) * float64(ticks)}
}

// write writes a line of the axis with what the terminal has.
func (a axis) write(line string, row int, t reports.Terminal) string {
	if row%a.every != 0 {
		if at := strings.IndexAny(line, "┤┼"); at >= 0 {
			line = strings.Repeat(" ", axisWidth-1) + line[at:]
		}
	}
	if t.UTF8 {
		return line
	}
	return strings.NewReplacer("┤", "|", "┼", "|").Replace(line)
}

// signs are what a line is drawn with: what is there to be compared with can be
// told apart without colour.
func (l line) signs(t reports.Terminal) asciigraph.CharSet {
	switch {
	case !t.UTF8 && l.dim:
		return asciigraph.CreateCharSet(".")
	case !t.UTF8:
		return asciigraph.CreateCharSet("*")
	case l.dim:
		return asciigraph.CharSet{Horizontal: "┄", VerticalLine: "┊"} // the rest as ever
	}
	return asciigraph.CharSet{}
}

// legend says which line is which, where there are several.
func (c chart) legend(t reports.Terminal) string {
	if len(c.lines) < 2 {
		return ""
	}
	parts := make([]string, len(c.lines))
	for i, l := range c.lines {
		sign := l.signs(t).Horizontal
		if sign == "" {
			sign = asciigraph.DefaultCharSet.Horizontal
		}
		parts[i] = strings.Repeat(sign, 2) + " " + l.label
	}
	return strings.Join(parts, "  ")
}

// roundUp gives the next number that is 1, 2, 2.5 or 5 times a power of ten:
// labels can be read, and the axis does not move with every value.
func roundUp(v float64) float64 {
	if v <= 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, factor := range []float64{1, 2, 2.5, 5} {
		if v <= factor*power {
			return factor * power
		}
	}
	return 10 * power
}

// sparkline draws a number over time as bars of one line, between 0 and the
// highest.
func sparkline(h *history, t reports.Terminal, name string, seconds, width int) string {
	if width <= 0 {
		return ""
	}
	values := h.values(name, seconds, width)
	highest := 0.0
	for _, v := range values {
		if v > highest {
			highest = v
		}
	}
	levels := signsOf(t).levels
	var b strings.Builder
	for _, v := range values {
		switch {
		case math.IsNaN(v):
			b.WriteByte(' ')
		case highest == 0 || v <= 0:
			b.WriteRune(levels[0])
		default:
			b.WriteRune(levels[min(int(math.Ceil(v/highest*float64(len(levels)-1))), len(levels)-1)])
		}
	}
	return b.String()
}
