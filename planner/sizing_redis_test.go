package planner_test

import (
	"testing"

	"github.com/notifyctl/notifyctl/planner/units"
)

func TestRedisFigures(t *testing.T) {
	checkFigures(t, estimate(t), map[string]units.Range{
		"redis.memory.preferences": units.Exactly(100e9),
		"redis.memory.rate_state":  units.Exactly(100e9),
		"redis.memory":             units.Exactly(200.05e9),
		"redis.memory.idempotency": units.Exactly(280e9), // 1e9 x (64 + 48 + 48 + 64) x 1.25
		"redis.entries":            units.Exactly(120_001_000),
		// (200.05 GB + 120.001M x 160 B) x 1.25 + 280 GB
		"redis.memory.used":         units.Exactly(554.0627e9),
		"redis.memory.total":        units.Exactly(1440.56302e9), // x 1.3 x 2
		"redis.memory.capacity":     units.Exactly(192e9),
		"redis.operations":          units.Exactly(250_000),
		"redis.operations.capacity": units.Exactly(300_000), // 3 primaries
		"redis.nodes.memory":        units.Exactly(46),
		"redis.nodes.operations":    units.Exactly(6),
		"redis.nodes.zones":         units.Exactly(5),
		"redis.nodes.minimum":       units.Exactly(35),
		"redis.nodes":               units.Exactly(46),
		"redis.nodes.recommended":   units.Exactly(69),
		"redis.nodes.per_region":    units.Exactly(23),
	})
	// By hand: values 1M x 1 KB + 2M x 100 B + 10 x 20 KB = 1.2002 GB in
	// 3,000,010 entries; with 64 + 20 + 48 B each 1.59620132 GB. 4M keys a day,
	// half a day, 64 + 20 + 48 + 36 B are 336 MB. 60K/s x 4 / 50K/s is 5
	// primaries, which need 8 nodes over 3 zones.
	checkFigures(t, estimate(t,
		"workload={users: 2M, notifications_per_user: 2, design_rate: 60K/s}", "templates={count: 10, size: 20KB}",
		"redis={nodes: 4, memory_per_node: 1GB, replicas: 0, hot_users: 1M, bytes_per_user: 1KB, rate_state_per_user: 100B,"+
			" idempotency_ttl: 12h, idempotency_bytes: 36B, key_bytes: 20B, fragmentation: 1, headroom: 50%,"+
			" operations_per_notification: 4, operations_per_node: 50K/s}",
	), map[string]units.Range{
		"redis.memory":              units.Exactly(1.2002e9),
		"redis.memory.idempotency":  units.Exactly(336e6),
		"redis.memory.used":         units.Exactly(1.93220132e9),
		"redis.memory.total":        units.Exactly(2.89830198e9),
		"redis.operations.capacity": units.Exactly(100_000), // 2 of 4 nodes
		"redis.nodes.memory":        units.Exactly(3),
		"redis.nodes.operations":    units.Exactly(5),
		"redis.nodes.zones":         units.Exactly(8),
		"redis.nodes.minimum":       units.Exactly(5),
		"redis.nodes":               units.Exactly(8),
	})
}
