package planner_test

import (
	"math"
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/planner"
)

func TestPostgresFindings(t *testing.T) {
	const none = planner.Severity(0)
	nothing := math.NaN()
	checkFindings(t, "postgres", []findingCase{
		{"the reference", nil, "modulo-moves-most-users", planner.Warning, 1. / 11, 10. / 11},
		{"three shards", []string{"postgres.shards=3"}, "modulo-moves-most-users", planner.Warning, .25, .75},
		{"jump hash", []string{"postgres.sharding=jump"}, "modulo-moves-most-users", none, 0, 0},
		{"all shards there are", []string{"postgres.shards=100"}, "modulo-moves-most-users", none, 0, 0},

		{"the reference", nil, "sharded-two-ways", planner.Error, nothing, nothing},
		{"ranges alone", []string{"claims.postgres.sharding=id_range"}, "sharded-two-ways", planner.Error, nothing, nothing},
		{"the plan's own way", []string{"claims.postgres.sharding=hash"}, "sharded-two-ways", none, 0, 0},

		{"the reference", nil, "pools-per-shard", planner.Warning, 1000, 10_000},
		{"pools to each shard", []string{"claims.postgres.connections=10000", "postgres.connections_per_shard=1000"}, "pools-per-shard", none, 0, 0},
		{"more than a shard accepts", []string{"claims.postgres.connections=10000"}, "pools-per-shard", planner.Warning, 1000, 10_000},
		{"one shard", []string{"postgres.shards=1"}, "pools-per-shard", none, 0, 0},

		{"the reference", nil, "disk-over-capacity", none, 0, 0},
		{"few shards", []string{"postgres.shards=5"}, "disk-over-capacity", planner.Error, 100e9, 140e9},

		{"the reference", nil, "reads-over-capacity", none, 0, 0},
		{"few shards", []string{"postgres.shards=4"}, "reads-over-capacity", planner.Error, 10_000, 50_000 / 1.15 / 4},
		{"more replicas", []string{"postgres={shards: 4, replicas: 4}"}, "reads-over-capacity", none, 0, 0},

		{"the reference", nil, "zone-takes-shards", none, 0, 0},
		{"no replica", []string{"postgres.replicas=0"}, "zone-takes-shards", planner.Error, 0, 1},
		{"one zone", []string{"kafka.zones=1"}, "zone-takes-shards", planner.Error, 2, 1},
	})
}

// From 11 shards to 100 modulo keeps 11 remainders of 1100, from 20 to 100
// every fifth user.
func TestModuloOnTheWayToTheMost(t *testing.T) {
	for set, want := range map[string]string{
		"postgres.shards=10": "modulo moves 90.9 % of the users when 10 shards become 11, jump hash 9.09 %; from there to 100 it moves 99 %, jump hash 89 %",
		"postgres.shards=19": "from there to 100 it moves 80 %, jump hash 80 %",
	} {
		for _, f := range estimate(t, set).Findings {
			if f.Rule == "modulo-moves-most-users" && !strings.Contains(f.Message, want) {
				t.Errorf("%s: %s", set, f.Message)
			}
		}
	}
}
