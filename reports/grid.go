package reports

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// A column of a [grid].
type column struct {
	title string
	right bool // numbers line up at their right ends
	// spare columns are left out where the terminal is too narrow, those with the
	// greatest number first; 0 stays.
	spare int
	// wraps lets the column go on below itself, dimmed; only the last one may.
	wraps bool
}

// A grid is lines of cells that line up, under titles. Cells may be coloured.
type grid struct {
	name    string // stands where the first column's title would
	columns []column
	rows    [][]string
}

const (
	gridIndent = "  "
	gridGap    = "  "
	leastWrap  = 24 // columns that are worth wrapping into
)

// row adds a line, a cell for each column.
func (g *grid) row(cells ...string) { g.rows = append(g.rows, cells) }

// write renders the grid for a terminal.
func (g *grid) write(b *strings.Builder, t Terminal) {
	shown := g.fit(t)
	if t.Width > 0 && g.width(shown) > t.Width {
		g.stack(b, shown, t)
		return
	}
	widths := g.widths(shown, t)
	titles := make([]string, len(g.columns))
	for i, c := range g.columns {
		if titles[i] = c.title; !c.wraps {
			titles[i] = t.Dim(c.title)
		}
	}
	titles[0] = t.Strong(g.name)
	b.WriteString(g.line(shown, titles, widths, len(gridIndent), t))
	for _, cells := range g.rows {
		for line := range strings.Lines(g.line(shown, cells, widths, 0, t)) {
			b.WriteString(gridIndent + line)
		}
	}
}

// stack renders the grid where not even the columns that stay have room: each
// row as a label and its cells after their titles, below it if they have to.
func (g *grid) stack(b *strings.Builder, shown []int, t Terminal) {
	b.WriteString(t.Strong(g.name) + "\n")
	for _, cells := range g.rows {
		var texts []string
		for _, i := range shown[1:] {
			if cells[i] != "" {
				texts = append(texts, strings.TrimSpace(t.Dim(g.columns[i].title)+" "+cells[i]))
			}
		}
		line := gridIndent + strings.Join(append([]string{cells[shown[0]]}, texts...), segmentSpace)
		if ansi.StringWidth(line) <= t.Width {
			b.WriteString(line + "\n")
			continue
		}
		b.WriteString(gridIndent + cells[shown[0]] + "\n")
		writeSegments(b, strings.Repeat(gridIndent, 2), texts, t)
	}
}

// fit gives the columns for which there is room.
func (g *grid) fit(t Terminal) []int {
	var shown []int
	for i := range g.columns {
		shown = append(shown, i)
	}
	for t.Width > 0 && g.width(shown) > t.Width {
		worst := 0
		for at, i := range shown {
			if g.columns[i].spare > g.columns[shown[worst]].spare {
				worst = at
			}
		}
		if g.columns[shown[worst]].spare == 0 {
			break
		}
		shown = append(shown[:worst], shown[worst+1:]...)
	}
	return shown
}

// width gives the columns of the terminal that some columns of the grid take at
// least.
func (g *grid) width(shown []int) int {
	total := len(gridIndent) + len(gridGap)*(len(shown)-1)
	for _, i := range shown {
		width := g.natural(i)
		if g.columns[i].wraps {
			width = min(width, leastWrap)
		}
		total += width
	}
	return total
}

// natural gives the width of a column's longest cell.
func (g *grid) natural(i int) int {
	width := ansi.StringWidth(g.columns[i].title)
	if i == 0 {
		width = ansi.StringWidth(g.name) - len(gridIndent)
	}
	for _, cells := range g.rows {
		width = max(width, ansi.StringWidth(cells[i]))
	}
	return width
}

// widths gives the width of each column; one that wraps takes what is left.
func (g *grid) widths(shown []int, t Terminal) []int {
	widths := make([]int, len(g.columns))
	left := t.Width - len(gridIndent) - len(gridGap)*(len(shown)-1)
	for _, i := range shown {
		widths[i] = g.natural(i)
		if g.columns[i].wraps && t.Width > 0 {
			widths[i] = max(min(widths[i], left), 1)
		}
		left -= widths[i]
	}
	return widths
}

// line renders one line of cells, and what its last one goes on with below. The
// first cell is wider by a number of columns.
func (g *grid) line(shown []int, cells []string, widths []int, wider int, t Terminal) string {
	var b strings.Builder
	at := 0
	for n, i := range shown {
		width := widths[i]
		if n == 0 {
			width += wider
		} else {
			b.WriteString(gridGap)
			at += len(gridGap)
		}
		if g.columns[i].wraps {
			b.WriteString(t.dimLines(hanging(cells[i], width, at)))
			continue
		}
		space := strings.Repeat(" ", max(width-ansi.StringWidth(cells[i]), 0))
		if g.columns[i].right {
			b.WriteString(space + cells[i])
		} else {
			b.WriteString(cells[i] + space)
		}
		at += width
	}
	return strings.TrimRight(b.String(), " ") + "\n"
}

// hanging wraps a text without colour at its spaces, its further lines indented.
// A word that is too long for a line stands over.
func hanging(text string, width, indent int) string {
	if width <= 0 {
		return text
	}
	var b strings.Builder
	used := 0
	for _, word := range strings.Fields(text) {
		size := ansi.StringWidth(word)
		switch {
		case used == 0:
		case used+1+size > width:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			used = 0
		default:
			b.WriteString(" ")
			used++
		}
		b.WriteString(word)
		used += size
	}
	return b.String()
}
