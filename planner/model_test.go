package planner

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/planner/units"
)

// sum is a figure that adds its inputs up.
func sum(id string, inputs ...Input) Figure {
	return Figure{ID: id, Inputs: inputs, Compute: func(in []float64) float64 {
		total := 0.0
		for _, v := range in {
			total += v
		}
		return total
	}}
}

func TestModelEvaluatesInTheOrderOfInputs(t *testing.T) {
	m, err := newModel([]string{"a", "b"}, []Figure{
		sum("last", figure("middle"), figure("first"), key("a")),
		sum("middle", figure("first"), key("b")),
		sum("first", key("a"), key("b")),
	})
	if err != nil {
		t.Fatal(err)
	}
	low, high := []float64{1, 10, 0, 0, 0}, []float64{2, 20, 0, 0, 0}
	if err := m.evaluate(low, high); err != nil {
		t.Fatal(err)
	}
	if want := []float64{1, 10, 33, 21, 11}; !slices.Equal(low, want) {
		t.Errorf("low %v, want %v", low, want)
	}
	if want := []float64{2, 20, 66, 42, 22}; !slices.Equal(high, want) {
		t.Errorf("high %v, want %v", high, want)
	}
}

// A key and a figure may have the same id.
func TestModelTellsKeysFromFigures(t *testing.T) {
	m, err := newModel([]string{"brokers"}, []Figure{sum("brokers", key("brokers"), key("brokers")), sum("twice", figure("brokers"))})
	if err != nil {
		t.Fatal(err)
	}
	values := []float64{12, 0, 0}
	if err := m.evaluate(values, slices.Clone(values)); err != nil {
		t.Fatal(err)
	}
	if values[2] != 24 {
		t.Errorf("%v, want the figure's 24", values[2])
	}
}

// What falls with an input is least where that input is greatest.
func TestModelBoundsByDirection(t *testing.T) {
	ratio := Figure{
		ID: "ratio", Inputs: []Input{key("a"), key("b").falling()},
		Compute: func(in []float64) float64 { return in[0] / in[1] },
	}
	m, err := newModel([]string{"a", "b"}, []Figure{ratio})
	if err != nil {
		t.Fatal(err)
	}
	low, high := []float64{10, 2, 0}, []float64{20, 5, 0}
	if err := m.evaluate(low, high); err != nil {
		t.Fatal(err)
	}
	if low[2] != 2 || high[2] != 10 {
		t.Errorf("%v..%v, want 2..10", low[2], high[2])
	}
}

func TestModelRefuses(t *testing.T) {
	for _, tt := range []struct {
		name    string
		figures []Figure
		want    string
	}{
		{"a circle", []Figure{sum("out", figure("a")), sum("a", figure("b")), sum("b", figure("c"), key("k")), sum("c", figure("a"))}, "figures need each other in a circle: a <- b <- c <- a"},
		{"itself", []Figure{sum("a", figure("a"))}, "figures need each other in a circle: a <- a"},
		{"a missing figure", []Figure{sum("a", figure("b"))}, "the figure a needs b, and there is no such figure"},
		{"a missing key", []Figure{sum("a", key("b"))}, "the figure a needs b, and there is no such key of the plan"},
		{"a figure for a key", []Figure{sum("a", key("b")), sum("b", key("k"))}, "the figure a needs b, and there is no such key of the plan"},
		{"an id twice", []Figure{sum("a", key("k")), sum("a", key("k"))}, "the figure a is listed twice"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := newModel([]string{"k"}, tt.figures); err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

// No value that is no number leaves a model.
func TestModelRefusesWhatIsNoNumber(t *testing.T) {
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		m, err := newModel(nil, []Figure{{ID: "odd", Compute: func([]float64) float64 { return v }}})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.evaluate(make([]float64, 1), make([]float64, 1)); err == nil || !strings.HasPrefix(err.Error(), "odd: ") {
			t.Errorf("%v: error %v, want one that names the figure", v, err)
		}
	}
}

// A list that does not hold together is a bug of ours, whatever the plan.
func TestEstimatePanicsOnABrokenList(t *testing.T) {
	defer func() {
		if r := recover(); r == nil || !strings.HasPrefix(r.(string), "BUG: ") {
			t.Errorf("recovered %v, want a BUG", r)
		}
	}()
	_, err := evaluate(Reference(), []Figure{sum("a", figure("b"))})
	t.Errorf("no panic, error %v", err)
}

// What two figures need is explained below the first of them.
func TestExplainOnce(t *testing.T) {
	v, err := evaluate(Reference(), []Figure{
		sum("top", figure("left"), figure("right")),
		sum("left", figure("base")), sum("right", figure("base")), sum("base", key("workload.users")),
	})
	if err != nil {
		t.Fatal(err)
	}
	e := &Estimate{Plan: Reference(), Figures: v.derived(Reference())}
	x, err := e.Explain("top")
	if err != nil {
		t.Fatal(err)
	}
	first, second := x.Inputs[0].Inputs[0], x.Inputs[1].Inputs[0]
	if first.Repeated || len(first.Inputs) != 1 || !second.Repeated || second.Inputs != nil || second.Value != first.Value {
		t.Errorf("explained as %+v, then as %+v", first, second)
	}
}

// Every figure names its inputs in its formula, and no other id.
func TestFormulasNameTheirInputs(t *testing.T) {
	known := make(map[string]bool)
	for _, l := range Reference().leaves() {
		known[l.path] = true
	}
	for _, f := range figures(choices{}) {
		known[f.ID] = true
	}
	for _, f := range figures(choices{}) {
		words := strings.FieldsFunc(f.Formula, func(r rune) bool { return strings.ContainsRune(" (),", r) })
		for _, in := range f.Inputs {
			if !slices.Contains(words, in.ID) {
				t.Errorf("%s: the formula %q does not name its input %s", f.ID, f.Formula, in.ID)
			}
		}
		for _, w := range words {
			named := slices.ContainsFunc(f.Inputs, func(in Input) bool { return in.ID == w })
			if known[w] && !named {
				t.Errorf("%s: the formula %q names %s, which is no input", f.ID, f.Formula, w)
			}
		}
		if f.Title == "" || f.ID != strings.ToLower(f.ID) {
			t.Errorf("%s: without a title or not in lower case", f.ID)
		}
	}
}

// Each figure rises or falls with each input as it declares, wherever the
// others stand, and no input is without effect.
func TestFiguresKeepTheirDirections(t *testing.T) {
	const draws = 300
	random := rand.New(rand.NewPCG(1, 2))
	for _, f := range figures(choices{}) {
		for n, in := range f.Inputs {
			moved := false
			for range draws {
				values := make([]float64, len(f.Inputs))
				for i := range values {
					values[i] = math.Pow(10, 12*random.Float64()-2)
				}
				before := f.Compute(values)
				values[n] *= 1 + 9*random.Float64()
				after := f.Compute(values)
				moved = moved || after != before
				if in.Falls && after > before || !in.Falls && after < before {
					t.Errorf("%s goes from %v to %v as %s rises to %v of %v", f.ID, before, after, in.ID, values[n], values)
				}
			}
			if !moved {
				t.Errorf("%s never moves with %s", f.ID, in.ID)
			}
		}
	}
}

// What is only stated must not be derived as well.
func TestStatedSubjectsAreNoFigures(t *testing.T) {
	seen := make(map[string]bool)
	for _, s := range subjects() {
		if seen[s.id] {
			t.Errorf("%s is a subject twice", s.id)
		}
		seen[s.id] = true
	}
}

// Every key of the plan can be drawn on by figures, in its place.
func TestLeavesFollowThePlan(t *testing.T) {
	leaves := Reference().leaves()
	if leaves[0].path != "version" {
		t.Errorf("first %s", leaves[0].path)
	}
	positive, any := bounds{above: true, max: units.Max}, bounds{max: units.Max}
	want := map[string]leaf{
		"workload.size":            {"workload.size", units.ByteSize, units.Exactly(2000), positive},
		"workload.channels.push":   {"workload.channels.push", units.Ratio, units.Exactly(0.6), bounds{max: 1}},
		"kafka.partitions.normal":  {"kafka.partitions.normal", units.Whole, units.Exactly(100), positive},
		"deployment.start_delay":   {"deployment.start_delay", units.Seconds, units.Exactly(20), any},
		"deployment.memory":        {"deployment.memory", units.ByteSize, units.Exactly(1e9), bounds{min: 64e6, max: units.Max}},
		"gateway.cpu":              {"gateway.cpu", units.Scalar, units.Range{Low: 2, High: 4}, positive},
		"deployment.gateway_rate":  {"deployment.gateway_rate", units.PerSecond, units.Exactly(0), any},
		"service_levels.api_p99":   {"service_levels.api_p99", units.Seconds, units.Exactly(0.5), positive},
		"rate_limits.per_user.sms": {"rate_limits.per_user.sms", units.Whole, units.Exactly(0), any},
	}
	for _, l := range leaves {
		if w, ok := want[l.path]; ok {
			if l != w {
				t.Errorf("%v, want %v", l, w)
			}
			delete(want, l.path)
		}
	}
	for path := range want {
		t.Errorf("%s is missing", path)
	}
}
