package planner

import "github.com/notifyctl/notifyctl/planner/units"

// The calendar that volumes are reckoned by: months of 30 days, and 12 of them
// a year.
const (
	secondsPerDay = 86_400
	daysPerMonth  = 30
	monthsPerYear = 12
)

// envelope lists what has to be carried, before anything is sized for it.
func envelope() []Figure {
	all := []Figure{
		{
			ID: "volume.per_day", Title: "notifications a day", Unit: units.Whole,
			Formula: "workload.users x workload.notifications_per_user",
			Inputs:  []Input{key("workload.users"), key("workload.notifications_per_user")},
			Compute: product,
		},
		{
			ID: "rate.average", Title: "average rate", Unit: units.PerSecond,
			Formula: "volume.per_day / 86,400 s",
			Inputs:  []Input{figure("volume.per_day")},
			Compute: func(in []float64) float64 { return in[0] / secondsPerDay },
		},
		{
			ID: "rate.peak", Title: "rate at the day's peak", Unit: units.PerSecond,
			Formula: "rate.average x workload.peak_factor",
			Inputs:  []Input{figure("rate.average"), key("workload.peak_factor")},
			Compute: product,
		},
		{
			ID: "rate.design", Title: "rate that is built for", Unit: units.PerSecond,
			Formula: "workload.design_rate",
			Inputs:  []Input{key("workload.design_rate")},
			Compute: product,
		},
	}
	all = append(all, designShares("channels", "push", "email", "sms")...)
	all = append(all, designShares("priorities", "high", "normal", "low")...)
	return append(all, append(storage(), bandwidth()...)...)
}

// designShares lists the design rates of the channels or of the priorities.
func designShares(section string, names ...string) []Figure {
	var all []Figure
	for _, name := range names {
		share := "workload." + section + "." + name
		all = append(all, Figure{
			ID: "rate." + name, Title: "design rate of " + name, Unit: units.PerSecond,
			Formula: "rate.design x " + share,
			Inputs:  []Input{figure("rate.design"), key(share)},
			Compute: product,
		})
	}
	return all
}

// storage lists what the notifications of a time take on disk, one copy each.
func storage() []Figure {
	return []Figure{
		{
			ID: "storage.per_day", Title: "storage for a day", Unit: units.ByteSize,
			Formula: "volume.per_day x workload.size",
			Inputs:  []Input{figure("volume.per_day"), key("workload.size")},
			Compute: product,
		},
		{
			ID: "storage.per_month", Title: "storage for a month", Unit: units.ByteSize,
			Formula: "storage.per_day x 30 days",
			Inputs:  []Input{figure("storage.per_day")},
			Compute: func(in []float64) float64 { return in[0] * daysPerMonth },
		},
		{
			ID: "storage.per_year", Title: "storage for a year", Unit: units.ByteSize,
			Formula: "storage.per_month x 12 months",
			Inputs:  []Input{figure("storage.per_month")},
			Compute: func(in []float64) float64 { return in[0] * monthsPerYear },
		},
		{
			ID: "storage.per_year.compressed", Title: "storage for a year, compressed", Unit: units.ByteSize,
			Formula: "storage.per_year / workload.compression",
			Inputs:  []Input{figure("storage.per_year"), key("workload.compression").falling()},
			Compute: func(in []float64) float64 { return in[0] / in[1] },
		},
	}
}

// bandwidth lists what the notifications take on the wire, one copy each.
func bandwidth() []Figure {
	at := func(name, rate, title string) Figure {
		return Figure{
			ID: "bandwidth." + name, Title: title, Unit: units.BytesPerSecond,
			Formula: rate + " x workload.size",
			Inputs:  []Input{figure(rate), key("workload.size")},
			Compute: product,
		}
	}
	return []Figure{
		at("average", "rate.average", "bandwidth at the average rate"),
		at("design", "rate.design", "bandwidth at the design rate"),
	}
}
