package reports

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/planner"
)

// An estimateDocument is what programs read of an estimate.
type estimateDocument struct {
	Plan    map[string]any
	Figures []struct {
		ID, Unit, Formula string
		Value             float64
		Low, High, Stated *float64
		StatedLow         *float64 `json:"stated_low"`
		P10, P50, P90     *float64
		Inputs            []string
	}
	Findings []map[string]any
	Costs    []struct {
		Component, Figure string
		Monthly, Quantity float64
		UnitPrice         float64 `json:"unit_price"`
		Provider          bool
		Source            string
		AsOf              string `json:"as_of"`
		Confidence        string
	}
	Growth []map[string]any
	Limits []struct {
		Limit string
		Value float64
		Holds bool
	}
	Samples *struct {
		Count      int
		Drawn      []string
		Influences map[string][]map[string]any
	}
	Verdict string
}

// A failer is a test, or one try of a property.
type failer interface {
	Helper()
	Fatal(args ...any)
}

// documentOf writes an estimate as JSON and reads it again.
func documentOf(t failer, e *planner.Estimate, s *planner.Sampling) (estimateDocument, []byte) {
	t.Helper()
	var out bytes.Buffer
	if err := EstimateJSON(&out, e, s); err != nil {
		t.Fatal(err)
	}
	var d estimateDocument
	if err := json.Unmarshal(out.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	return d, out.Bytes()
}

func TestEstimateJSON(t *testing.T) {
	e := estimateOf(t, ranged()...)
	got, text := documentOf(t, e, nil)
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(text, &keys); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		"plan", "figures", "findings", "costs", "growth", "steps", "ceilings", "outages", "limits", "stated_costs", "samples", "verdict",
	} {
		if _, ok := keys[key]; !ok {
			t.Errorf("there is no %s", key)
		}
		delete(keys, key)
	}
	if len(keys) > 0 {
		t.Errorf("unexpected keys: %v", keys)
	}
	if got.Plan["name"] != "größer" || len(got.Figures) != len(planner.FigureIDs()) || got.Verdict != "fail" {
		t.Errorf("plan %v, %d figures, verdict %s", got.Plan["name"], len(got.Figures), got.Verdict)
	}
	for _, f := range got.Figures {
		switch f.ID {
		case "rate.peak":
			if *f.Low != 80e7/86400.*2 || *f.High != 120e7/86400.*4 || f.Value != *f.High || f.Unit != "/s" {
				t.Errorf("rate.peak: %+v", f)
			}
			if *f.Stated != 40_000 || *f.StatedLow != 30_000 || f.P50 != nil {
				t.Errorf("rate.peak is stated as %v, low %v, p50 %v", *f.Stated, *f.StatedLow, f.P50)
			}
			if strings.Join(f.Inputs, " ") != "rate.average workload.peak_factor" {
				t.Errorf("rate.peak is computed from %v", f.Inputs)
			}
		case "rate.design":
			if f.Value != 50_000 || f.Low != nil || f.Stated != nil {
				t.Errorf("rate.design: %+v", f)
			}
		}
	}
	if l := got.Limits[0]; l.Holds || l.Value != 120e7/86400.*4 {
		t.Errorf("the first limit: %+v", l)
	}
}

// The keys of the lists are those that programs are written against.
func TestEstimateJSONLists(t *testing.T) {
	got, _ := documentOf(t, estimateOf(t), nil)
	for name, list := range map[string]struct {
		have map[string]any
		want []string
	}{
		"findings": {got.Findings[0], []string{"rule", "severity", "component", "message", "remedy"}},
		"growth":   {got.Growth[0], []string{"year", "peak", "capacity_after", "breaks", "cost"}},
		"breaks":   {got.Growth[0]["breaks"].([]any)[0].(map[string]any), []string{"component", "figure", "date", "order_by"}},
	} {
		for _, key := range list.want {
			if _, ok := list.have[key]; !ok {
				t.Errorf("%s: no %s in %v", name, key, list.have)
			}
		}
	}
	for _, c := range got.Costs {
		if c.Source == "" || c.AsOf == "" || c.Confidence == "" {
			t.Errorf("%s: a price of nowhere: %+v", c.Figure, c)
		}
	}
}

func TestEstimateJSONSamples(t *testing.T) {
	e := estimateOf(t, ranged()...)
	got, _ := documentOf(t, e, sampled(t, e, 500))
	for _, f := range got.Figures {
		if f.ID == "rate.peak" && !(*f.Low < *f.P10 && *f.P10 < *f.P50 && *f.P50 < *f.P90) {
			t.Errorf("rate.peak: low %v, p10 %v, p50 %v, p90 %v", *f.Low, *f.P10, *f.P50, *f.P90)
		}
	}
	if got.Samples.Count != 500 || len(got.Samples.Influences["cost.total"]) == 0 {
		t.Errorf("samples: %+v", got.Samples)
	}
}

// The lines of the bill add up to its sums, whatever the format.
func TestCostsAddUp(t *testing.T) {
	for _, set := range [][]string{nil, ranged()} {
		e := estimateOf(t, set...)
		got, _ := documentOf(t, e, nil)
		sums := make(map[string]float64)
		for _, c := range got.Costs {
			sums["cost."+c.Component] += c.Monthly
			if !c.Provider {
				sums["cost.infrastructure"] += c.Monthly
			}
			sums["cost.total"] += c.Monthly
			if math.Abs(c.Quantity*c.UnitPrice-c.Monthly) > 1e-9*c.Monthly {
				t.Errorf("%s: %v x %v is not %v", c.Figure, c.Quantity, c.UnitPrice, c.Monthly)
			}
		}
		for id, sum := range sums {
			if want := figureNamed(e, id).Value(); math.Abs(sum-want) > 1e-9*want {
				t.Errorf("JSON: the lines of %s add up to %v, not %v", id, sum, want)
			}
		}
		csvSums(t, e)
		rowsAddUp(t, e)
	}
}

// csvSums adds the lines of the bill up as a reader of the CSV does.
func csvSums(t *testing.T, e *planner.Estimate) {
	t.Helper()
	values := make(map[string]float64)
	for _, record := range csvOf(t, e)[1:] {
		value, err := strconv.ParseFloat(record[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		values[record[0]] = value
	}
	var sum float64
	for _, c := range e.Costs {
		sum += values[c.Figure]
	}
	if want := values["cost.total"]; math.Abs(sum-want) > 1e-9*want {
		t.Errorf("CSV: the lines add up to %v, not %v", sum, want)
	}
}

// rowsAddUp adds the bill up as it is shown in the table and in Markdown, in
// whole dollars.
func rowsAddUp(t *testing.T, e *planner.Estimate) {
	t.Helper()
	rows := costRows(e)
	read := func(text string) (dollars int) {
		if text != "" {
			if _, err := fmt.Sscanf(strings.ReplaceAll(text, ",", ""), "$%d", &dollars); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
		}
		return dollars
	}
	var infrastructure, providers, total int
	for _, r := range rows[2:] {
		row := [3]int{read(r.money(r.infrastructure)), read(r.money(r.providers)), read(r.money(r.total))}
		if row[0]+row[1] != row[2] {
			t.Errorf("%s: %v", r.label, row)
		}
		infrastructure, providers, total = infrastructure+row[0], providers+row[1], total+row[2]
	}
	sum := rows[0]
	if infrastructure != read(sum.money(sum.infrastructure)) || providers != read(sum.money(sum.providers)) || total != read(sum.money(sum.total)) {
		t.Errorf("the rows add up to %d, %d and %d, not to %s, %s and %s", infrastructure, providers, total,
			sum.money(sum.infrastructure), sum.money(sum.providers), sum.money(sum.total))
	}
}

func csvOf(t *testing.T, e *planner.Estimate) [][]string {
	t.Helper()
	var out bytes.Buffer
	if err := EstimateCSV(&out, e, sampled(t, e, 100)); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// All formats show the same numbers.
func TestEstimateCSV(t *testing.T) {
	e := estimateOf(t, ranged()...)
	records := csvOf(t, e)
	if len(records) != len(e.Figures)+1 || records[0][2] != "value" {
		t.Fatalf("%d records, the first %v", len(records), records[0])
	}
	for i, d := range e.Figures {
		value, err := strconv.ParseFloat(records[i+1][2], 64)
		if err != nil || records[i+1][0] != d.ID || value != d.Value() {
			t.Errorf("%v, want %s = %v", records[i+1], d.ID, d.Value())
		}
	}
}

// Whatever a plan's numbers are, every format writes it, and no number in it is
// negative or none at all.
func TestEstimatesOfAnyPlanAreNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var set []string
		for _, m := range magnitudes() {
			low := m.round(math.Pow(10, rapid.Float64Range(m.from, m.to).Draw(t, m.path)))
			value := strconv.FormatFloat(low, 'f', -1, 64)
			if rapid.Bool().Draw(t, "range") {
				value += ".." + strconv.FormatFloat(m.round(low*3), 'f', -1, 64)
			}
			set = append(set, m.path+"="+value)
		}
		set = append(set, "workload.spike={from: 0.01/s, to: 0.1/s}")
		p, err := planner.Load(planner.Document{Assignments: set})
		if err != nil {
			t.Fatal(err)
		}
		e, err := planner.NewEstimate(p)
		if err != nil {
			t.Fatal(err)
		}
		s, err := e.Sample(20, 1)
		if err != nil {
			t.Fatal(err)
		}
		_, text := documentOf(t, e, s)
		var document any
		if err := json.Unmarshal(text, &document); err != nil {
			t.Fatal(err)
		}
		if negative := negativeIn(document, ""); negative != "" {
			t.Errorf("negative: %s", negative)
		}
		var out strings.Builder
		if err := EstimateTable(&out, e, s, Terminal{Width: 80}); err != nil {
			t.Fatal(err)
		}
		if err := EstimateMarkdown(&out, e, s); err != nil {
			t.Fatal(err)
		}
		if err := EstimateCSV(&out, e, s); err != nil {
			t.Fatal(err)
		}
		for _, none := range []string{"NaN", "Inf", "%!"} {
			if at := strings.Index(out.String(), none); at >= 0 {
				t.Errorf("%s in %q", none, out.String()[max(at-60, 0):at+10])
			}
		}
	})
}

// A magnitude is a key of the plan and the powers of ten that it is drawn from.
type magnitude struct {
	path     string
	from, to float64
	whole    bool
}

// round makes a value one that the key takes.
func (m magnitude) round(v float64) float64 {
	if m.whole {
		return math.Ceil(v)
	}
	return math.Ceil(v*100) / 100
}

func magnitudes() []magnitude {
	return []magnitude{
		{"workload.users", 0, 10, true},
		{"workload.notifications_per_user", -2, 3, false},
		{"workload.peak_factor", 0, 2, false},
		{"workload.design_rate", -1, 8, false},
		{"workload.size", 0, 7, false},
		{"workload.burst", 0, 3, false},
		{"workload.regions", 0, 1, true},
		{"gateway.rate_per_instance", -1, 6, false},
		{"kafka.retention", 0, 8, false},
		{"kafka.partition_rate", -1, 6, false},
		{"postgres.bytes_per_user", 0, 6, false},
		{"cassandra.disk_per_node", 6, 14, false},
		{"redis.hot_users", 0, 10, true},
		{"growth.rate", -2, 1, false},
		{"growth.current_peak", -1, 8, false},
		{"providers.connections", 0, 5, true},
	}
}

// negativeIn finds a negative number in a JSON document, "" if there is none.
func negativeIn(v any, path string) string {
	switch v := v.(type) {
	case float64:
		if v < 0 {
			return fmt.Sprintf("%s = %v", path, v)
		}
	case []any:
		for i, element := range v {
			if found := negativeIn(element, fmt.Sprintf("%s[%d]", path, i)); found != "" {
				return found
			}
		}
	case map[string]any:
		for key, element := range v {
			if found := negativeIn(element, path+"."+key); found != "" {
				return found
			}
		}
	}
	return ""
}
