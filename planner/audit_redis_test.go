package planner_test

import (
	"testing"

	"github.com/notifyctl/notifyctl/planner"
)

func TestRedisFindings(t *testing.T) {
	const none = planner.Severity(0)
	checkFindings(t, "redis", []findingCase{
		// 200.05 GB on 6 x 32 GB, where 150 GB are claimed.
		{"the reference", nil, "memory-over-capacity", planner.Error, 150e9, 200.05e9},
		{"the right claim", []string{"claims.redis.memory=200GB"}, "memory-over-capacity", planner.Error, 192e9, 200.05e9},
		{"a node more", []string{"redis.nodes=7"}, "memory-over-capacity", none, 0, 0},
		{"fewer hot users", []string{"redis.hot_users=18M"}, "memory-over-capacity", none, 0, 0},

		{"the reference", nil, "idempotency-left-out", planner.Error, 192e9, 280e9},
		{"a cluster of their size", []string{"redis.nodes=9"}, "idempotency-left-out", planner.Error, 288e9, 280e9},
		{"a cluster for both", []string{"redis.nodes=16"}, "idempotency-left-out", none, 0, 0},
		{"keys for an hour", []string{"redis={nodes: 7, idempotency_ttl: 1h}"}, "idempotency-left-out", none, 0, 0},

		{"the reference, which has less than the values", nil, "overheads-left-out", none, 0, 0},
		{"room for the values", []string{"redis.nodes=16"}, "overheads-left-out", planner.Error, 512e9, 1440.56302e9},
		{"room for all", []string{"redis.nodes=46"}, "overheads-left-out", none, 0, 0},

		{"the reference", nil, "operations-over-capacity", none, 0, 0},
		{"more operations", []string{"redis.operations_per_notification=7"}, "operations-over-capacity", planner.Error, 300_000, 350_000},

		{"the reference", nil, "no-replica", none, 0, 0},
		{"one copy", []string{"redis.replicas=0"}, "no-replica", planner.Warning, 0, 1},
	})
}
