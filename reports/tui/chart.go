package tui

import (
	"math"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/guptarohit/asciigraph"

	"github.com/notifyctl/notifyctl/reports"
)

// axisWidth is what the labels of a chart's axis take, with a space before the
// axis itself.
const axisWidth = 10

// A line of a chart.
type line struct {
	name string // of the number
	dim  bool   // whether it is there to be compared with
}

// A chart is lines over time above a common axis that starts at 0.
type chart struct {
	lines []line
	write func(float64) string // of the axis
	least float64              // what the axis goes up to at least
}

// draw gives the chart in so many lines, none wider than the width.
func (c chart) draw(h *history, t reports.Terminal, seconds, width, height int) []string {
	columns := width - axisWidth - 1
	if columns < 8 || height < 2 {
		return make([]string, max(height, 0))
	}
	highest := c.least
	data := make([][]float64, len(c.lines))
	for i, l := range c.lines {
		// A line of n values takes n-1 columns.
		data[i] = h.values(l.name, seconds, columns+1)
		for _, v := range data[i] {
			if v > highest {
				highest = v
			}
		}
	}
	options := []asciigraph.Option{
		asciigraph.Height(height - 1), asciigraph.LowerBound(0), asciigraph.UpperBound(roundUp(highest)),
		asciigraph.YAxisValueFormatter(func(v float64) string { return right(c.write(v), axisWidth-1) }),
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
	if !t.UTF8 {
		options = append(options, asciigraph.SeriesChars(c.asciiLines()...))
	}
	plot := strings.Split(asciigraph.PlotMany(data, options...), "\n")
	lines := make([]string, height)
	for i := range lines {
		if i < len(plot) {
			lines[i] = ansi.Truncate(axis(plot[i], t), width, "")
		}
	}
	return lines
}

// axis writes the axis with what the terminal has.
func axis(line string, t reports.Terminal) string {
	if t.UTF8 {
		return line
	}
	return strings.NewReplacer("┤", "|", "┼", "|").Replace(line)
}

// asciiLines are what lines are drawn with where there is nothing but ASCII.
func (c chart) asciiLines() []asciigraph.CharSet {
	sets := make([]asciigraph.CharSet, len(c.lines))
	for i, l := range c.lines {
		sign := "*"
		if l.dim {
			sign = "."
		}
		sets[i] = asciigraph.CreateCharSet(sign)
	}
	return sets
}

// roundUp gives the next number that is 1, 1.5, 2, 3, 4, 5 or 8 times a power of
// ten: an axis that ends there does not move with every value.
func roundUp(v float64) float64 {
	if v <= 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, factor := range []float64{1, 1.5, 2, 3, 4, 5, 8} {
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
