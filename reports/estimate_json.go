package reports

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/units"
)

// estimateJSON is an estimate as programs read it, in base units. What is not
// there is an empty list, but for samples, which are null where nothing was
// drawn.
type estimateJSON struct {
	Plan     *planner.Plan   `json:"plan"`
	Figures  []figureJSON    `json:"figures"`
	Findings []findingJSON   `json:"findings"`
	Costs    []costJSON      `json:"costs"`
	Growth   []growthJSON    `json:"growth"`
	Steps    []stepJSON      `json:"steps"`
	Ceilings []ceilingJSON   `json:"ceilings"`
	Outages  []outageJSON    `json:"outages"`
	Limits   []limitJSON     `json:"limits"`
	Stated   []statedJSON    `json:"stated_costs"`
	Samples  *samplesJSON    `json:"samples"`
	Verdict  planner.Verdict `json:"verdict"`
}

// figureJSON is a figure in base units. Its value is one number: of a range,
// the end that is safe to plan by. The quantiles are those of the samples, if a
// range reaches the figure.
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
	P10        *float64   `json:"p10,omitempty"`
	P50        *float64   `json:"p50,omitempty"`
	P90        *float64   `json:"p90,omitempty"`
}

// findingJSON is a contradiction. Its unit is that of the two numbers, if it has
// any.
type findingJSON struct {
	Rule      string           `json:"rule"`
	Severity  planner.Severity `json:"severity"`
	Component string           `json:"component"`
	Claim     string           `json:"claim,omitempty"`
	Stated    *float64         `json:"stated,omitempty"`
	Derived   *float64         `json:"derived,omitempty"`
	Unit      *units.Unit      `json:"unit,omitempty"`
	Message   string           `json:"message"`
	Remedy    string           `json:"remedy"`
}

// costJSON is a line of the bill for a month, in US dollars.
type costJSON struct {
	Component  string       `json:"component"`
	Item       string       `json:"item"`
	Figure     string       `json:"figure"`
	Quantity   float64      `json:"quantity"`
	Unit       string       `json:"unit"`
	UnitPrice  float64      `json:"unit_price"`
	Monthly    float64      `json:"monthly"`
	Confidence string       `json:"confidence"`
	Source     string       `json:"source"`
	AsOf       planner.Date `json:"as_of"`
	Provider   bool         `json:"provider"`
}

// growthJSON is a year of growth; 0 is today.
type growthJSON struct {
	Year          int         `json:"year"`
	Peak          float64     `json:"peak"`
	CapacityAfter float64     `json:"capacity_after"`
	Breaks        []breakJSON `json:"breaks"`
	// Cost is what a month costs then, and beside it by how it follows the demand.
	Cost      float64 `json:"cost"`
	Fixed     float64 `json:"cost_fixed"`
	Stepped   float64 `json:"cost_stepped"`
	Linear    float64 `json:"cost_linear"`
	Providers float64 `json:"cost_providers"`
}

// breakJSON is the day on which growth passes a ceiling.
type breakJSON struct {
	Component string       `json:"component"`
	Title     string       `json:"title"`
	Figure    string       `json:"figure"`
	Date      planner.Date `json:"date"`
	OrderBy   planner.Date `json:"order_by"`
	Action    string       `json:"action"`
}

// stepJSON is a step of the growth plan. A day that lies beyond the years of the
// plan is null.
type stepJSON struct {
	At       string        `json:"at"`
	Date     planner.Date  `json:"date"`
	Capacity float64       `json:"capacity"`
	Cost     float64       `json:"cost"`
	Needed   *planner.Date `json:"needed"`
	Lasts    *planner.Date `json:"lasts"`
	Late     bool          `json:"late"`
}

// ceilingJSON is how much of the plan's demand one of its numbers carries: factor
// is null if it holds at any demand, the days if not within the plan's years.
type ceilingJSON struct {
	Component string        `json:"component"`
	Title     string        `json:"title"`
	Figure    string        `json:"figure"`
	Given     string        `json:"given"`
	Need      float64       `json:"need"`
	Capacity  float64       `json:"capacity"`
	Share     float64       `json:"share"`
	Unit      units.Unit    `json:"unit"`
	Factor    *float64      `json:"factor"`
	Needed    float64       `json:"needed"`
	FlipsAt   float64       `json:"flips_at"`
	Action    string        `json:"action"`
	Date      *planner.Date `json:"date"`
	OrderBy   *planner.Date `json:"order_by"`
}

// outageJSON is what follows when a provider does not answer for a time. The
// drain is null if there is none.
type outageJSON struct {
	Channel  string   `json:"channel"`
	Seconds  float64  `json:"seconds"`
	AtPeak   bool     `json:"at_peak"`
	Arriving float64  `json:"arriving"`
	Rate     float64  `json:"rate"`
	Backlog  float64  `json:"backlog"`
	Drain    *float64 `json:"drain"`
	Expired  float64  `json:"expired"`
	Extra    float64  `json:"backup_extra"` // US dollars, if the backup sends everything meanwhile
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

// statedJSON is what the plan states that its infrastructure costs at a rate,
// beside what its parts cost there; US dollars a month.
type statedJSON struct {
	Rate    float64 `json:"rate"`
	Stated  float64 `json:"stated"`
	Derived float64 `json:"derived"`
}

// samplesJSON says what was drawn, and which input moves which figure how far:
// its value with the input alone at its 10th and at its 90th percentile.
type samplesJSON struct {
	Count      int                        `json:"count"`
	Seed       uint64                     `json:"seed"`
	Drawn      []string                   `json:"drawn"`
	Influences map[string][]influenceJSON `json:"influences"`
}

type influenceJSON struct {
	Input string  `json:"input"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// EstimateJSON writes an estimate for programs. The sampling is nil where nothing
// was drawn.
func EstimateJSON(w io.Writer, e *planner.Estimate, s *planner.Sampling) error {
	return writeJSON(w, estimateJSON{
		Plan: e.Plan, Figures: figuresOf(e, s), Findings: mapped(e.Findings, findingOf),
		Costs: mapped(e.Costs, costOf), Growth: mapped(e.Growth, growthOf), Steps: mapped(e.Steps, stepOf),
		Ceilings: mapped(e.Ceilings, func(c planner.Ceiling) ceilingJSON { return ceilingOf(c, figureNamed(e, c.Figure).Unit) }),
		Outages:  mapped(e.Outages, outageOf), Limits: mapped(e.Limits, limitOf),
		Stated:  mapped(e.Stated, func(s planner.CostStep) statedJSON { return statedJSON{s.Rate, s.Stated, s.Derived} }),
		Samples: samplesOf(s), Verdict: e.Verdict(),
	}, "estimate")
}

// mapped applies a function to each element; of none it gives an empty list.
func mapped[From, To any](all []From, of func(From) To) []To {
	list := make([]To, len(all))
	for i, v := range all {
		list[i] = of(v)
	}
	return list
}

// figuresOf puts the figures into base units.
func figuresOf(e *planner.Estimate, s *planner.Sampling) []figureJSON {
	return mapped(e.Figures, func(d planner.Derived) figureJSON { return figureOf(d, s) })
}

// figureOf puts a figure into base units.
func figureOf(d planner.Derived, s *planner.Sampling) figureJSON {
	f := figureJSON{
		ID: d.ID, Title: d.Title, Value: d.Value(), Unit: d.Unit, Formula: d.Formula,
		Inputs: mapped(d.Inputs, func(in planner.Input) string { return in.ID }),
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
	if s != nil {
		if q, ok := s.Quantiles[d.ID]; ok {
			f.P10, f.P50, f.P90 = &q.P10, &q.P50, &q.P90
		}
	}
	return f
}

func findingOf(f planner.Finding) findingJSON {
	out := findingJSON{
		Rule: f.Rule, Severity: f.Severity, Component: f.Component, Claim: f.Claim,
		Stated: f.Stated, Derived: f.Derived, Message: f.Message, Remedy: f.Remedy,
	}
	if f.Stated != nil || f.Derived != nil {
		out.Unit = &f.Unit
	}
	return out
}

func costOf(c planner.CostLine) costJSON {
	return costJSON{
		Component: c.Component, Item: c.Item, Figure: c.Figure, Quantity: c.Quantity, Unit: c.Unit,
		UnitPrice: c.UnitPrice, Monthly: c.Monthly, Confidence: c.Confidence, Source: c.Source, AsOf: c.AsOf,
		Provider: c.Provider,
	}
}

func growthOf(y planner.GrowthYear) growthJSON {
	return growthJSON{
		Year: y.Year, Peak: y.Peak, CapacityAfter: y.CapacityAfter, Cost: y.Cost.Total(),
		Fixed: y.Cost.Fixed, Stepped: y.Cost.Stepped, Linear: y.Cost.Linear, Providers: y.Cost.Providers,
		Breaks: mapped(y.Breaks, func(k planner.Break) breakJSON {
			return breakJSON{Component: k.Component, Title: k.Title, Figure: k.Figure, Date: k.Date, OrderBy: k.OrderBy, Action: k.Action}
		}),
	}
}

func stepOf(s planner.GrowthStep) stepJSON {
	return stepJSON{
		At: string(s.At), Date: s.Date, Capacity: s.Capacity.Low, Cost: s.Cost.High,
		Needed: known(s.Needed), Lasts: known(s.Lasts), Late: s.Late(),
	}
}

// known gives a day, nil if there is none.
func known(d planner.Date) *planner.Date {
	if d.IsZero() {
		return nil
	}
	return &d
}

func ceilingOf(c planner.Ceiling, unit units.Unit) ceilingJSON {
	out := ceilingJSON{
		Component: c.Component, Title: c.Title, Figure: c.Figure, Given: c.Given,
		Need: c.Need, Capacity: c.Capacity, Share: c.Share, Unit: unit, Needed: c.Needed, FlipsAt: c.FlipsAt,
		Action: c.Action, Date: known(c.Date), OrderBy: known(c.OrderBy),
	}
	if !c.Never {
		out.Factor = &c.Factor
	}
	return out
}

func outageOf(o planner.Outage) outageJSON {
	out := outageJSON{
		Channel: o.Channel, Seconds: o.Seconds, AtPeak: o.AtPeak, Arriving: o.Arriving, Rate: o.Rate,
		Backlog: o.Backlog, Expired: o.Expired, Extra: o.Extra,
	}
	if o.Drains {
		out.Drain = &o.Drain
	}
	return out
}

func limitOf(l planner.LimitResult) limitJSON {
	return limitJSON{
		Limit: l.String(), Figure: l.Figure, Op: l.Op, Bound: l.Bound, Unit: l.Unit,
		Value: l.Deciding(l.Value), Holds: l.Holds,
	}
}

// samplesOf says what was drawn, nil if nothing was asked for.
func samplesOf(s *planner.Sampling) *samplesJSON {
	if s == nil {
		return nil
	}
	out := &samplesJSON{
		Count: s.Samples, Seed: s.Seed, Influences: make(map[string][]influenceJSON),
		Drawn: mapped(s.Drawn, func(in planner.Input) string { return in.ID }),
	}
	for id, moves := range s.Influences {
		out.Influences[id] = influencesOf(moves)
	}
	return out
}

func influencesOf(moves []planner.Influence) []influenceJSON {
	return mapped(moves, func(m planner.Influence) influenceJSON { return influenceJSON{m.Input.ID, m.Low, m.High} })
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
