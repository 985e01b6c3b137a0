package planner

import (
	"maps"

	"github.com/notifyctl/notifyctl/planner/units"
)

// A valuation is the values of a model's slots for one plan: of the plan's
// keys, the prices and the figures. It is what the readings of the figures
// read: findings, ceilings, growth and outages.
type valuation struct {
	model     *model
	slots     map[Input]int // by id and origin; directions are not looked at
	low, high []float64
}

// value gives one number to reckon with: of a figure its safe end, of a range of
// a key or a price the high end.
func (v *valuation) value(in Input) float64 {
	r := v.rangeOf(in)
	if in.From == FromFigure {
		return v.model.figures[v.slot(in)-v.model.keys].Safe.Of(r)
	}
	return r.High
}

// rangeOf gives the value of a key, a price or a figure.
func (v *valuation) rangeOf(in Input) units.Range {
	slot := v.slot(in)
	return units.Range{Low: v.low[slot], High: v.high[slot]}
}

// slot finds where an input's value is kept.
func (v *valuation) slot(in Input) int {
	slot, ok := v.slots[Input{ID: in.ID, From: in.From}]
	if !ok {
		panic("BUG: planner: there is nothing called " + in.ID)
	}
	return slot
}

// with gives the valuation of the same plan with other values of some keys.
func (v *valuation) with(changes map[Input]units.Range) (*valuation, error) {
	changed := &valuation{
		model: v.model, slots: v.slots,
		low: append([]float64(nil), v.low...), high: append([]float64(nil), v.high...),
	}
	for in := range maps.Keys(changes) {
		slot := v.slot(in)
		changed.low[slot], changed.high[slot] = changes[in].Low, changes[in].High
	}
	return changed, v.model.evaluate(changed.low, changed.high)
}

// demand lists the keys that grow with what the system has to carry.
func demand() []Input {
	return []Input{
		key("workload.users"), key("workload.design_rate"),
		key("workload.spike.from"), key("workload.spike.to"),
		key("redis.hot_users"),
	}
}

// scaled gives the valuation of the same plan under a multiple of its demand.
func (v *valuation) scaled(factor float64) (*valuation, error) {
	changes := make(map[Input]units.Range)
	for _, in := range demand() {
		r := v.rangeOf(in)
		changes[in] = units.Range{Low: r.Low * factor, High: r.High * factor}
	}
	return v.with(changes)
}
