package page

import (
	"fmt"
	"math"
	"strings"

	"github.com/notifyctl/notifyctl/reports"
)

// series is a line of a chart: a value for each moment of the run, which is not
// a number where it was not seen.
type series struct {
	Name    string
	Style   string // a class of the style sheet: its colour and dashes
	Path    string
	Peak    string
	stepped bool
	values  []float64
}

// chart is a picture of some series over the time of the run.
type chart struct {
	ID     string
	Title  string
	Note   string // what the axis shows
	Desc   string // the picture in words, for those who cannot see it
	Axis   axis
	Series []series
	Table  table
}

// table is the numbers of a chart.
type table struct {
	Note  string // of what is left out
	Heads []string
	Rows  [][]string
}

// kind is how the values of a chart are shown.
type kind struct {
	logarithmic bool
	axis        func(float64) string
	number      func(float64) string
}

// mostRows bounds the table of a chart; timeseries.csv has every point.
const mostRows = 240

// newChart draws the series over the moments that they have a value for each.
func newChart(id, title, note string, k kind, moments []float64, length float64, all []series) chart {
	c := chart{ID: id, Title: title, Note: note, Series: all}
	var values []float64
	largest := 0.0
	for _, s := range all {
		for _, v := range s.values {
			if !math.IsNaN(v) {
				values = append(values, v)
				largest = math.Max(largest, v)
			}
		}
	}
	if c.Axis = linearAxis(largest, k.axis); k.logarithmic {
		c.Axis = logAxis(values, k.axis)
	}
	var words []string
	for i := range c.Series {
		s := &c.Series[i]
		s.Path = path(moments, s.values, length, c.Axis, s.stepped)
		s.Peak = peak(moments, s.values, k.number)
		words = append(words, s.Name+" "+s.Peak)
	}
	c.Desc = title + " over " + reports.Seconds(length) + ": " + strings.Join(words, "; ") + "."
	c.Table = numbers(moments, c.Series, k.number)
	return c
}

// path draws a line, in thousandths of the chart's width and hundredths of its
// height from the top. Where a value is missing the line is broken; a value alone
// is a dot. A stepped line holds each value until the next.
func path(moments, values []float64, length float64, a axis, stepped bool) string {
	var b strings.Builder
	drawing := false
	for i, v := range values {
		if math.IsNaN(v) {
			drawing = false
			continue
		}
		x, y := round(moments[i]/length*1000), round(100-a.height(v))
		switch {
		case !drawing:
			fmt.Fprintf(&b, "M%g %gh.01", x, y)
		case stepped:
			fmt.Fprintf(&b, "H%gV%g", x, y)
		default:
			fmt.Fprintf(&b, "L%g %g", x, y)
		}
		drawing = true
	}
	return b.String()
}

// peak says how high a series went, and when.
func peak(moments, values []float64, number func(float64) string) string {
	at := -1
	for i, v := range values {
		if !math.IsNaN(v) && (at < 0 || v > values[at]) {
			at = i
		}
	}
	if at < 0 {
		return "not seen"
	}
	return "up to " + number(values[at])
}

// numbers tabulates the series, every n-th moment of a long run.
func numbers(moments []float64, all []series, number func(float64) string) table {
	t := table{Heads: []string{"until"}}
	for _, s := range all {
		t.Heads = append(t.Heads, s.Name)
	}
	every := (len(moments) + mostRows - 1) / mostRows
	if every > 1 {
		t.Note = fmt.Sprintf("One of %d points; timeseries.csv has them all.", every)
	}
	for i := 0; i < len(moments); i += max(every, 1) {
		row := []string{reports.ClockOf(moments[i])}
		for _, s := range all {
			cell := "?"
			if !math.IsNaN(s.values[i]) {
				cell = number(s.values[i])
			}
			row = append(row, cell)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
