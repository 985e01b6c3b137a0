package planner

import (
	"github.com/notifyctl/notifyctl/planner/pricing"
	"github.com/notifyctl/notifyctl/planner/units"
)

// savingFigures lists what three optimisations take off the bill: each reckoned
// on what it acts on, and all of them together.
func savingFigures(c choices) []Figure {
	var all []Figure
	for _, it := range savingItems(c) {
		all = append(all, it.figures(c)...)
	}
	all = append(all, batchingSaving())
	all = append(all, coldStorageSaving()...)
	all = append(all, commitmentSavings(c)...)
	for _, s := range []struct{ name, title string }{
		{"batching", "sending in batches"},
		{"cold_storage", "cheap storage of old history"},
		{"reserved", "committing to machines"},
		{"combined", "all savings together"},
	} {
		all = append(all, savingShare(s.name, s.title, "infrastructure"), savingShare(s.name, s.title, "total"))
	}
	return all
}

// savingItems lists what is priced to reckon the savings: the workers' machines
// with and without batches, and the cheap storage.
func savingItems(c choices) []costItem {
	workers := func(item, title string) costItem {
		return costItem{
			component: "savings", item: item, title: title, measure: hours(),
			planned: []Input{figure("workers.machines." + item)},
			price:   priceUse{"ec2." + c.machines.Workers, pricing.InstanceHour, "prices.machines.workers"},
		}
	}
	return []costItem{
		workers("batched", "machines of workers that all send in batches"),
		workers("unbatched", "machines of workers that all send one at a time"),
		{
			component: "savings", item: "cold", title: "cheap storage of old history", measure: gigabytes(),
			planned: []Input{figure("savings.cold_storage.size")},
			price:   priceUse{"s3." + c.coldTier, pricing.GBMonth, "savings.cold_tier"},
		},
	}
}

// batchingSaving is what the workers' machines cost less with batches, at the
// average rate and with the pools' bounds, which is how the bill counts them.
func batchingSaving() Figure {
	return Figure{
		ID: "savings.batching", Title: "saved by sending in batches, a month", Unit: units.DollarsPerMonth, Safe: Low,
		Formula: "max(cost.savings.unbatched - cost.savings.batched, 0)",
		Inputs:  []Input{figure("cost.savings.unbatched"), figure("cost.savings.batched").falling()},
		Compute: func(in []float64) float64 { return max(in[0]-in[1], 0) },
	}
}

// coldStorageSaving lists what it saves to move old history out of Cassandra:
// the share of nodes and disks that holds it, less its one compressed copy where
// it moves to. That storage keeps copies of its own in its price.
func coldStorageSaving() []Figure {
	share := func(id, title, of string) Figure {
		return Figure{
			ID: id, Title: title, Unit: units.DollarsPerMonth, Safe: Low,
			Formula: of + " x savings.cold_storage.share",
			Inputs:  []Input{figure(of), figure("savings.cold_storage.share")},
			Compute: func(in []float64) float64 { return in[0] * min(in[1], 1) },
		}
	}
	return []Figure{
		{
			ID: "savings.cold_storage.share", Title: "share of history that is cold", Unit: units.Ratio, Safe: Low,
			Formula: "max(1 - savings.cold_after / cassandra.retention, 0)",
			Inputs:  []Input{key("savings.cold_after").falling(), key("cassandra.retention")},
			Compute: func(in []float64) float64 { return max(1-in[0]/in[1], 0) },
		},
		{
			ID: "savings.cold_storage.size", Title: "cold history, one copy compressed", Unit: units.ByteSize,
			Formula: "storage.per_day x max(cassandra.retention - savings.cold_after, 0) / workload.compression",
			Inputs: []Input{
				figure("storage.per_day"), key("cassandra.retention"), key("savings.cold_after").falling(),
				key("workload.compression").falling(),
			},
			Compute: func(in []float64) float64 { return in[0] * max(in[1]-in[2], 0) / secondsPerDay / in[3] },
		},
		share("savings.cold_storage.machines", "cassandra nodes that hold cold history, a month", "cost.cassandra.machines"),
		share("savings.cold_storage.disks", "cassandra disks that hold cold history, a month", "cost.cassandra.disks"),
		{
			ID: "savings.cold_storage", Title: "saved by cheap storage of old history, a month", Unit: units.DollarsPerMonth, Safe: Low,
			Formula: "max(savings.cold_storage.machines + savings.cold_storage.disks - cost.savings.cold, 0)",
			Inputs: []Input{
				figure("savings.cold_storage.machines"), figure("savings.cold_storage.disks"), figure("cost.savings.cold").falling(),
			},
			Compute: func(in []float64) float64 { return max(in[0]+in[1]-in[2], 0) },
		},
	}
}

// commitmentSavings lists what a commitment saves: its discount on machines, and
// on nothing else. After the other savings it has fewer machines to act on,
// which is why savings do not add up.
func commitmentSavings(c choices) []Figure {
	discount := commitment(c)
	var machines []string
	for _, it := range costItems(c) {
		if it.machines {
			machines = append(machines, it.id())
		}
	}
	return []Figure{
		costSum("cost.machines", "machines that can be committed to, a month", machines),
		{
			ID: "savings.reserved", Title: "saved by committing to machines, a month", Unit: units.DollarsPerMonth, Safe: Low,
			Formula: "cost.machines x " + discount.id,
			Inputs:  []Input{figure("cost.machines"), price(discount.id)},
			Compute: func(in []float64) float64 { return in[0] * min(in[1], 1) },
		},
		{
			ID: "savings.combined", Title: "saved by all three, one after the other, a month", Unit: units.DollarsPerMonth, Safe: Low,
			Formula: "savings.batching + savings.cold_storage" +
				" + max(cost.machines - savings.batching - savings.cold_storage.machines, 0) x " + discount.id,
			Inputs: []Input{
				figure("savings.batching"), figure("savings.cold_storage"), figure("cost.machines"),
				figure("savings.cold_storage.machines").falling(), price(discount.id),
			},
			Compute: func(in []float64) float64 {
				batching, left, discount := in[0], max(in[2]-in[3], 0), min(in[4], 1)
				return in[1] + max(batching, batching*(1-discount)+left*discount)
			},
		},
	}
}

// commitment is the discount of what the plan would commit to.
func commitment(c choices) priceUse {
	id := "discount.commitment_1y"
	if c.commitment == "three_years" {
		id = "discount.commitment_3y"
	}
	return priceUse{id, pricing.Fraction, "savings.commitment"}
}

// savingShare is a saving as a share of the infrastructure's cost, or of all.
func savingShare(name, title, of string) Figure {
	id, whole := "savings."+name, "cost."+of
	f := Figure{
		ID: id + ".of_" + of, Title: title + ", saved of the " + of, Unit: units.Ratio, Safe: Low,
		Formula: "min(" + id + " / " + whole + ", 1)",
		Inputs:  []Input{figure(id), figure(whole).falling()},
		Compute: func(in []float64) float64 {
			if in[0] == 0 {
				return 0 // of a bill of nothing, too
			}
			return min(in[0]/in[1], 1)
		},
	}
	if of == "infrastructure" && name != "combined" {
		f.Stated = id
	}
	return f
}
