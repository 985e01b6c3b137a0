package planner_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

func TestGrowthOfTheReference(t *testing.T) {
	e := estimate(t)
	if len(e.Growth) != 3 {
		t.Fatalf("%d years, want today and two more", len(e.Growth))
	}
	// By hand: 36K x 1.5 = 54K, x 1.5 = 81K. The step of the 3rd quarter is done
	// nine months from 2026-11-24, within the first year.
	for i, want := range []struct{ peak, capacity float64 }{{36_000, 75_000}, {54_000, 100_000}, {81_000, 100_000}} {
		year := e.Growth[i]
		if year.Year != i || math.Abs(year.Peak-want.peak) > 1e-6 || year.CapacityAfter != want.capacity {
			t.Errorf("year %d: peak %v, capacity %v, want %v", i, year.Peak, year.CapacityAfter, want)
		}
	}
	if len(e.Growth[0].Breaks) == 0 {
		t.Error("nothing is broken today, and one short code sends text messages")
	}
	first, second := e.Steps[0], e.Steps[1]
	if first.Late() || first.Date.String() != "2026-11-24" || first.Needed.String() != "2027-09-15" || first.Lasts.String() != "2028-09-15" {
		t.Errorf("the first step: %+v", first)
	}
	if second.Late() || second.Date.String() != "2027-08-24" || second.Needed.String() != "2028-09-15" || !second.Lasts.IsZero() {
		t.Errorf("the second step: %+v", second)
	}
}

// A cost follows the demand as its kind says, and starts from a system that is
// large enough.
func TestGrowthOfCosts(t *testing.T) {
	e := estimate(t)
	today, later := e.Growth[0].Cost, e.Growth[2].Cost
	if today.Fixed != later.Fixed || today.Fixed == 0 {
		t.Errorf("fixed costs go from %v to %v", today.Fixed, later.Fixed)
	}
	if math.Abs(later.Linear/today.Linear-2.25) > 0.05 {
		t.Errorf("linear costs go from %v to %v with 2.25 times the demand", today.Linear, later.Linear)
	}
	if later.Stepped <= today.Stepped {
		t.Errorf("stepped costs go from %v to %v", today.Stepped, later.Stepped)
	}
	for id, is := range map[string]float64{"cost.providers": today.Providers} {
		if d, _ := e.Figure(id); math.Abs(is-d.Range.High) > 1e-6*is {
			t.Errorf("today costs %v, and %s is %v", is, id, d.Range.High)
		}
	}
	planned, _ := e.Figure("cost.infrastructure")
	if today.Infrastructure() < planned.Range.High*(1-1e-9) || math.Abs(today.Total()-today.Infrastructure()-today.Providers) > 1e-6 {
		t.Errorf("today costs %+v, and the plan's infrastructure %v", today, planned.Range.High)
	}
	// With machines to spare, growth costs nothing more until they are used up.
	spare := estimate(t, "kafka.brokers=100", "growth.rate=10%", "growth.years=1")
	plain := estimate(t, "growth.rate=10%", "growth.years=1")
	grown := func(e *planner.Estimate) float64 { return e.Growth[1].Cost.Stepped - e.Growth[0].Cost.Stepped }
	if grown(spare) >= grown(plain) {
		t.Errorf("a year's steps cost %v with spare brokers, %v without", grown(spare), grown(plain))
	}
}

// The breaks of the years are those of the ceilings, each in the year of its
// date.
func TestBreaksStandInTheirYears(t *testing.T) {
	e := estimate(t, "growth.years=10", "growth.rate=30%")
	breaks, year := 0, 0
	for _, y := range e.Growth {
		for _, b := range y.Breaks {
			breaks++
			end := e.Plan.AsOf.Time().AddDate(y.Year, 0, 0)
			if b.Date.Time().After(end) || y.Year > 0 && !b.Date.Time().After(end.AddDate(-1, 0, 0)) {
				t.Errorf("%s breaks on %s, and stands in year %d", b.Figure, b.Date, y.Year)
			}
			if b.OrderBy.Time().After(b.Date.Time()) || b.Action == "" {
				t.Errorf("%+v", b)
			}
			year = max(year, y.Year)
		}
	}
	dated := 0
	for _, c := range e.Ceilings {
		if !c.Date.IsZero() {
			dated++
		}
	}
	if breaks != dated || year < 3 {
		t.Errorf("%d breaks up to year %d, and %d ceilings with a date", breaks, year, dated)
	}
}

func TestHeadroomAfterTheFirstStep(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  []string
		want float64
	}{
		{"the reference", nil, 75.0/54 - 1},
		// 20K x 1.2 = 24K; the design rate stands in for the step that is missing.
		{"without a step", []string{"growth.steps=[]", "growth.current_peak=20K/s", "growth.rate=20%"}, 50.0/24 - 1},
		{"less than is needed", []string{"growth.steps=[{at: now, capacity: 51K/s}]"}, 0},
		{"of ranges", []string{"growth.rate=40%..50%", "growth.steps=[{at: now, capacity: 60..75K/s}]"}, 60.0/54 - 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, ok := estimate(t, tt.set...).Figure("growth.headroom")
			if !ok || math.Abs(d.Value()-tt.want) > 1e-12 {
				t.Errorf("%v, want %v", d.Value(), tt.want)
			}
		})
	}
}

func TestStepsRiseInTheOrderOfTime(t *testing.T) {
	for steps, want := range map[string]string{
		"[{at: 3rd quarter, capacity: 75K/s}, {at: now, capacity: 100K/s}]":                                  "the step at now stands after the one at 3rd quarter",
		"[{at: now, capacity: 75K/s}, {at: 3rd quarter, capacity: 70K/s}]":                                   "the step at 3rd quarter gives 70K/s, less than the 75K/s before it",
		"[{at: now, capacity: 75K/s}, {at: 2027-08-24, capacity: 80K/s}, {at: 2027-08-23, capacity: 90K/s}]": "the step at 2027-08-23 stands after",
	} {
		_, err := planner.Load(planner.Document{Assignments: []string{"growth.steps=" + steps}})
		var invalid *yamldoc.InvalidError
		if !errors.As(err, &invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", steps, err, want)
		}
	}
	estimate(t, "growth.steps=[{at: now, capacity: 75K/s}, {at: 2nd quarter, capacity: 75K/s}, {at: 2027-05-24, capacity: 80K/s}]")
}

// What an explanation says of the first step leads to where it was written.
func TestFirstStepIsExplained(t *testing.T) {
	for assignment, want := range map[string]string{
		"workload.users=100M": "reference.yaml:", "growth.steps=[{at: now, capacity: 75K/s}]": "--set growth.steps=", "growth.steps=[]": "--set growth.steps=",
	} {
		x, err := estimate(t, assignment).Explain("growth.capacity")
		if err != nil {
			t.Fatal(err)
		}
		if got := x.Inputs[1]; got.ID != "growth.steps[0].capacity" || !strings.HasPrefix(got.Source, want) {
			t.Errorf("%s: explained as %+v, want the source %s", assignment, got, want)
		}
	}
}
