package planner_test

import (
	"testing"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/units"
)

func TestPostgresFigures(t *testing.T) {
	checkFigures(t, estimate(t), map[string]units.Range{
		"postgres.disk.total":                 units.Exactly(700e9), // 100M x 5 KB x 1.4
		"postgres.disk.per_shard":             units.Exactly(70e9),
		"postgres.connections":                units.Exactly(1000), // 50 x 20
		"postgres.connections.pool_per_shard": units.Exactly(10_000),
		"postgres.connections.per_shard":      {Low: 90, High: 150}, // 45..75 services x 20 / 10
		"postgres.shards.disk":                units.Exactly(7),
		"postgres.shards.connections":         {Low: 2, High: 3}, // 900..1500 / 500
		"postgres.shards.reads":               units.Exactly(5),  // 43,478 / (5000 x 2 of 3 nodes)
		"postgres.shards.minimum":             units.Exactly(7),
		"postgres.shards":                     units.Exactly(7),
		"postgres.shards.recommended":         {Low: 14, High: 15}, // 7 x 1.5 / .8 and / .7
		"postgres.shards.per_region":          units.Exactly(4),
		"postgres.replicas":                   units.Exactly(1), // one node reads 4,348; one more for a lost zone
		"postgres.reads.per_shard":            units.Exactly(50_000 / 1.15 / 10),
		"postgres.reads.capacity":             units.Exactly(10_000),
		"postgres.moved.modulo":               units.Exactly(10. / 11),
		"postgres.moved.jump":                 units.Exactly(1. / 11),
		"postgres.moved":                      units.Exactly(1e9 / 11),
		"postgres.moved.to_maximum":           units.Exactly(.9),
	})
	// By hand: 3M users x 2 KB x 1.5 = 9 GB on 2 shards. 40 services are needed
	// with a zone of two lost (20K/s / 1K/s x 2), 400 connections. Every read
	// reaches the database but for l2's 20,000/3M x 60 = .4: 20,000/1.4 = 14,286/s.
	// One node of two is left: 14,286/2,000 = 8 shards.
	checkFigures(t, estimate(t,
		"workload={users: 3M, design_rate: 20K/s}", "kafka.zones=2",
		"service={rate_per_instance: 1K/s, connections_per_instance: 10}",
		"postgres={shards: 2, max_shards: 8, replicas: 1, bytes_per_user: 2KB, index_share: 50%, disk_per_shard: 4GB,"+
			" reads_per_node: 2K/s, connections_per_shard: 300, sharding: jump}",
		"preferences={l1: {entries: 0}, l2: {ttl: 60s}}", "growth.rate=0", "service_levels.utilisation=50%",
	), map[string]units.Range{
		"postgres.disk.per_shard":        units.Exactly(4.5e9),
		"postgres.connections.per_shard": units.Exactly(200),
		"postgres.shards.disk":           units.Exactly(3),
		"postgres.shards.connections":    units.Exactly(2),
		"postgres.shards.reads":          units.Exactly(8),
		"postgres.shards.minimum":        units.Exactly(4), // both nodes read
		"postgres.shards":                units.Exactly(8),
		"postgres.shards.recommended":    units.Exactly(16),
		"postgres.replicas":              units.Exactly(7), // 7,143/2,000 is 4 nodes, 8 over two zones
		"postgres.moved":                 units.Exactly(1e6),
		"postgres.moved.to_maximum":      units.Exactly(.75),
	})
}

// Connections are those of the services that a plan claims, at the high end;
// without a claim those of the services that it needs.
func TestConnectionsFollowTheClaimedServices(t *testing.T) {
	for set, want := range map[string]units.Range{
		"claims.service.instances=30..80": units.Exactly(1600),
		"claims.service.instances=7":      units.Exactly(140),
	} {
		checkFigures(t, estimate(t, set), map[string]units.Range{"postgres.connections": want})
	}
	p, err := planner.Load(planner.Document{Name: "plan.yaml", Text: []byte("version: 1\n"), Today: today()})
	if err != nil {
		t.Fatal(err)
	}
	unclaimed, err := planner.NewEstimate(p)
	if err != nil {
		t.Fatal(err)
	}
	checkFigures(t, unclaimed, map[string]units.Range{
		"postgres.connections":     {Low: 900, High: 1500},
		"preferences.l1.hit_ratio": {Low: 1 / (1 + 75*86_400/600.), High: 1 / (1 + 45*86_400/600.)},
	})
	x, err := estimate(t).Explain("postgres.connections")
	if err != nil || x.Numbers != "50 x 20" || x.Inputs[0].Source == "" {
		t.Errorf("explained as %+v, error %v", x, err)
	}
}
