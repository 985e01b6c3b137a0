package planner

import (
	"slices"

	"github.com/notifyctl/notifyctl/planner/units"
)

// cassandraFigures lists what the history of deliveries needs.
func cassandraFigures() []Figure {
	return slices.Concat(cassandraDisk(), cassandraWrites(), cassandraNodes())
}

// cassandraDisk lists what the history that is kept takes, all copies of it.
func cassandraDisk() []Figure {
	return []Figure{
		{
			ID: "cassandra.disk.total", Title: "cassandra disk, all nodes", Unit: units.ByteSize,
			Formula: "storage.per_day x cassandra.retention x cassandra.replication",
			Inputs:  []Input{figure("storage.per_day"), key("cassandra.retention"), key("cassandra.replication")},
			Compute: func(in []float64) float64 { return product(in) / secondsPerDay },
		},
		{
			ID: "cassandra.disk.per_node", Title: "cassandra disk a node", Unit: units.ByteSize, Stated: "cassandra.disk_per_node",
			Formula: "cassandra.disk.total / cassandra.nodes",
			Inputs:  []Input{figure("cassandra.disk.total"), key("cassandra.nodes").falling()},
			Compute: func(in []float64) float64 { return in[0] / in[1] },
		},
		{
			ID: "cassandra.disk.compressed", Title: "cassandra disk a node, if the history compresses", Unit: units.ByteSize,
			Stated:  "cassandra.disk_per_node",
			Formula: "cassandra.disk.per_node / workload.compression",
			Inputs:  []Input{figure("cassandra.disk.per_node"), key("workload.compression").falling()},
			Compute: func(in []float64) float64 { return in[0] / in[1] },
		},
		{
			ID: "cassandra.disk.recommended", Title: "cassandra disk a node, compressed and with room to compact", Unit: units.ByteSize,
			Formula: "cassandra.disk.compressed / cassandra.utilisation",
			Inputs:  []Input{figure("cassandra.disk.compressed"), key("cassandra.utilisation").falling()},
			Compute: func(in []float64) float64 { return in[0] / in[1] },
		},
	}
}

// cassandraWrites lists the rows that are written. A lost zone makes none of
// them fewer: the nodes that are left keep hints of the copies that it missed
// and so write all of them.
func cassandraWrites() []Figure {
	return []Figure{
		{
			ID: "cassandra.rows", Title: "rows of history a second, one for each notification", Unit: units.PerSecond,
			Formula: "rate.design",
			Inputs:  []Input{figure("rate.design")},
			Compute: product,
		},
		{
			ID: "cassandra.writes", Title: "rows written a second, all copies", Unit: units.PerSecond,
			Formula: "cassandra.rows x cassandra.replication",
			Inputs:  []Input{figure("cassandra.rows"), key("cassandra.replication")},
			Compute: product,
		},
		{
			ID: "cassandra.rows.capacity", Title: "rows of history a second that the nodes take with a zone lost", Unit: units.PerSecond,
			Safe: Low, Stated: "service_levels.log_writes",
			Formula: "floor(cassandra.nodes x (kafka.zones - 1) / kafka.zones) x cassandra.writes_per_node / cassandra.replication",
			Inputs: []Input{
				key("cassandra.nodes"), key("kafka.zones"), key("cassandra.writes_per_node"), key("cassandra.replication").falling(),
			},
			Compute: func(in []float64) float64 { return zoneSurvivors(in[0], in[1]) * in[2] / in[3] },
		},
	}
}

// cassandraNodes lists the nodes that each limit asks for, and with them the
// cluster's size. A lost zone costs no disk: the copies in it are missed, and
// not made again elsewhere.
func cassandraNodes() []Figure {
	nodes := Figure{
		ID: "cassandra.nodes", Title: "cassandra nodes", Unit: units.Whole, Stated: "cassandra.nodes",
		Formula: "max(cassandra.nodes.disk, cassandra.nodes.zones, cassandra.replication)",
		Inputs:  []Input{figure("cassandra.nodes.disk"), figure("cassandra.nodes.zones"), key("cassandra.replication")},
		Compute: slices.Max[[]float64],
	}
	return []Figure{
		{
			ID: "cassandra.nodes.disk", Title: "cassandra nodes, by disk", Unit: units.Whole,
			Formula: "ceil(cassandra.disk.total / (cassandra.disk_per_node x cassandra.utilisation))",
			Inputs: []Input{
				figure("cassandra.disk.total"), key("cassandra.disk_per_node").falling(), key("cassandra.utilisation").falling(),
			},
			Compute: func(in []float64) float64 { return wholes(in[0] / (in[1] * in[2])) },
		},
		{
			ID: "cassandra.nodes.writes", Title: "cassandra nodes, by writes", Unit: units.Whole,
			Formula: "ceil(cassandra.writes / cassandra.writes_per_node)",
			Inputs:  []Input{figure("cassandra.writes"), key("cassandra.writes_per_node").falling()},
			Compute: func(in []float64) float64 { return wholes(in[0] / in[1]) },
		},
		{
			ID: "cassandra.nodes.zones", Title: "cassandra nodes, by writes with a zone lost", Unit: units.Whole,
			Formula: "ceil(cassandra.nodes.writes x kafka.zones / (kafka.zones - 1))",
			Inputs:  []Input{figure("cassandra.nodes.writes"), key("kafka.zones").falling()},
			Compute: func(in []float64) float64 { return spareZone(in[0], in[1]) },
		},
		{
			ID: "cassandra.nodes.minimum", Title: "cassandra nodes without room", Unit: units.Whole,
			Formula: "max(ceil(cassandra.disk.total / cassandra.disk_per_node), cassandra.nodes.writes, cassandra.replication)",
			Inputs: []Input{
				figure("cassandra.disk.total"), key("cassandra.disk_per_node").falling(),
				figure("cassandra.nodes.writes"), key("cassandra.replication"),
			},
			Compute: func(in []float64) float64 { return max(wholes(in[0]/in[1]), in[2], in[3]) },
		},
		nodes,
		{
			ID: "cassandra.nodes.compressed", Title: "cassandra nodes, if the history compresses", Unit: units.Whole, Stated: "cassandra.nodes",
			Formula: "max(ceil(cassandra.nodes.disk / workload.compression), cassandra.nodes.zones, cassandra.replication)",
			Inputs: []Input{
				figure("cassandra.nodes.disk"), key("workload.compression").falling(),
				figure("cassandra.nodes.zones"), key("cassandra.replication"),
			},
			Compute: func(in []float64) float64 { return max(wholes(in[0]/in[1]), in[2], in[3]) },
		},
		{
			ID: "cassandra.nodes.recommended", Title: "cassandra nodes after a year's growth, compressed and with room", Unit: units.Whole,
			Formula: "ceil(max(cassandra.nodes.disk / workload.compression, cassandra.nodes.zones / service_levels.utilisation," +
				" cassandra.replication) x (1 + growth.rate))",
			Inputs: []Input{
				figure("cassandra.nodes.disk"), key("workload.compression").falling(),
				figure("cassandra.nodes.zones"), key("service_levels.utilisation").falling(),
				key("cassandra.replication"), key("growth.rate"),
			},
			Compute: func(in []float64) float64 { return wholes(max(in[0]/in[1], in[2]/in[3], in[4]) * (1 + in[5])) },
		},
		perRegion("cassandra.nodes.per_region", "cassandra nodes of each region", nodes),
	}
}

// cassandraCeilings lists what the history of a plan can bear.
func cassandraCeilings() []ceiling {
	const lead = "growth.lead_times.cassandra"
	return []ceiling{
		{
			title: "cassandra disk a node", need: "cassandra.disk.per_node", capacity: key("cassandra.disk_per_node"),
			share: key("cassandra.utilisation"), driver: byVolume,
			lead: lead, action: "add nodes, keep the history for less long, or compress it",
		},
		{
			title: "cassandra writes", need: "cassandra.rows", capacity: figure("cassandra.rows.capacity"), driver: byRate,
			lead: lead, action: "add nodes, or faster ones",
		},
	}
}
