package planner_test

import (
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/planner"
)

func TestKafkaFindings(t *testing.T) {
	const none = planner.Severity(0)
	checkFindings(t, "kafka", []findingCase{
		// 2 TB x 7 / 12 is 1.17 TB; three copies are 3.5 TB on a disk of 2 TB.
		{"the reference", nil, "replication-left-out", planner.Error, 1.2e12, 3.5e12},
		{"larger disks", []string{"kafka.disk_per_broker=4TB"}, "replication-left-out", planner.Warning, 1.2e12, 3.5e12},
		{"the right claim", []string{"claims.kafka.disk.per_broker=3.5TB"}, "replication-left-out", none, 0, 0},
		{"another wrong claim", []string{"claims.kafka.disk.per_broker=9TB"}, "replication-left-out", none, 0, 0},
		{"one copy", []string{"kafka={replication: 1, min_insync: 1}"}, "replication-left-out", none, 0, 0},

		{"the reference, explained by its claim", nil, "disk-over-capacity", none, 0, 0},
		{"the right claim", []string{"claims.kafka.disk.per_broker=3.5TB"}, "disk-over-capacity", planner.Error, 2e12, 3.5e12},
		{"more brokers", []string{"claims.kafka.disk.per_broker=2TB", "kafka.brokers=21"}, "disk-over-capacity", none, 0, 0},
		{"less retention", []string{"claims.kafka.disk.per_broker=2TB", "kafka.retention=4d"}, "disk-over-capacity", none, 0, 0},

		{"the reference", nil, "too-few-brokers", none, 0, 0},
		// 300 MB/s / (20 x .7) is 22, x 3/2.
		{"thin networks", []string{"kafka.network_per_broker=20MB/s"}, "too-few-brokers", planner.Error, 12, 33},

		{"the reference", nil, "zone-stops-writes", none, 0, 0},
		{"two zones", []string{"kafka.zones=2"}, "zone-stops-writes", planner.Error, 1, 2},
		{"one zone", []string{"kafka.zones=1"}, "zone-stops-writes", planner.Error, 0, 2},
		{"every copy needed", []string{"kafka.min_insync=3"}, "zone-stops-writes", planner.Error, 2, 3},

		{"the reference", nil, "partitions-of-a-priority", none, 0, 0},
		{"a priority at its partitions' limit", []string{"workload.priorities={high: 60%, normal: 40%}"}, "partitions-of-a-priority", planner.Warning, 50, 60},
		{"a priority over its partitions' limit", []string{"workload.priorities={high: 60%, normal: 40%}", "kafka.partitions.high=20"}, "partitions-of-a-priority", planner.Error, 20, 60},

		// Fifty partitions carry 25..50K/s.
		{"the reference", nil, "all-in-one-priority", planner.Info, 50_000, 25_000},
		{"partitions for all", []string{"kafka.partitions={high: 100, normal: 100, low: 100}"}, "all-in-one-priority", none, 0, 0},

		{"the reference", nil, "consumers-over-partitions", planner.Warning, 1700, 200},
		{"small pools", []string{"workers={push: {max: 100}, email: {max: 60}, sms: {max: 40}}"}, "consumers-over-partitions", none, 0, 0},
	})
}

// What is to be done names numbers, and they mend it.
func TestKafkaDiskRemedyMends(t *testing.T) {
	for _, f := range estimate(t).Findings {
		if f.Component == "kafka" && f.Rule == "replication-left-out" && !strings.HasPrefix(f.Remedy, "21 brokers, or 4 d of retention, or 3.5 TB of disk a broker") {
			t.Errorf("the remedy is %q", f.Remedy)
		}
	}
	for _, mend := range []string{"kafka.brokers=21", "kafka.retention=4d", "kafka.disk_per_broker=3.5TB"} {
		e := estimate(t, mend)
		for _, f := range e.Findings {
			if f.Component == "kafka" && f.Severity == planner.Error {
				t.Errorf("with %s: %s", mend, f.Message)
			}
		}
	}
}
