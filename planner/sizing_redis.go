package planner

import (
	"slices"

	"github.com/notifyctl/notifyctl/planner/units"
)

// What Redis keeps of an entry beside its key and its value, in bytes: the
// entry in the table of keys with its objects, and another one in the table of
// times to live.
const (
	redisEntry = 64
	redisTTL   = 48
)

// redisFigures lists what caches, rate-limit state and idempotency keys need.
func redisFigures() []Figure {
	return slices.Concat(redisMemory(), redisOperations(), redisNodes())
}

// redisMemory lists the memory, from the bare values to all that has to be
// bought for them. Every entry has a time to live.
func redisMemory() []Figure {
	return []Figure{
		{
			ID: "redis.memory.preferences", Title: "redis memory of the hot users' preferences", Unit: units.ByteSize,
			Formula: "redis.hot_users x redis.bytes_per_user",
			Inputs:  []Input{key("redis.hot_users"), key("redis.bytes_per_user")},
			Compute: product,
		},
		{
			ID: "redis.memory.rate_state", Title: "redis memory of the rate limits' state", Unit: units.ByteSize,
			Formula: "workload.users x redis.rate_state_per_user",
			Inputs:  []Input{key("workload.users"), key("redis.rate_state_per_user")},
			Compute: product,
		},
		{
			ID: "redis.memory", Title: "redis memory of caches and rate limits, values alone", Unit: units.ByteSize,
			Formula: "redis.memory.preferences + redis.memory.rate_state + templates.memory",
			Inputs:  []Input{figure("redis.memory.preferences"), figure("redis.memory.rate_state"), figure("templates.memory")},
			Compute: func(in []float64) float64 { return in[0] + in[1] + in[2] },
		},
		{
			ID: "redis.memory.idempotency", Title: "redis memory of the idempotency keys, with overheads", Unit: units.ByteSize,
			Formula: "volume.per_day x redis.idempotency_ttl x (64 B + redis.key_bytes + 48 B + redis.idempotency_bytes) x redis.fragmentation",
			Inputs: []Input{
				figure("volume.per_day"), key("redis.idempotency_ttl"),
				key("redis.key_bytes"), key("redis.idempotency_bytes"), key("redis.fragmentation"),
			},
			Compute: func(in []float64) float64 {
				return in[0] * in[1] / secondsPerDay * (redisEntry + in[2] + redisTTL + in[3]) * in[4]
			},
		},
		{
			ID: "redis.entries", Title: "entries of caches and rate limits", Unit: units.Whole,
			Formula: "redis.hot_users + workload.users + templates.count",
			Inputs:  []Input{key("redis.hot_users"), key("workload.users"), key("templates.count")},
			Compute: func(in []float64) float64 { return in[0] + in[1] + in[2] },
		},
		{
			ID: "redis.memory.used", Title: "redis memory, one copy with overheads", Unit: units.ByteSize,
			Formula: "(redis.memory + redis.entries x (64 B + redis.key_bytes + 48 B)) x redis.fragmentation + redis.memory.idempotency",
			Inputs: []Input{
				figure("redis.memory"), figure("redis.entries"), key("redis.key_bytes"), key("redis.fragmentation"),
				figure("redis.memory.idempotency"),
			},
			Compute: func(in []float64) float64 { return (in[0]+in[1]*(redisEntry+in[2]+redisTTL))*in[3] + in[4] },
		},
		{
			ID: "redis.memory.total", Title: "redis memory, with room and all copies", Unit: units.ByteSize,
			Formula: "redis.memory.used x (1 + redis.headroom) x (1 + redis.replicas)",
			Inputs:  []Input{figure("redis.memory.used"), key("redis.headroom"), key("redis.replicas")},
			Compute: func(in []float64) float64 { return in[0] * (1 + in[1]) * (1 + in[2]) },
		},
		{
			ID: "redis.memory.capacity", Title: "redis memory of all nodes", Unit: units.ByteSize, Safe: Low,
			Formula: "redis.nodes x redis.memory_per_node",
			Inputs:  []Input{key("redis.nodes"), key("redis.memory_per_node")},
			Compute: product,
		},
	}
}

// redisOperations lists the operations, which primaries alone carry. The
// replicas of a lost zone's primaries take their place, if enough nodes are
// left.
func redisOperations() []Figure {
	return []Figure{
		{
			ID: "redis.operations", Title: "redis operations at the design rate", Unit: units.PerSecond,
			Formula: "rate.design x redis.operations_per_notification",
			Inputs:  []Input{figure("rate.design"), key("redis.operations_per_notification")},
			Compute: product,
		},
		{
			ID: "redis.operations.capacity", Title: "redis operations that the primaries take with a zone lost", Unit: units.PerSecond, Safe: Low,
			Formula: "min(redis.nodes / (1 + redis.replicas), floor(redis.nodes x (kafka.zones - 1) / kafka.zones)) x redis.operations_per_node",
			Inputs: []Input{
				key("redis.nodes"), key("redis.replicas").falling(), key("kafka.zones"), key("redis.operations_per_node"),
			},
			Compute: func(in []float64) float64 { return min(in[0]/(1+in[1]), zoneSurvivors(in[0], in[2])) * in[3] },
		},
	}
}

// redisNodes lists the nodes that each limit asks for, and with them the
// cluster's size.
func redisNodes() []Figure {
	nodes := Figure{
		ID: "redis.nodes", Title: "redis nodes", Unit: units.Whole, Stated: "redis.nodes",
		Formula: "max(redis.nodes.memory, redis.nodes.operations, redis.nodes.zones)",
		Inputs:  []Input{figure("redis.nodes.memory"), figure("redis.nodes.operations"), figure("redis.nodes.zones")},
		Compute: slices.Max[[]float64],
	}
	primaries := func(operations, node float64) float64 { return wholes(operations / node) }
	return []Figure{
		{
			ID: "redis.nodes.memory", Title: "redis nodes, by memory", Unit: units.Whole,
			Formula: "ceil(redis.memory.total / redis.memory_per_node)",
			Inputs:  []Input{figure("redis.memory.total"), key("redis.memory_per_node").falling()},
			Compute: func(in []float64) float64 { return wholes(in[0] / in[1]) },
		},
		{
			ID: "redis.nodes.operations", Title: "redis nodes, by operations", Unit: units.Whole,
			Formula: "ceil(ceil(redis.operations / redis.operations_per_node) x (1 + redis.replicas))",
			Inputs:  []Input{figure("redis.operations"), key("redis.operations_per_node").falling(), key("redis.replicas")},
			Compute: func(in []float64) float64 { return wholes(primaries(in[0], in[1]) * (1 + in[2])) },
		},
		{
			ID: "redis.nodes.zones", Title: "redis nodes, by operations with a zone lost", Unit: units.Whole,
			Formula: "ceil(ceil(redis.operations / redis.operations_per_node) x kafka.zones / (kafka.zones - 1))",
			Inputs:  []Input{figure("redis.operations"), key("redis.operations_per_node").falling(), key("kafka.zones").falling()},
			Compute: func(in []float64) float64 { return spareZone(primaries(in[0], in[1]), in[2]) },
		},
		{
			ID: "redis.nodes.minimum", Title: "redis nodes without room", Unit: units.Whole,
			Formula: "max(ceil(redis.memory.used x (1 + redis.replicas) / redis.memory_per_node), redis.nodes.operations)",
			Inputs: []Input{
				figure("redis.memory.used"), key("redis.replicas"), key("redis.memory_per_node").falling(), figure("redis.nodes.operations"),
			},
			Compute: func(in []float64) float64 { return max(wholes(in[0]*(1+in[1])/in[2]), in[3]) },
		},
		nodes,
		{
			ID: "redis.nodes.recommended", Title: "redis nodes after a year's growth", Unit: units.Whole,
			Formula: "ceil(redis.nodes x (1 + growth.rate))",
			Inputs:  []Input{figure("redis.nodes"), key("growth.rate")},
			Compute: func(in []float64) float64 { return wholes(in[0] * (1 + in[1])) },
		},
		perRegion("redis.nodes.per_region", "redis nodes of each region", nodes),
	}
}

// redisCeilings lists what the cluster of a plan can bear.
func redisCeilings() []ceiling {
	const lead = "growth.lead_times.redis"
	return []ceiling{
		{
			title: "redis memory, values alone", need: "redis.memory", capacity: figure("redis.memory.capacity"), driver: byVolume,
			lead: lead, action: "add nodes, or keep fewer users hot",
		},
		{
			title: "redis memory, with all copies", need: "redis.memory.total", capacity: figure("redis.memory.capacity"), driver: byVolume,
			lead: lead, action: "add nodes, or keep idempotency keys for less long",
		},
		{
			title: "redis operations", need: "redis.operations", capacity: figure("redis.operations.capacity"), driver: byRate,
			lead: lead, action: "add primaries",
		},
	}
}
