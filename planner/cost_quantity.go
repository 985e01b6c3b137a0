package planner

import (
	"math"
	"slices"

	"github.com/notifyctl/notifyctl/planner/units"
)

// quantityFigures lists what the bill counts: what is sent in a month, the
// machines that run, and the bytes that are moved.
func quantityFigures(c choices) []Figure {
	return slices.Concat(monthlyVolumes(), fleetsOnAverage(), workerMachines(c), storeMachines(), traffic(c), templateReads())
}

// monthlyVolumes lists what is sent in a month of 30 days.
func monthlyVolumes() []Figure {
	all := []Figure{{
		ID: "volume.per_month", Title: "notifications a month", Unit: units.Whole,
		Formula: "volume.per_day x 30 days",
		Inputs:  []Input{figure("volume.per_day")},
		Compute: func(in []float64) float64 { return in[0] * daysPerMonth },
	}}
	for _, channel := range channels() {
		share := "workload.channels." + channel
		all = append(all, Figure{
			ID: "volume.per_month." + channel, Title: channel + " notifications a month", Unit: units.Whole,
			Formula: "volume.per_month x " + share,
			Inputs:  []Input{figure("volume.per_month"), key(share)},
			Compute: product,
		})
	}
	return append(all, Figure{
		ID: "volume.per_month.sms_segments", Title: "SMS segments a month", Unit: units.Whole,
		Formula: "volume.per_month.sms x providers.sms.segments",
		Inputs:  []Input{figure("volume.per_month.sms"), key("providers.sms.segments")},
		Compute: product,
	})
}

// fleetsOnAverage lists the fleets that are scaled by load as they run on
// average, which is what the month's bill counts: enough for the average rate
// with a zone to lose, within the autoscaler's bounds.
func fleetsOnAverage() []Figure {
	return []Figure{
		{
			ID: "gateway.instances.average", Title: "gateways that run on average", Unit: units.Whole,
			Formula: "ceil(rate.average / gateway.rate_per_instance) x kafka.zones / (kafka.zones - 1), from gateway.min to gateway.max",
			Inputs: []Input{
				figure("rate.average"), key("gateway.rate_per_instance").falling(), key("kafka.zones").falling(),
				key("gateway.min"), key("gateway.max"),
			},
			Compute: func(in []float64) float64 {
				return max(min(spareZone(wholes(in[0]/in[1]), in[2]), in[4]), in[3])
			},
		},
		{
			ID: "service.instances.average", Title: "notification services that run on average", Unit: units.Whole,
			Formula: "ceil(rate.average / service.rate_per_instance) x kafka.zones / (kafka.zones - 1), up to service.max",
			Inputs: []Input{
				figure("rate.average"), key("service.rate_per_instance").falling(), key("kafka.zones").falling(), key("service.max"),
			},
			Compute: func(in []float64) float64 { return min(spareZone(wholes(in[0]/in[1]), in[2]), in[3]) },
		},
	}
}

// workerMachines lists the workers that run on average and the machines that
// they share: as the plan calls the providers, and for the savings of batches
// with batches everywhere and nowhere.
func workerMachines(c choices) []Figure {
	var all []Figure
	for _, form := range []struct{ name, title string }{{"batched", "in batches"}, {"unbatched", "one at a time"}} {
		var pools []Figure
		for _, channel := range channels() {
			pools = append(pools, poolOnAverage(channel, form.name, form.title))
		}
		all = append(all, append(pools, machinesOf("workers.machines."+form.name, "machines of the workers that send "+form.title, pools))...)
	}
	var planned, needed []Figure
	for _, channel := range channels() {
		form := ".batched"
		if c.wireOf(channel) == "single" {
			form = ".unbatched"
		}
		planned = append(planned, Figure{ID: "workers." + channel + ".average" + form})
		needed = append(needed, Figure{ID: "workers." + channel + ".recommended"})
	}
	return append(all,
		machinesOf("workers.machines", "machines of the workers that run on average", planned),
		machinesOf("workers.machines.needed", "machines of the workers that the design rate needs", needed))
}

// poolOnAverage is the figure of a channel's workers at the average rate.
func poolOnAverage(channel, form, title string) Figure {
	id := "workers." + channel
	rate := "workers.batched_rate"
	if form == "unbatched" {
		rate = id + ".rate"
	}
	return Figure{
		ID: id + ".average." + form, Title: channel + " workers that run on average, sending " + title, Unit: units.Whole,
		Formula: "ceil(rate.average x workload.channels." + channel + " / " + rate + "), from " + id + ".min to " + id + ".max",
		Inputs: []Input{
			figure("rate.average"), key("workload.channels." + channel), key(rate).falling(), key(id + ".min"), key(id + ".max"),
		},
		Compute: func(in []float64) float64 { return max(min(wholes(in[0]*in[1]/in[2]), in[4]), in[3]) },
	}
}

// machinesOf is the figure of the machines that pools of workers share.
func machinesOf(id, title string, pools []Figure) Figure {
	const share = "prices.usage.workers_per_machine"
	f := Figure{ID: id, Title: title, Unit: units.Whole}
	for i, pool := range pools {
		if i > 0 {
			f.Formula += " + "
		}
		f.Formula += pool.ID
		f.Inputs = append(f.Inputs, figure(pool.ID))
	}
	f.Formula = "ceil((" + f.Formula + ") / " + share + ")"
	f.Inputs = append(f.Inputs, key(share).falling())
	f.Compute = func(in []float64) float64 {
		last := len(in) - 1
		return wholes(addition(in[:last]) / in[last])
	}
	return f
}

// storeMachines lists the machines of the databases, which do not follow the
// load.
func storeMachines() []Figure {
	instances := func(id, title string, shards Input) Figure {
		return Figure{
			ID: id, Title: title, Unit: units.Whole,
			Formula: shards.ID + " x (1 + postgres.replicas)",
			Inputs:  []Input{shards, key("postgres.replicas")},
			Compute: func(in []float64) float64 { return in[0] * (1 + in[1]) },
		}
	}
	return []Figure{
		instances("postgres.instances", "postgres primaries and replicas of the plan", key("postgres.shards")),
		instances("postgres.instances.needed", "postgres primaries and replicas that are needed", figure("postgres.shards")),
	}
}

// traffic lists the bytes of a month that are charged by where they go.
func traffic(c choices) []Figure {
	return []Figure{
		toProviders("network.to_providers", "bytes to the providers in a month", channels()),
		toProviders("network.egress", "bytes to the internet in a month", c.abroad()),
		{
			ID: "kafka.network.clients", Title: "bytes between kafka and its clients over zones in a month", Unit: units.ByteSize,
			Formula: "storage.per_month x (kafka.crossings.producers + kafka.crossings.readers)",
			Inputs:  []Input{figure("storage.per_month"), figure("kafka.crossings.producers"), figure("kafka.crossings.readers")},
			Compute: func(in []float64) float64 { return in[0] * (in[1] + in[2]) },
		},
		{
			ID: "network.cross_zone", Title: "bytes from gateways to services over zones in a month, each way", Unit: units.ByteSize,
			Formula: "2 x storage.per_month x (1 - 1 / kafka.zones)",
			Inputs:  []Input{figure("storage.per_month"), key("kafka.zones")},
			Compute: func(in []float64) float64 { return 2 * in[0] * (1 - 1/max(in[1], 1)) },
		},
		{
			// A coordinator has one copy in its own zone, or as many as zones share.
			ID: "cassandra.cross_zone", Title: "bytes of cassandra's copies over zones in a month, each way", Unit: units.ByteSize,
			Formula: "2 x storage.per_month x max(cassandra.replication - max(cassandra.replication / kafka.zones, 1), 0)",
			Inputs:  []Input{figure("storage.per_month"), key("cassandra.replication"), key("kafka.zones")},
			Compute: func(in []float64) float64 {
				return 2 * in[0] * max(in[1]-max(in[1]/max(in[2], 1), 1), 0)
			},
		},
	}
}

// abroad lists the channels whose provider is reached over the internet. SES
// stands in the cloud's own region, where traffic to it is not egress.
func (c choices) abroad() []string {
	if c.emailCharged == "ses" {
		return []string{"push", "sms"}
	}
	return channels()
}

// toProviders is the figure of what goes to the providers of some channels.
func toProviders(id, title string, channels []string) Figure {
	f := Figure{ID: id, Title: title, Unit: units.ByteSize}
	for i, channel := range channels {
		if i > 0 {
			f.Formula += " + "
		}
		volume, size := "volume.per_month."+channel, "prices.usage."+channel+"_size"
		f.Formula += volume + " x " + size
		f.Inputs = append(f.Inputs, figure(volume), key(size))
	}
	f.Compute = func(in []float64) float64 {
		sum := 0.0
		for pair := range slices.Chunk(in, 2) {
			sum += pair[0] * pair[1]
		}
		return sum
	}
	return f
}

// templateReads lists how often templates are read from where they are kept:
// each process that checks or renders has a cache of its own.
func templateReads() []Figure {
	return []Figure{{
		ID: "templates.reads", Title: "templates read into caches in a month", Unit: units.Whole,
		Formula: "ceil(templates.count x (service.instances.average + workers.machines) x 30 days / templates.ttl)",
		Inputs: []Input{
			key("templates.count"), figure("service.instances.average"), figure("workers.machines"), key("templates.ttl").falling(),
		},
		Compute: func(in []float64) float64 {
			return math.Ceil(in[0] * (in[1] + in[2]) * daysPerMonth * secondsPerDay / in[3])
		},
	}}
}

// addition is the function of a figure that adds its inputs up.
func addition(in []float64) float64 {
	sum := 0.0
	for _, x := range in {
		sum += x
	}
	return sum
}
