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
// base units. Every line of the bill is a figure, and so is every sum of them.
// The sampling is nil where nothing was drawn; the columns are there all the
// same.
func EstimateCSV(w io.Writer, e *planner.Estimate, s *planner.Sampling) error {
	records := [][]string{{
		"id", "title", "value", "low", "high", "unit", "formula", "inputs", "stated", "stated_low", "stated_high", "p10", "p50", "p90",
	}}
	for _, f := range figuresOf(e, s) {
		records = append(records, []string{
			cell(f.ID), cell(f.Title), number(&f.Value), number(f.Low), number(f.High), cell(f.Unit.String()),
			cell(f.Formula), cell(strings.Join(f.Inputs, " ")), number(f.Stated), number(f.StatedLow), number(f.StatedHigh),
			number(f.P10), number(f.P50), number(f.P90),
		})
	}
	return writeCSV(w, records, "estimate")
}

// writeCSV writes records as comma-separated values.
func writeCSV(w io.Writer, records [][]string, what string) error {
	if err := csv.NewWriter(w).WriteAll(records); err != nil {
		return fmt.Errorf("writing the %s: %w", what, err)
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
