package planner

import (
	"slices"
	"strings"
	"testing"
)

// Whatever the words of a plan are, the figures are the same ones, and each
// formula names its inputs.
func TestChoicesKeepTheFigures(t *testing.T) {
	ids := FigureIDs()
	for _, c := range []choices{
		{skewed: true},
		{servicesClaimed: true},
		{sharding: "jump"},
		{pushWire: "single", smsWire: "single"},
		{skewed: true, servicesClaimed: true, sharding: "modulo", pushWire: "batch", smsWire: "batch"},
	} {
		var same []string
		for _, f := range figures(c) {
			same = append(same, f.ID)
			words := strings.FieldsFunc(f.Formula, func(r rune) bool { return strings.ContainsRune(" (),", r) })
			for _, in := range f.Inputs {
				if !slices.Contains(words, in.ID) && in.From != FromPrice {
					t.Errorf("%+v: the formula %q of %s does not name its input %s", c, f.Formula, f.ID, in.ID)
				}
			}
		}
		if !slices.Equal(same, ids) {
			t.Errorf("%+v: other figures", c)
		}
	}
}
