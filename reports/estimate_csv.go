package reports

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/notifyctl/notifyctl/planner"
)

// EstimateCSV writes the figures of an estimate as comma-separated values, in
// base units.
func EstimateCSV(w io.Writer, e *planner.Estimate) error {
	out := csv.NewWriter(w)
	records := [][]string{{"id", "title", "value", "low", "high", "unit", "formula", "inputs", "stated", "stated_low", "stated_high"}}
	for _, d := range e.Figures {
		f := figureOf(d)
		records = append(records, []string{
			cell(f.ID), cell(f.Title), number(&f.Value), number(f.Low), number(f.High), cell(f.Unit.String()),
			cell(f.Formula), cell(strings.Join(f.Inputs, " ")), number(f.Stated), number(f.StatedLow), number(f.StatedHigh),
		})
	}
	if err := out.WriteAll(records); err != nil {
		return fmt.Errorf("writing the estimate: %w", err)
	}
	return nil
}

// number writes a number so that nothing of it is lost, nil as nothing.
func number(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'f', -1, 64)
}

// cell makes a text safe for a spreadsheet, which would take what starts like a
// formula for one: a quote before it says that it is text.
func cell(s string) string {
	s = Clean(s)
	if s != "" && strings.ContainsRune("=+-@", rune(s[0])) {
		return "'" + s
	}
	return s
}
