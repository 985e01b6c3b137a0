package planner

import (
	"slices"

	"github.com/notifyctl/notifyctl/planner/units"
)

// kafkaFigures lists what the cluster that holds the queues needs.
func kafkaFigures() []Figure {
	return slices.Concat(
		kafkaPartitions("high"), kafkaPartitions("normal"), kafkaPartitions("low"),
		kafkaDisk(), kafkaNetwork(), kafkaBrokers(), kafkaCrossings(),
	)
}

// kafkaPartitions lists what one priority needs: by throughput, and one for
// each of the consumers that fetch at once. kafka.partition_rate is that of a
// partition with its consumer, the lesser of what the two can do. A lost zone
// takes no partition away: the other copies of it lead on.
//
// More partitions can be had at any time, but a key's records then change
// place, so the recommended number is that of the end of the growth that is
// planned for.
func kafkaPartitions(priority string) []Figure {
	id := "kafka.partitions." + priority
	rate := "rate." + priority
	return []Figure{
		{
			ID: id, Title: "partitions of " + priority + " priority", Unit: units.Whole, Stated: id,
			Formula: "ceil(max(" + rate + " / kafka.partition_rate, kafka.consumers))",
			Inputs:  []Input{figure(rate), key("kafka.partition_rate").falling(), key("kafka.consumers")},
			Compute: func(in []float64) float64 { return wholes(max(in[0]/in[1], in[2])) },
		},
		{
			ID: id + ".recommended", Title: "partitions of " + priority + " priority, once grown", Unit: units.Whole,
			Formula: "ceil(" + id + " x kafka.partition_growth)",
			Inputs:  []Input{figure(id), key("kafka.partition_growth")},
			Compute: func(in []float64) float64 { return wholes(product(in)) },
		},
	}
}

// kafkaDisk lists what the retained records take, all copies of them.
func kafkaDisk() []Figure {
	return []Figure{
		{
			ID: "kafka.disk.total", Title: "kafka disk, all brokers", Unit: units.ByteSize,
			Formula: "storage.per_day x kafka.retention x kafka.replication",
			Inputs:  []Input{figure("storage.per_day"), key("kafka.retention"), key("kafka.replication")},
			Compute: func(in []float64) float64 { return product(in) / secondsPerDay },
		},
		{
			ID: "kafka.disk.per_broker", Title: "kafka disk a broker", Unit: units.ByteSize, Stated: "kafka.disk_per_broker",
			Formula: "storage.per_day x kafka.retention x kafka.replication / kafka.brokers",
			Inputs: []Input{
				figure("storage.per_day"), key("kafka.retention"), key("kafka.replication"),
				key("kafka.brokers").falling(),
			},
			Compute: func(in []float64) float64 { return product(in[:3]) / secondsPerDay / in[3] },
		},
		{
			ID: "kafka.disk.recommended", Title: "kafka disk a broker, with room", Unit: units.ByteSize,
			Formula: "kafka.disk.per_broker / kafka.disk_utilisation",
			Inputs:  []Input{figure("kafka.disk.per_broker"), key("kafka.disk_utilisation").falling()},
			Compute: func(in []float64) float64 { return in[0] / in[1] },
		},
	}
}

// kafkaNetwork lists what goes through the brokers' networks at the design
// rate: each record comes in once from its producer and once to each further
// copy, and goes out to those copies and to every group of readers.
func kafkaNetwork() []Figure {
	return []Figure{
		{
			ID: "kafka.network.in", Title: "kafka network, in", Unit: units.BytesPerSecond,
			Formula: "bandwidth.design x kafka.replication",
			Inputs:  []Input{figure("bandwidth.design"), key("kafka.replication")},
			Compute: product,
		},
		{
			ID: "kafka.network.out", Title: "kafka network, out", Unit: units.BytesPerSecond,
			Formula: "bandwidth.design x (kafka.readers + max(kafka.replication - 1, 0))",
			Inputs:  []Input{figure("bandwidth.design"), key("kafka.readers"), key("kafka.replication")},
			Compute: func(in []float64) float64 { return in[0] * (in[1] + max(in[2]-1, 0)) },
		},
		{
			ID: "kafka.network.per_broker", Title: "kafka network a broker, the busier way", Unit: units.BytesPerSecond,
			Stated:  "kafka.network_per_broker",
			Formula: "max(kafka.network.in, kafka.network.out) / kafka.brokers",
			Inputs:  []Input{figure("kafka.network.in"), figure("kafka.network.out"), key("kafka.brokers").falling()},
			Compute: func(in []float64) float64 { return max(in[0], in[1]) / in[2] },
		},
	}
}

// kafkaBrokers lists the brokers that each limit asks for, and with them the
// cluster's size. A lost zone costs no disk: the copies in it are missed, and
// not made again elsewhere. It costs network, which the brokers that are left
// carry alone, at the utilisation that is aimed at.
func kafkaBrokers() []Figure {
	return []Figure{
		{
			ID: "kafka.brokers.disk", Title: "kafka brokers, by disk", Unit: units.Whole,
			Formula: "ceil(kafka.disk.total / kafka.disk_per_broker)",
			Inputs:  []Input{figure("kafka.disk.total"), key("kafka.disk_per_broker").falling()},
			Compute: func(in []float64) float64 { return wholes(in[0] / in[1]) },
		},
		{
			ID: "kafka.brokers.network", Title: "kafka brokers, by network", Unit: units.Whole,
			Formula: "ceil(max(kafka.network.in, kafka.network.out) / kafka.network_per_broker)",
			Inputs: []Input{
				figure("kafka.network.in"), figure("kafka.network.out"), key("kafka.network_per_broker").falling(),
			},
			Compute: func(in []float64) float64 { return wholes(max(in[0], in[1]) / in[2]) },
		},
		{
			ID: "kafka.brokers.minimum", Title: "kafka brokers without room", Unit: units.Whole,
			Formula: "max(kafka.brokers.disk, kafka.brokers.network, kafka.replication)",
			Inputs:  []Input{figure("kafka.brokers.disk"), figure("kafka.brokers.network"), key("kafka.replication")},
			Compute: slices.Max[[]float64],
		},
		{
			ID: "kafka.brokers.zones", Title: "kafka brokers, by a lost zone", Unit: units.Whole,
			Formula: "ceil(max(ceil(max(kafka.network.in, kafka.network.out) / (kafka.network_per_broker x service_levels.utilisation))," +
				" kafka.min_insync) x kafka.zones / (kafka.zones - 1))",
			Inputs: []Input{
				figure("kafka.network.in"), figure("kafka.network.out"),
				key("kafka.network_per_broker").falling(), key("service_levels.utilisation").falling(),
				key("kafka.min_insync"), key("kafka.zones").falling(),
			},
			Compute: func(in []float64) float64 {
				left := wholes(max(in[0], in[1]) / (in[2] * in[3]))
				return spareZone(max(left, in[4]), in[5])
			},
		},
		{
			ID: "kafka.brokers", Title: "kafka brokers", Unit: units.Whole, Stated: "kafka.brokers",
			Formula: "max(kafka.brokers.minimum, kafka.brokers.zones)",
			Inputs:  []Input{figure("kafka.brokers.minimum"), figure("kafka.brokers.zones")},
			Compute: slices.Max[[]float64],
		},
		{
			ID: "kafka.brokers.recommended", Title: "kafka brokers with room on their disks", Unit: units.Whole,
			Formula: "max(ceil(kafka.brokers.disk / kafka.disk_utilisation), kafka.brokers)",
			Inputs:  []Input{figure("kafka.brokers.disk"), key("kafka.disk_utilisation").falling(), figure("kafka.brokers")},
			Compute: func(in []float64) float64 { return max(wholes(in[0]/in[1]), in[2]) },
		},
		{
			ID: "kafka.brokers.per_region", Title: "kafka brokers of each region", Unit: units.Whole,
			Formula: "max(ceil(kafka.brokers / max(workload.regions - 1, 1)), kafka.replication)",
			Inputs:  []Input{figure("kafka.brokers"), key("workload.regions").falling(), key("kafka.replication")},
			Compute: func(in []float64) float64 { return max(regionShare(in[0], in[1]), in[2]) },
		},
	}
}

// kafkaCrossings lists how often each byte crosses from one zone to another,
// which clouds charge for, and what that comes to. Producers and readers do
// not know where a partition's leader is, and meet it in their own zone one
// time in as many as there are zones. Copies are spread over the zones, so a
// zone holds replication / zones of them, and at least the leader's own.
func kafkaCrossings() []Figure {
	elsewhere := func(zones float64) float64 { return 1 - 1/max(zones, 1) }
	crossings := func(scale, id, title string, unit units.Unit) Figure {
		return Figure{
			ID: id, Title: title, Unit: unit,
			Formula: scale + " x (kafka.crossings.producers + kafka.crossings.copies + kafka.crossings.readers)",
			Inputs: []Input{
				figure(scale), figure("kafka.crossings.producers"), figure("kafka.crossings.copies"), figure("kafka.crossings.readers"),
			},
			Compute: func(in []float64) float64 { return in[0] * (in[1] + in[2] + in[3]) },
		}
	}
	return []Figure{
		{
			ID: "kafka.crossings.producers", Title: "zones crossed to a partition's leader", Unit: units.Scalar,
			Formula: "1 - 1 / kafka.zones",
			Inputs:  []Input{key("kafka.zones")},
			Compute: func(in []float64) float64 { return elsewhere(in[0]) },
		},
		{
			ID: "kafka.crossings.copies", Title: "zones crossed to the other copies", Unit: units.Scalar,
			Formula: "kafka.replication - max(kafka.replication / kafka.zones, 1)",
			Inputs:  []Input{key("kafka.replication"), key("kafka.zones")},
			Compute: func(in []float64) float64 { return max(in[0]-max(in[0]/max(in[1], 1), 1), 0) },
		},
		{
			ID: "kafka.crossings.readers", Title: "zones crossed to the readers", Unit: units.Scalar,
			Formula: "kafka.readers x (1 - 1 / kafka.zones)",
			Inputs:  []Input{key("kafka.readers"), key("kafka.zones")},
			Compute: func(in []float64) float64 { return in[0] * elsewhere(in[1]) },
		},
		crossings("bandwidth.design", "kafka.network.cross_zone", "kafka network between zones, at the design rate", units.BytesPerSecond),
		crossings("storage.per_month", "kafka.network.cross_zone.per_month", "kafka traffic between zones in a month", units.ByteSize),
	}
}

// kafkaCeilings lists what the cluster of a plan can bear.
func kafkaCeilings() []ceiling {
	const lead = "growth.lead_times.kafka"
	partitions := func(priority string) ceiling {
		id := "kafka.partitions." + priority
		return ceiling{
			title: "kafka partitions of " + priority, need: id, capacity: key(id), driver: byRate,
			lead: lead, action: "add partitions while the topic drains, since keys change place",
		}
	}
	return []ceiling{
		{
			title: "kafka disk a broker", need: "kafka.disk.per_broker", capacity: key("kafka.disk_per_broker"), driver: byVolume,
			lead: lead, action: "add brokers, keep records for less long, or tier the storage",
		},
		{
			title: "kafka network a broker", need: "kafka.network.per_broker", capacity: key("kafka.network_per_broker"), driver: byRate,
			lead: lead, action: "add brokers, or larger ones",
		},
		{
			title: "kafka brokers left by a lost zone", need: "kafka.brokers.zones", capacity: key("kafka.brokers"), driver: byRate,
			lead: lead, action: "add brokers",
		},
		partitions("high"), partitions("normal"), partitions("low"),
	}
}
