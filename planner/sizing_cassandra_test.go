package planner_test

import (
	"testing"

	"github.com/notifyctl/notifyctl/planner/units"
)

func TestCassandraFigures(t *testing.T) {
	checkFigures(t, estimate(t), map[string]units.Range{
		"cassandra.disk.total":        units.Exactly(180e12), // 2 TB x 30 x 3
		"cassandra.disk.per_node":     units.Exactly(9e12),
		"cassandra.disk.compressed":   units.Exactly(3.75e12), // 9 / 2.4
		"cassandra.disk.recommended":  units.Exactly(7.5e12),  // and / .5
		"cassandra.rows":              units.Exactly(50_000),
		"cassandra.writes":            units.Exactly(150_000),
		"cassandra.rows.capacity":     units.Exactly(65_000), // 13 of 20 nodes x 15K / 3
		"cassandra.nodes.disk":        units.Exactly(180),
		"cassandra.nodes.writes":      units.Exactly(10),
		"cassandra.nodes.zones":       units.Exactly(15),
		"cassandra.nodes.minimum":     units.Exactly(90),
		"cassandra.nodes":             units.Exactly(180),
		"cassandra.nodes.compressed":  units.Exactly(75),  // 180 / 2.4
		"cassandra.nodes.recommended": units.Exactly(113), // 180 / 2.4 x 1.5
		"cassandra.nodes.per_region":  units.Exactly(90),
	})
	// By hand: 1M x 2 x 1 KB is 2 GB a day, 10 days and 2 copies 40 GB, on 4
	// nodes 10 GB each. 30K/s x 2 copies / 4K/s is 15 nodes, 18 over 6 zones.
	checkFigures(t, estimate(t,
		"workload={users: 1M, notifications_per_user: 2, size: 1KB, design_rate: 30K/s, compression: 2}", "kafka.zones=6",
		"cassandra={nodes: 4, replication: 2, disk_per_node: 100GB, utilisation: 80%, writes_per_node: 4K/s, retention: 10d}",
		"growth.rate=100%", "service_levels.utilisation=90%", "workload.regions=2",
	), map[string]units.Range{
		"cassandra.disk.per_node":     units.Exactly(10e9),
		"cassandra.disk.recommended":  units.Exactly(6.25e9),
		"cassandra.rows.capacity":     units.Exactly(6_000), // 3 of 4 nodes x 4K / 2
		"cassandra.nodes.disk":        units.Exactly(1),
		"cassandra.nodes":             units.Exactly(18),
		"cassandra.nodes.compressed":  units.Exactly(18), // writes do not compress
		"cassandra.nodes.minimum":     units.Exactly(15),
		"cassandra.nodes.recommended": units.Exactly(40), // 18 / .9 x 2
		"cassandra.nodes.per_region":  units.Exactly(18),
	})
}
