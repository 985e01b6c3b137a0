package planner_test

import (
	"testing"

	"github.com/notifyctl/notifyctl/planner"
)

func TestCassandraFindings(t *testing.T) {
	const none = planner.Severity(0)
	checkFindings(t, "cassandra", []findingCase{
		// 60 TB / 3 / 20 is 1 TB, 60 TB x 3 / 20 is 9 TB on 1 TB of usable disk.
		{"the reference", nil, "replication-left-out", planner.Error, 1e12, 9e12},
		{"one copy", []string{"claims.cassandra.disk.per_node=3TB"}, "replication-left-out", planner.Error, 3e12, 9e12},
		{"large disks", []string{"cassandra.disk_per_node=20TB"}, "replication-left-out", planner.Warning, 1e12, 9e12},
		{"the right claim", []string{"claims.cassandra.disk.per_node=9TB"}, "replication-left-out", none, 0, 0},
		{"another wrong claim", []string{"claims.cassandra.disk.per_node=5TB"}, "replication-left-out", none, 0, 0},

		{"the reference, explained by its claim", nil, "disk-over-capacity", none, 0, 0},
		{"the right claim", []string{"claims.cassandra.disk.per_node=9TB"}, "disk-over-capacity", planner.Error, 1e12, 9e12},
		{"nine times the nodes", []string{"claims.cassandra.disk.per_node=1TB", "cassandra.nodes=180"}, "disk-over-capacity", none, 0, 0},

		{"the reference", nil, "writes-over-capacity", none, 0, 0},
		{"more promised", []string{"service_levels.log_writes=80K/s"}, "writes-over-capacity", planner.Warning, 65_000, 80_000},
		{"slow nodes", []string{"cassandra.writes_per_node=6K/s"}, "writes-over-capacity", planner.Error, 26_000, 50_000},

		{"the reference", nil, "zone-takes-quorum", none, 0, 0},
		{"two copies", []string{"cassandra.replication=2"}, "zone-takes-quorum", planner.Error, 1, 2},
		{"two zones", []string{"kafka.zones=2"}, "zone-takes-quorum", planner.Error, 1, 2},
		{"five copies", []string{"cassandra.replication=5"}, "zone-takes-quorum", none, 0, 0},
	})
}

// What is to be done mends it.
func TestCassandraDiskRemedyMends(t *testing.T) {
	for _, f := range estimate(t).Findings {
		if f.Component == "cassandra" && f.Remedy != "180 nodes (75 if it compresses 2.4 times), or 3.33 d of history, or 18 TB of disk a node" {
			t.Errorf("the remedy is %q", f.Remedy)
		}
	}
	for _, mend := range []string{"cassandra.nodes=180", "cassandra.retention=3.33d", "cassandra.disk_per_node=18TB"} {
		for _, f := range estimate(t, mend).Findings {
			if f.Component == "cassandra" && f.Severity == planner.Error {
				t.Errorf("with %s: %s", mend, f.Message)
			}
		}
	}
}
