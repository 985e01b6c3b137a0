package reports

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"github.com/notifyctl/notifyctl/planner"
)

// estimateOf derives the figures of the reference plan with some values
// overridden.
func estimateOf(t *testing.T, assignments ...string) *planner.Estimate {
	t.Helper()
	p, err := planner.Load(planner.Document{Assignments: assignments})
	if err != nil {
		t.Fatal(err)
	}
	e, err := planner.NewEstimate(p)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// ranged is a plan with everything that an estimate can show.
func ranged() []string {
	return []string{
		"name=größer", "workload.users=80M..120M", "workload.peak_factor=2..4", "claims.rate.peak=30K/s..40K/s",
		"limits=[rate.peak <= 30K/s, storage.per_day < 1PB, cost.total <= $5M/month]",
	}
}

func TestEstimateTable(t *testing.T) {
	for _, tt := range []struct {
		name     string
		set      []string
		terminal Terminal
	}{
		{"reference", nil, Terminal{Width: 80}},
		{"ranges", ranged(), Terminal{Width: 80, UTF8: true}},
		{"color", ranged(), Terminal{Width: 120, UTF8: true, Color: true}},
		{"narrow", ranged(), Terminal{Width: 50}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := EstimateTable(&out, estimateOf(t, tt.set...), tt.terminal); err != nil {
				t.Fatal(err)
			}
			golden.RequireEqual(t, out.Bytes())
		})
	}
}

// The table fits 80 columns, and without colour or UTF-8 it is plain ASCII.
func TestEstimateTableFits(t *testing.T) {
	for _, set := range [][]string{nil, ranged(), {"workload.users=1e18", "workload.size=1EB", "workload.design_rate=1e17..1e18/s"}} {
		var out bytes.Buffer
		if err := EstimateTable(&out, estimateOf(t, set...), Terminal{Width: 80}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			line = strings.TrimSuffix(line, "\n")
			if ansi.StringWidth(line) > 80 {
				t.Errorf("%d columns: %s", ansi.StringWidth(line), line)
			}
			if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("not plain ASCII: %q", line)
			}
		}
	}
}

// What colour adds can be taken away without losing a word.
func TestColorOnlyCarriesMeaning(t *testing.T) {
	var plain, colored bytes.Buffer
	e := estimateOf(t, ranged()...)
	if err := EstimateTable(&plain, e, Terminal{Width: 80}); err != nil {
		t.Fatal(err)
	}
	if err := EstimateTable(&colored, e, Terminal{Width: 80, Color: true}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(colored.String(), "\x1b[") || ansi.Strip(colored.String()) != plain.String() {
		t.Errorf("in colour:\n%s\nplain:\n%s", colored.String(), plain.String())
	}
}

func TestExplanationText(t *testing.T) {
	x, err := estimateOf(t, "workload.peak_factor=4").Explain("bandwidth.average")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := ExplanationText(&out, x, Terminal{Width: 80}); err != nil {
		t.Fatal(err)
	}
	golden.RequireEqual(t, out.Bytes())
}

func TestEstimateMarkdown(t *testing.T) {
	var out bytes.Buffer
	if err := EstimateMarkdown(&out, estimateOf(t, append(ranged(), "name='a|b <i>'")...)); err != nil {
		t.Fatal(err)
	}
	golden.RequireEqual(t, out.Bytes())
}

func TestEstimateJSON(t *testing.T) {
	var out bytes.Buffer
	if err := EstimateJSON(&out, estimateOf(t, ranged()...)); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Plan    map[string]any
		Figures []struct {
			ID, Unit, Formula string
			Value             float64
			Low, High, Stated *float64
			StatedLow         *float64 `json:"stated_low"`
			Inputs            []string
		}
		Findings, Costs, Growth []any
		Limits                  []struct {
			Limit string
			Value *float64
			Holds *bool
		}
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(out.Bytes(), &keys); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"findings": "[]", "costs": "[]", "growth": "[]", "verdict": "null"} {
		if string(keys[key]) != want {
			t.Errorf("%s is %s, want %s: nothing was derived", key, keys[key], want)
		}
	}
	if len(keys) != 7 || got.Plan["name"] != "größer" || len(got.Figures) != len(planner.FigureIDs()) {
		t.Errorf("%d keys, plan %v, %d figures", len(keys), got.Plan["name"], len(got.Figures))
	}
	for _, f := range got.Figures {
		switch f.ID {
		case "rate.peak":
			if *f.Low != 80e7/86400.*2 || *f.High != 120e7/86400.*4 || f.Value != *f.High || f.Unit != "/s" {
				t.Errorf("rate.peak: %+v", f)
			}
			if *f.Stated != 40_000 || *f.StatedLow != 30_000 {
				t.Errorf("rate.peak is stated as %v, low %v", *f.Stated, *f.StatedLow)
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
	if l := got.Limits[0]; *l.Holds || *l.Value != 120e7/86400.*4 {
		t.Errorf("the first limit: %+v", l)
	}
	if l := got.Limits[2]; l.Holds != nil || l.Value != nil {
		t.Errorf("a limit on what is not derived: %+v", l)
	}
}

// All formats show the same numbers.
func TestEstimateCSV(t *testing.T) {
	e := estimateOf(t, ranged()...)
	var out bytes.Buffer
	if err := EstimateCSV(&out, e); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
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

func TestCell(t *testing.T) {
	for in, want := range map[string]string{
		"=1+2": "'=1+2", "+1": "'+1", "-1": "'-1", "@a": "'@a", "a=1": "a=1", "": "",
		"\x1b]0;x\x07=1": "]0;x=1", "\t=1": "'=1",
	} {
		if got := cell(in); got != want {
			t.Errorf("cell(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain text": "plain text", "größer ✓": "größer ✓", "a\x1b[31mb": "a[31mb", "a\r\nb": "ab",
		"a\u202eb": "ab", "a\u009bb": "ab", "a\xffb": "a\ufffdb",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

// A report that cannot be written is an error, in every format.
func TestEstimateSaysWhenItCannotBeWritten(t *testing.T) {
	e := estimateOf(t)
	x, err := e.Explain("rate.peak")
	if err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func(io.Writer) error{
		"table":       func(w io.Writer) error { return EstimateTable(w, e, Terminal{}) },
		"json":        func(w io.Writer) error { return EstimateJSON(w, e) },
		"csv":         func(w io.Writer) error { return EstimateCSV(w, e) },
		"markdown":    func(w io.Writer) error { return EstimateMarkdown(w, e) },
		"explanation": func(w io.Writer) error { return ExplanationText(w, x, Terminal{}) },
	} {
		if err := write(fullDisk{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A fullDisk takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
