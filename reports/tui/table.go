package tui

import (
	"cmp"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/notifyctl/notifyctl/reports"
)

// A column of a [table]. Its width is fixed, so that numbers do not jump.
type column struct {
	title string
	width int
	left  bool // whether it starts at the left; numbers end at the right
	spare int  // columns with the greatest are left out first where there is no room; 0 stays
	keyed bool // whether rows can be sorted by it
}

// A row of a [table].
type row struct {
	cells []string
	keys  []float64 // what it is sorted by, of each column that is keyed
	dim   bool
}

// A table is rows below titles; its first column names them.
type table struct {
	columns []column
	rows    []row
}

const (
	tableIndent = " "
	tableGap    = "  "
	leastName   = 6
	mostName    = 28
)

// order is how the rows of tables are chosen and sorted.
type order struct {
	by     int    // 0 as they come, else the keyed column, from 1; beyond the last from 0 again
	filter string // rows whose name or first cells have it
}

// write gives the lines of the table in a width.
func (tb *table) write(t reports.Terminal, width int, o order) []string {
	tb.rows = slices.DeleteFunc(tb.rows, func(r row) bool { return !o.passes(r.cells[0]) })
	sorted := tb.sort(o.by)
	tb.columns[0].width = leastName
	for _, r := range tb.rows {
		tb.columns[0].width = min(max(tb.columns[0].width, ansi.StringWidth(r.cells[0])), mostName)
	}
	tb.columns[0].width = max(tb.columns[0].width, len(tb.columns[0].title))
	shown := tb.shown(width)
	titles := make([]string, len(tb.columns))
	for i, c := range tb.columns {
		if titles[i] = c.title; i == sorted {
			titles[i] += signsOf(t).down
		}
	}
	lines := []string{t.Dim(tb.line(shown, titles))}
	for _, r := range tb.rows {
		line := tb.line(shown, r.cells)
		if r.dim {
			line = t.Dim(ansi.Strip(line))
		}
		lines = append(lines, line)
	}
	return lines
}

// passes says whether a name is one that is asked for.
func (o order) passes(name string) bool {
	return o.filter == "" || strings.Contains(strings.ToLower(ansi.Strip(name)), strings.ToLower(o.filter))
}

// sort sorts the rows, largest first, and gives the column that it did so by.
func (tb *table) sort(by int) (column int) {
	var keyed []int
	for i, c := range tb.columns {
		if c.keyed {
			keyed = append(keyed, i)
		}
	}
	at := by%(len(keyed)+1) - 1
	if at < 0 {
		return -1
	}
	slices.SortStableFunc(tb.rows, func(a, b row) int {
		return cmp.Compare(b.keys[at], a.keys[at]) // of which NaN is the least
	})
	return keyed[at]
}

// shown gives the columns for which there is room.
func (tb *table) shown(width int) []int {
	var shown []int
	total := len(tableIndent) - len(tableGap)
	for i, c := range tb.columns {
		shown = append(shown, i)
		total += c.width + len(tableGap)
	}
	for total > width {
		worst := 0
		for at, i := range shown {
			if tb.columns[i].spare > tb.columns[shown[worst]].spare {
				worst = at
			}
		}
		if tb.columns[shown[worst]].spare == 0 {
			break // the line is cut
		}
		total -= tb.columns[shown[worst]].width + len(tableGap)
		shown = slices.Delete(shown, worst, worst+1)
	}
	return shown
}

func (tb *table) line(shown []int, cells []string) string {
	var b strings.Builder
	b.WriteString(tableIndent)
	for at, i := range shown {
		if at > 0 {
			b.WriteString(tableGap)
		}
		if c := tb.columns[i]; c.left || i == 0 {
			b.WriteString(fit(cells[i], c.width))
		} else {
			b.WriteString(right(cells[i], c.width))
		}
	}
	return strings.TrimRight(b.String(), " ")
}
