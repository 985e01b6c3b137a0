package planner

import (
	"math"
	"slices"

	"github.com/notifyctl/notifyctl/planner/units"
)

// postgresFigures lists what the shards of the preferences need.
func postgresFigures(c choices) []Figure {
	return slices.Concat(postgresDisk(), postgresConnections(c), postgresShards(), postgresMoves(c))
}

// postgresDisk lists what the preferences take on disk, one copy of them.
func postgresDisk() []Figure {
	return []Figure{
		{
			ID: "postgres.disk.total", Title: "postgres disk, all shards", Unit: units.ByteSize,
			Formula: "workload.users x postgres.bytes_per_user x (1 + postgres.index_share)",
			Inputs:  []Input{key("workload.users"), key("postgres.bytes_per_user"), key("postgres.index_share")},
			Compute: func(in []float64) float64 { return in[0] * in[1] * (1 + in[2]) },
		},
		{
			ID: "postgres.disk.per_shard", Title: "postgres disk a shard", Unit: units.ByteSize, Stated: "postgres.disk_per_shard",
			Formula: "postgres.disk.total / postgres.shards",
			Inputs:  []Input{figure("postgres.disk.total"), key("postgres.shards").falling()},
			Compute: func(in []float64) float64 { return in[0] / in[1] },
		},
	}
}

// postgresConnections lists the connections that the notification services hold
// open. A pool belongs to one database: a service that divides its connections
// over the shards holds a few to each of them, and one that pools the stated
// number to each shard holds as many times more.
func postgresConnections(c choices) []Figure {
	fleet := serviceFleet(c)
	return []Figure{
		{
			ID: "postgres.connections", Title: "connections to postgres, all shards", Unit: units.Whole,
			Formula: fleet.ID + " x service.connections_per_instance",
			Inputs:  []Input{fleet, key("service.connections_per_instance")},
			Compute: product,
		},
		{
			ID: "postgres.connections.pool_per_shard", Title: "connections to postgres, if each service pools to each shard", Unit: units.Whole,
			Formula: "postgres.connections x postgres.shards",
			Inputs:  []Input{figure("postgres.connections"), key("postgres.shards")},
			Compute: product,
		},
		{
			ID: "postgres.connections.per_shard", Title: "connections to a shard, of the services that are needed", Unit: units.Whole,
			Stated:  "postgres.connections_per_shard",
			Formula: "ceil(service.connections / postgres.shards)",
			Inputs:  []Input{figure("service.connections"), key("postgres.shards").falling()},
			Compute: func(in []float64) float64 { return wholes(in[0] / in[1]) },
		},
	}
}

// postgresShards lists the shards that each limit asks for, and the copies of
// each. Disk holds users, whatever is lost; reads go to the nodes of a shard
// that the largest zone leaves.
func postgresShards() []Figure {
	reads := []Input{
		figure("preferences.database_reads.design"), key("postgres.reads_per_node").falling(), key("postgres.replicas").falling(),
	}
	shards := Figure{
		ID: "postgres.shards", Title: "postgres shards", Unit: units.Whole, Stated: "postgres.shards",
		Formula: "max(postgres.shards.disk, postgres.shards.reads, postgres.shards.connections)",
		Inputs:  []Input{figure("postgres.shards.disk"), figure("postgres.shards.reads"), figure("postgres.shards.connections")},
		Compute: slices.Max[[]float64],
	}
	return []Figure{
		{
			ID: "postgres.shards.disk", Title: "postgres shards, by disk", Unit: units.Whole,
			Formula: "ceil(postgres.disk.total / postgres.disk_per_shard)",
			Inputs:  []Input{figure("postgres.disk.total"), key("postgres.disk_per_shard").falling()},
			Compute: func(in []float64) float64 { return wholes(in[0] / in[1]) },
		},
		{
			ID: "postgres.shards.connections", Title: "postgres shards, by connections", Unit: units.Whole,
			Formula: "ceil(service.connections / postgres.connections_per_shard)",
			Inputs:  []Input{figure("service.connections"), key("postgres.connections_per_shard").falling()},
			Compute: func(in []float64) float64 { return wholes(in[0] / in[1]) },
		},
		{
			ID: "postgres.shards.reads", Title: "postgres shards, by reads with a zone lost", Unit: units.Whole,
			Formula: "ceil(preferences.database_reads.design / (postgres.reads_per_node x" +
				" max(floor((1 + postgres.replicas) x (kafka.zones - 1) / kafka.zones), 1)))",
			Inputs:  append(slices.Clone(reads), key("kafka.zones").falling()),
			Compute: func(in []float64) float64 { return wholes(in[0] / (in[1] * max(zoneSurvivors(1+in[2], in[3]), 1))) },
		},
		{
			ID: "postgres.shards.minimum", Title: "postgres shards without room", Unit: units.Whole,
			Formula: "ceil(max(postgres.shards.disk, postgres.shards.connections," +
				" preferences.database_reads.design / (postgres.reads_per_node x (1 + postgres.replicas))))",
			Inputs: append(slices.Clone(reads), figure("postgres.shards.disk"), figure("postgres.shards.connections")),
			Compute: func(in []float64) float64 {
				return wholes(max(in[3], in[4], in[0]/(in[1]*(1+in[2]))))
			},
		},
		shards,
		{
			ID: "postgres.shards.recommended", Title: "postgres shards after a year's growth, at the utilisation aimed at", Unit: units.Whole,
			Formula: "ceil(postgres.shards x (1 + growth.rate) / service_levels.utilisation)",
			Inputs:  []Input{figure("postgres.shards"), key("growth.rate"), key("service_levels.utilisation").falling()},
			Compute: func(in []float64) float64 { return wholes(in[0] * (1 + in[1]) / in[2]) },
		},
		perRegion("postgres.shards.per_region", "postgres shards of each region", shards),
		{
			ID: "postgres.replicas", Title: "read replicas of a shard, to read with a zone lost", Unit: units.Whole, Stated: "postgres.replicas",
			Formula: "ceil(ceil(preferences.database_reads.design / (postgres.shards x postgres.reads_per_node))" +
				" x kafka.zones / (kafka.zones - 1)) - 1",
			Inputs: []Input{
				figure("preferences.database_reads.design"), key("postgres.shards").falling(),
				key("postgres.reads_per_node").falling(), key("kafka.zones").falling(),
			},
			Compute: func(in []float64) float64 { return max(spareZone(wholes(in[0]/(in[1]*in[2])), in[3])-1, 0) },
		},
		{
			ID: "postgres.reads.per_shard", Title: "reads of a shard at the design rate", Unit: units.PerSecond,
			Formula: "preferences.database_reads.design / postgres.shards",
			Inputs:  []Input{figure("preferences.database_reads.design"), key("postgres.shards").falling()},
			Compute: func(in []float64) float64 { return in[0] / in[1] },
		},
		{
			ID: "postgres.reads.capacity", Title: "reads that a shard answers with a zone lost", Unit: units.PerSecond, Safe: Low,
			Formula: "postgres.reads_per_node x max(floor((1 + postgres.replicas) x (kafka.zones - 1) / kafka.zones), 1)",
			Inputs:  []Input{key("postgres.reads_per_node"), key("postgres.replicas"), key("kafka.zones")},
			Compute: func(in []float64) float64 { return in[0] * max(zoneSurvivors(1+in[1], in[2]), 1) },
		},
	}
}

// postgresMoves lists the users that change their shard when one is added. Of a
// hash modulo N, the remainder by N+1 is the same for one in N+1; jump hash
// (Lamping and Veach, 2014) moves just those that the new shard takes.
func postgresMoves(c choices) []Figure {
	sharding := "modulo"
	if c.sharding == "jump" {
		sharding = "jump"
	}
	share := func(id, title, formula string, compute func(shards float64) float64) Figure {
		return Figure{
			ID: id, Title: title, Unit: units.Ratio, Formula: formula,
			Inputs:  []Input{key("postgres.shards")},
			Compute: func(in []float64) float64 { return compute(in[0]) },
		}
	}
	jump := share("postgres.moved.jump", "users that one more shard moves, by jump hash",
		"1 / (postgres.shards + 1)", func(shards float64) float64 { return 1 / (shards + 1) })
	jump.Inputs[0].Falls = true
	return []Figure{
		share("postgres.moved.modulo", "users that one more shard moves, by modulo",
			"1 - 1 / (postgres.shards + 1)", func(shards float64) float64 { return 1 - 1/(shards+1) }),
		jump,
		{
			ID: "postgres.moved", Title: "users that one more shard moves, as the plan divides them", Unit: units.Whole,
			Formula: "workload.users x postgres.moved." + sharding,
			Inputs:  []Input{key("workload.users"), figure("postgres.moved." + sharding)},
			Compute: product,
		},
		{
			ID: "postgres.moved.to_maximum", Title: "users that the most shards move, by jump hash", Unit: units.Ratio,
			Formula: "max(1 - postgres.shards / postgres.max_shards, 0)",
			Inputs:  []Input{key("postgres.shards").falling(), key("postgres.max_shards")},
			Compute: func(in []float64) float64 { return max(1-in[0]/in[1], 0) },
		},
	}
}

// zoneSurvivors gives how many of n things that are spread evenly over the
// zones are left when the largest zone is lost. One zone counts as two, as in
// [spareZone].
func zoneSurvivors(n, zones float64) float64 {
	zones = max(zones, 2)
	return math.Floor(n * (1 - 1/zones) * (1 + 1e-12))
}

// postgresCeilings lists what the shards of a plan can bear.
func postgresCeilings() []ceiling {
	const lead = "growth.lead_times.postgres"
	return []ceiling{
		{
			title: "postgres disk a shard", need: "postgres.disk.per_shard", capacity: key("postgres.disk_per_shard"), driver: byVolume,
			lead: lead, action: "add shards, or disk to each",
		},
		{
			title: "postgres reads of a shard", need: "postgres.reads.per_shard", capacity: figure("postgres.reads.capacity"), driver: byRate,
			lead: lead, action: "add replicas, or let the caches answer more",
		},
		{
			title: "postgres connections of a shard", need: "postgres.connections.per_shard", capacity: key("postgres.connections_per_shard"),
			driver: byRate, lead: lead, action: "put a pooler before each shard",
		},
	}
}
