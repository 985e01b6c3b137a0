package planner

import (
	"math"
	"slices"

	"github.com/notifyctl/notifyctl/planner/units"
)

// A Change is a figure or a line of the bill that two plans do not agree on.
type Change struct {
	ID    string
	Title string
	Unit  units.Unit
	// Old and New are the numbers to plan by; nil where a plan has none.
	Old, New *float64
}

// Relative is the change as a fraction of the old value, and whether there is
// one: nothing grows from 0 by a fraction.
func (c Change) Relative() (float64, bool) {
	if c.Old == nil || c.New == nil || *c.Old == 0 {
		return 0, false
	}
	return *c.New / *c.Old - 1, true
}

// Compare lists the figures that differ between an old and a new estimate,
// money first, each group in the order of the figures.
func Compare(before, after *Estimate) []Change {
	changes := []Change{}
	for _, d := range after.Figures {
		old, known := before.Figure(d.ID)
		is := d.Value()
		switch {
		case !known:
			changes = append(changes, Change{ID: d.ID, Title: d.Title, Unit: d.Unit, New: &is})
		case !alike(old.Value(), is):
			was := old.Value()
			changes = append(changes, Change{ID: d.ID, Title: d.Title, Unit: d.Unit, Old: &was, New: &is})
		}
	}
	for _, d := range before.Figures {
		if _, known := after.Figure(d.ID); !known {
			was := d.Value()
			changes = append(changes, Change{ID: d.ID, Title: d.Title, Unit: d.Unit, Old: &was})
		}
	}
	slices.SortStableFunc(changes, func(a, b Change) int {
		rank := func(c Change) int {
			if c.Unit.Money() {
				return 0
			}
			return 1
		}
		return rank(a) - rank(b)
	})
	return changes
}

// alike reports whether two values differ by no more than rounding.
func alike(a, b float64) bool {
	return a == b || math.Abs(a-b) <= 1e-12*max(math.Abs(a), math.Abs(b))
}
