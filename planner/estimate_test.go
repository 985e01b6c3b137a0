package planner_test

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/units"
)

// estimate derives the figures of the reference plan with some values
// overridden.
func estimate(t *testing.T, assignments ...string) *planner.Estimate {
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

func TestEnvelope(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  []string
		want map[string]float64
	}{
		{"the reference", nil, map[string]float64{
			"volume.per_day":              1e9,
			"rate.average":                11_574.074,
			"rate.peak":                   34_722.222,
			"rate.design":                 50_000,
			"rate.push":                   30_000,
			"rate.email":                  15_000,
			"rate.sms":                    5_000,
			"rate.high":                   10_000,
			"rate.normal":                 30_000,
			"rate.low":                    10_000,
			"storage.per_day":             2e12,
			"storage.per_month":           60e12,
			"storage.per_year":            720e12,
			"storage.per_year.compressed": 300e12,
			"bandwidth.average":           23.148148e6,
			"bandwidth.design":            100e6,
		}},
		// By hand: 864,000 users x 2.5 = 2,160,000 a day = 25/s.
		{"a small plan", []string{
			"workload.users=864000", "workload.notifications_per_user=2.5", "workload.peak_factor=4",
			"workload.design_rate=200/s", "workload.size=1KiB", "workload.compression=2",
			"workload.channels={push: 50%, email: 25%, sms: 25%}", "workload.priorities={high: 10%, low: 90%}",
		}, map[string]float64{
			"volume.per_day":              2_160_000,
			"rate.average":                25,
			"rate.peak":                   100,
			"rate.design":                 200,
			"rate.push":                   100,
			"rate.email":                  50,
			"rate.sms":                    50,
			"rate.high":                   20,
			"rate.normal":                 0,
			"rate.low":                    180,
			"storage.per_day":             2_211_840_000,
			"storage.per_month":           66_355_200_000,
			"storage.per_year":            796_262_400_000,
			"storage.per_year.compressed": 398_131_200_000,
			"bandwidth.average":           25_600,
			"bandwidth.design":            204_800,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := estimate(t, tt.set...)
			for id, want := range tt.want {
				d, ok := e.Figure(id)
				if !ok || math.Abs(d.Value()-want) > 1e-7*want {
					t.Errorf("%s = %v, want %v", id, d.Value(), want)
				}
				if !d.Range.Exact() {
					t.Errorf("%s is the range %v of an exact plan", id, d.Range)
				}
			}
		})
	}
}

func TestEnvelopeOfRanges(t *testing.T) {
	e := estimate(t, "workload.users=50M..200M", "workload.size=1..4KB", "workload.compression=2..4")
	for id, want := range map[string]units.Range{
		"volume.per_day":              {Low: 5e8, High: 2e9},
		"storage.per_day":             {Low: 5e11, High: 8e12},
		"storage.per_year.compressed": {Low: 5e11 * 360 / 4, High: 8e12 * 360 / 2},
		"rate.design":                 units.Exactly(50_000),
		"bandwidth.design":            {Low: 50e6, High: 200e6},
	} {
		d, ok := e.Figure(id)
		if !ok || d.Range != want {
			t.Errorf("%s is %v, want %v", id, d.Range, want)
		}
		if d.Value() != want.High {
			t.Errorf("%s is planned by %v, want the high end %v", id, d.Value(), want.High)
		}
	}
}

func TestStatedStandsBesideTheFigure(t *testing.T) {
	e := estimate(t, "claims.rate.peak=30K/s..40K/s")
	if d, _ := e.Figure("bandwidth.average"); d.Stated == nil || *d.Stated != units.Exactly(24e6) {
		t.Errorf("bandwidth.average is stated as %v, want the reference's 24 MB/s", d.Stated)
	}
	if d, _ := e.Figure("rate.peak"); d.Stated == nil || *d.Stated != (units.Range{Low: 30_000, High: 40_000}) {
		t.Errorf("rate.peak is stated as %v", d.Stated)
	}
	if d, _ := e.Figure("rate.average"); d.Stated != nil {
		t.Errorf("rate.average is stated as %v, and nothing is claimed of it", *d.Stated)
	}
}

func TestLimits(t *testing.T) {
	e := estimate(t, "workload.users=50M..200M",
		"limits=[rate.peak <= 69K/s, rate.peak < 70K/s, rate.peak >= 18K/s, rate.peak > 17K/s]")
	for i, want := range []bool{false, true, false, true} {
		if got := e.Limits[i]; got.Holds != want {
			t.Errorf("%s: holds %v, want %v", got.Limit, got.Holds, want)
		}
	}
}

// Whatever a plan says, its figures are numbers, none below zero, each range
// the right way round.
func TestFiguresAreNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, err := planner.NewEstimate(drawPlan(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range e.Figures {
			for _, v := range []float64{d.Range.Low, d.Range.High, d.Value()} {
				if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
					t.Fatalf("%s is %v", d.ID, d.Range)
				}
			}
			if d.Range.Low > d.Range.High {
				t.Fatalf("%s is %v", d.ID, d.Range)
			}
		}
	})
}

// The figures of a plan within a range lie within the figures of the range.
func TestRangesHoldWhatIsInThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		wide := drawPlan(t)
		narrow := *wide
		for _, r := range []*units.Range{
			&narrow.Workload.Users.Range, &narrow.Workload.Size.Range, &narrow.Workload.Compression.Range,
			&narrow.Workload.PeakFactor.Range, &narrow.Workload.DesignRate.Range,
		} {
			*r = units.Exactly(r.Low + rapid.Float64Range(0, 1).Draw(t, "where")*(r.High-r.Low))
		}
		outer, err := planner.NewEstimate(wide)
		if err != nil {
			t.Fatal(err)
		}
		inner, err := planner.NewEstimate(&narrow)
		if err != nil {
			t.Fatal(err)
		}
		for i, d := range inner.Figures {
			o := outer.Figures[i].Range
			if d.Range.Low < o.Low*(1-1e-12) || d.Range.High > o.High*(1+1e-12) {
				t.Fatalf("%s: %v is not within %v", d.ID, d.Range, o)
			}
		}
	})
}

func TestExplain(t *testing.T) {
	x, err := estimate(t, "workload.peak_factor=4").Explain("rate.peak")
	if err != nil {
		t.Fatal(err)
	}
	if x.Value != "46,296/s" || x.Formula != "rate.average x workload.peak_factor" || x.Numbers != "11,574/s x 4" {
		t.Errorf("explained as %s = %s = %s", x.Value, x.Formula, x.Numbers)
	}
	average, factor := x.Inputs[0], x.Inputs[1]
	if average.ID != "rate.average" || average.Inputs[0].Inputs[0].Source != "reference.yaml:26" {
		t.Errorf("the first input is %+v", average)
	}
	if factor.Source != "--set workload.peak_factor=4" || factor.Value != "4" {
		t.Errorf("the second input is %+v", factor)
	}
}

// A figure that is needed twice is explained once.
func TestExplainDoesNotRepeatItself(t *testing.T) {
	for _, id := range planner.FigureIDs() {
		x, err := estimate(t).Explain(id)
		if err != nil {
			t.Fatal(err)
		}
		explained := make(map[string]bool)
		var walk func(planner.Explanation)
		walk = func(x planner.Explanation) {
			switch {
			case x.Source != "":
			case x.Repeated && !explained[x.ID], !x.Repeated && explained[x.ID]:
				t.Errorf("%s below %s: repeated %v", x.ID, id, x.Repeated)
			}
			explained[x.ID] = true
			for _, in := range x.Inputs {
				walk(in)
			}
		}
		walk(x)
	}
}

func TestExplainKeysAndUnknownIDs(t *testing.T) {
	e := estimate(t)
	x, err := e.Explain("kafka.retention")
	if err != nil || x.Value != "7d" || x.Source == "" || x.Formula != "" {
		t.Errorf("a key is explained as %+v, error %v", x, err)
	}
	for id, want := range map[string]string{"rate.pek": "rate.peak", "workload.user": "workload.users", "zzzzzz": ""} {
		_, err := e.Explain(id)
		var unknown *planner.UnknownFigureError
		if !errors.As(err, &unknown) || unknown.Nearest != want {
			t.Errorf("%s: error %v, want %q suggested", id, err, want)
		}
	}
}
