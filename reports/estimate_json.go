package reports

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/units"
)

// estimateJSON is an estimate as programs read it. What is not derived is an
// empty list, and a verdict that was not reached is null.
type estimateJSON struct {
	Plan     *planner.Plan `json:"plan"`
	Figures  []figureJSON  `json:"figures"`
	Findings []struct{}    `json:"findings"`
	Costs    []struct{}    `json:"costs"`
	Growth   []struct{}    `json:"growth"`
	Limits   []limitJSON   `json:"limits"`
	Verdict  *string       `json:"verdict"`
}

// figureJSON is a figure in base units. Its value is one number: of a range,
// the end that is safe to plan by.
type figureJSON struct {
	ID         string     `json:"id"`
	Title      string     `json:"title"`
	Value      float64    `json:"value"`
	Low        *float64   `json:"low,omitempty"`
	High       *float64   `json:"high,omitempty"`
	Unit       units.Unit `json:"unit"`
	Formula    string     `json:"formula"`
	Inputs     []string   `json:"inputs"`
	Stated     *float64   `json:"stated,omitempty"`
	StatedLow  *float64   `json:"stated_low,omitempty"`
	StatedHigh *float64   `json:"stated_high,omitempty"`
}

// limitJSON is a limit against its figure; of a range, the value is the end
// that decides.
type limitJSON struct {
	Limit  string     `json:"limit"`
	Figure string     `json:"figure"`
	Op     string     `json:"op"`
	Bound  float64    `json:"bound"`
	Unit   units.Unit `json:"unit"`
	Value  float64    `json:"value"`
	Holds  bool       `json:"holds"`
}

// EstimateJSON writes an estimate for programs.
func EstimateJSON(w io.Writer, e *planner.Estimate) error {
	out := estimateJSON{
		Plan: e.Plan, Figures: make([]figureJSON, 0, len(e.Figures)),
		Findings: []struct{}{}, Costs: []struct{}{}, Growth: []struct{}{},
		Limits: make([]limitJSON, 0, len(e.Limits)),
	}
	for _, d := range e.Figures {
		out.Figures = append(out.Figures, figureOf(d))
	}
	for _, l := range e.Limits {
		out.Limits = append(out.Limits, limitJSON{
			Limit: l.String(), Figure: l.Figure, Op: l.Op, Bound: l.Bound, Unit: l.Unit,
			Value: l.Deciding(l.Value), Holds: l.Holds,
		})
	}
	return writeJSON(w, out, "estimate")
}

// figureOf puts a figure into base units.
func figureOf(d planner.Derived) figureJSON {
	f := figureJSON{
		ID: d.ID, Title: d.Title, Value: d.Value(), Unit: d.Unit,
		Formula: d.Formula, Inputs: make([]string, 0, len(d.Inputs)),
	}
	for _, in := range d.Inputs {
		f.Inputs = append(f.Inputs, in.ID)
	}
	if !d.Range.Exact() {
		f.Low, f.High = &d.Range.Low, &d.Range.High
	}
	if d.Stated != nil {
		stated := d.Safe.Of(*d.Stated)
		f.Stated = &stated
		if !d.Stated.Exact() {
			f.StatedLow, f.StatedHigh = &d.Stated.Low, &d.Stated.High
		}
	}
	return f
}

// writeJSON writes a value, indented, its keys as they are declared.
func writeJSON(w io.Writer, v any, what string) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false) // formulas and limits hold < and >
	if err := encoder.Encode(v); err != nil {
		return fmt.Errorf("writing the %s: %w", what, err)
	}
	return nil
}
