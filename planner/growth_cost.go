package planner

// A GrowthCost is what the system costs a month under a demand, in US dollars:
// the infrastructure by how it follows the demand, and the providers' bills,
// which rise with every message.
//
// It is of a system that is large enough: what the plan has, and once that does
// not suffice what is needed. So it may be above the plan's own bill today.
type GrowthCost struct {
	Fixed     float64 // stays as it is
	Stepped   float64 // jumps by whole machines
	Linear    float64 // rises with the demand, as traffic does
	Providers float64
}

// Infrastructure is all but the providers' bills.
func (c GrowthCost) Infrastructure() float64 { return c.Fixed + c.Stepped + c.Linear }

// Total is all of it.
func (c GrowthCost) Total() float64 { return c.Infrastructure() + c.Providers }

// An itemGrowth is how the cost of one item follows the demand.
type itemGrowth struct {
	item    costItem
	follows bool // what is planned follows the demand of itself
	needed  bool // what is needed does
}

// itemGrowths finds how each item of the bill follows the demand.
func (v *valuation) itemGrowths(c choices) []itemGrowth {
	var slots []int
	for _, in := range demand() {
		slots = append(slots, v.slot(in))
	}
	moves := func(id string) bool { return v.model.between(slots, []int{v.slot(figure(id))}) != nil }
	var all []itemGrowth
	for _, it := range costItems(c) {
		if it.included == "" {
			all = append(all, itemGrowth{item: it, follows: moves(it.id()), needed: moves(it.neededID())})
		}
	}
	return all
}

// growthCost gives what the items of the bill cost under a multiple of the plan's
// demand. Of ranges, it takes the high ends.
func (v *valuation) growthCost(items []itemGrowth, factor float64) (GrowthCost, error) {
	grown, err := v.scaled(factor)
	if err != nil {
		return GrowthCost{}, err
	}
	var cost GrowthCost
	for _, it := range items {
		monthly := grown.rangeOf(figure(it.item.id())).High
		if !it.follows {
			monthly = max(monthly, grown.rangeOf(figure(it.item.neededID())).High)
		}
		switch {
		case it.item.provider:
			cost.Providers += monthly
		case !it.follows && !it.needed:
			cost.Fixed += monthly
		case it.item.needed != nil:
			cost.Stepped += monthly
		default:
			cost.Linear += monthly
		}
	}
	return cost, nil
}
