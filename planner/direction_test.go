package planner_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/units"
)

// A direction is where a figure goes as a key of the plan rises; both bits are
// set where some of its inputs take it up and others down.
type direction uint8

const (
	up direction = 1 << iota
	down
)

// turned is the direction of a figure that falls with another of direction d.
func (d direction) turned() direction { return d&up<<1 | d&down>>1 }

// directions follows a key of the plan through the graph of the figures: where
// each goes that moves with it.
func directions(figures []planner.Derived, key string) map[string]direction {
	byID := make(map[string]planner.Derived)
	for _, d := range figures {
		byID[d.ID] = d
	}
	known := make(map[string]direction)
	var of func(id string) direction
	of = func(id string) direction {
		if d, ok := known[id]; ok {
			return d
		}
		var d direction
		for _, in := range byID[id].Inputs {
			var moved direction
			switch {
			case in.From == planner.FromFigure:
				moved = of(in.ID)
			case in.From == planner.FromKey && in.ID == key:
				moved = up
			}
			if in.Falls {
				moved = moved.turned()
			}
			d |= moved
		}
		known[id] = d
		return d
	}
	for _, d := range figures {
		of(d.ID)
	}
	return known
}

// isTorn reports whether a figure is known to be pushed both ways by more users.
func isTorn(id string) bool {
	return slices.ContainsFunc([]string{
		"templates.", // more is looked up, and the caches have more of it at hand
		"cost.per_",  // a bill over the volume that it is of: both rise
		"savings.",   // a part of the bill, or its share of the whole: both rise
		"recovery.",  // the difference of two bills over their volume: all rise
	}, func(begin string) bool { return strings.HasPrefix(id, begin) })
}

// More users move each figure as its inputs say, through all that lies between,
// and leave the others as they are.
func TestFiguresFollowTheUsers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plan := drawPlan(t)
		more := *plan
		times := rapid.SampledFrom([]float64{0.5, 2, 1 + rapid.Float64Range(0, 3).Draw(t, "more")}).Draw(t, "times")
		users := plan.Workload.Users.Range
		more.Workload.Users.Range = units.Range{Low: users.Low * times, High: users.High * times}
		a, err := planner.NewEstimate(plan)
		if err != nil {
			t.Fatal(err)
		}
		b, err := planner.NewEstimate(&more)
		if err != nil {
			t.Fatal(err)
		}
		if times < 1 {
			a, b = b, a
		}
		for id, d := range directions(a.Figures, "workload.users") {
			was, _ := a.Figure(id)
			is, _ := b.Figure(id)
			ends := [2][2]float64{{was.Range.Low, is.Range.Low}, {was.Range.High, is.Range.High}}
			if d == up|down && !isTorn(id) {
				t.Errorf("%s is torn both ways, and not listed", id)
			}
			for _, end := range ends {
				rose, fell := end[1] > end[0]*(1+1e-9), end[1] < end[0]*(1-1e-9)
				if rose && d&up == 0 || fell && d&down == 0 {
					t.Fatalf("%s goes from %v to %v with more users", id, was.Range, is.Range)
				}
			}
		}
	})
}

// The reference plan's figures that follow from its users do move with them.
func TestTwiceTheUsers(t *testing.T) {
	a, b := estimate(t), estimate(t, "workload.users=200M")
	for id, times := range map[string]float64{
		"volume.per_day": 2, "rate.average": 2, "storage.per_year.compressed": 2, "kafka.disk.per_broker": 2,
		"rate.design": 1, "spike.backlog": 1, "growth.headroom": 1,
	} {
		was, _ := a.Figure(id)
		is, _ := b.Figure(id)
		if is.Value() != times*was.Value() {
			t.Errorf("%s goes from %v to %v, want %v times as much", id, was.Value(), is.Value(), times)
		}
	}
}
