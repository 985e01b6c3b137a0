package planner_test

import (
	"testing"

	"github.com/notifyctl/notifyctl/planner/units"
)

func TestKafkaIsSized(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  []string
		want map[string]units.Range
	}{
		// 100 MB/s come in three times, and go out twice to copies and once to the
		// workers. 300 / (230 x .8) and / (230 x .7) are 2, x 3/2 for a lost zone.
		// Two thirds of what producers send and workers read crosses zones, and
		// both further copies: 3 1/3 times 100 MB/s and 60 TB a month.
		{"the reference", nil, map[string]units.Range{
			"kafka.partitions.high":               {Low: 10, High: 20},
			"kafka.partitions.normal":             {Low: 30, High: 60},
			"kafka.partitions.low":                {Low: 10, High: 20},
			"kafka.partitions.high.recommended":   {Low: 23, High: 45},
			"kafka.partitions.normal.recommended": {Low: 68, High: 135},
			"kafka.partitions.low.recommended":    {Low: 23, High: 45},
			"kafka.disk.total":                    units.Exactly(42e12),
			"kafka.disk.per_broker":               units.Exactly(3.5e12),
			"kafka.disk.recommended":              units.Exactly(4.375e12),
			"kafka.network.in":                    units.Exactly(300e6),
			"kafka.network.out":                   units.Exactly(300e6),
			"kafka.network.per_broker":            units.Exactly(25e6),
			"kafka.brokers.disk":                  units.Exactly(21),
			"kafka.brokers.network":               units.Exactly(2),
			"kafka.brokers.minimum":               units.Exactly(21),
			"kafka.brokers.zones":                 units.Exactly(3),
			"kafka.brokers":                       units.Exactly(21),
			"kafka.brokers.recommended":           units.Exactly(27),
			"kafka.brokers.per_region":            units.Exactly(11),
			"kafka.crossings.producers":           units.Exactly(2. / 3),
			"kafka.crossings.copies":              units.Exactly(2),
			"kafka.crossings.readers":             units.Exactly(2. / 3),
			"kafka.network.cross_zone":            units.Exactly(1e9 / 3),
			"kafka.network.cross_zone.per_month":  units.Exactly(200e12),
		}},
		// 2.16M a day of 1 KB, 2 days of 2 copies: 8.64 GB. 200 KB/s come in twice,
		// and go out once to a copy and three times to readers: 800 KB/s, of which
		// a broker takes 100, or 50 at the utilisation, twice over for a lost zone.
		{"network before disk", []string{
			"workload={users: 864000, notifications_per_user: 2.5, size: 1KB, design_rate: 200/s, regions: 4}",
			"workload.priorities={high: 10%, low: 90%}",
			"kafka={brokers: 4, zones: 2, replication: 2, min_insync: 1, retention: 2d, readers: 3, consumers: 2}",
			"kafka={disk_per_broker: 1GB, disk_utilisation: 50%, network_per_broker: 100KB/s}",
			"kafka={partition_rate: 50/s, partition_growth: 1.5}",
			"service_levels.utilisation=50%",
		}, map[string]units.Range{
			"kafka.partitions.high":               units.Exactly(2), // .4, and two consumers
			"kafka.partitions.normal":             units.Exactly(2), // nothing, and two consumers
			"kafka.partitions.low":                units.Exactly(4), // 3.6
			"kafka.partitions.high.recommended":   units.Exactly(3),
			"kafka.partitions.normal.recommended": units.Exactly(3),
			"kafka.partitions.low.recommended":    units.Exactly(6),
			"kafka.disk.total":                    units.Exactly(8.64e9),
			"kafka.disk.per_broker":               units.Exactly(2.16e9),
			"kafka.disk.recommended":              units.Exactly(4.32e9),
			"kafka.network.in":                    units.Exactly(400e3),
			"kafka.network.out":                   units.Exactly(800e3),
			"kafka.network.per_broker":            units.Exactly(200e3),
			"kafka.brokers.disk":                  units.Exactly(9),
			"kafka.brokers.network":               units.Exactly(8),
			"kafka.brokers.minimum":               units.Exactly(9),
			"kafka.brokers.zones":                 units.Exactly(32),
			"kafka.brokers":                       units.Exactly(32),
			"kafka.brokers.recommended":           units.Exactly(32),
			"kafka.brokers.per_region":            units.Exactly(11),
			"kafka.crossings.producers":           units.Exactly(0.5),
			"kafka.crossings.copies":              units.Exactly(1),
			"kafka.crossings.readers":             units.Exactly(1.5),
			"kafka.network.cross_zone":            units.Exactly(600e3),
			"kafka.network.cross_zone.per_month":  units.Exactly(194.4e9),
		}},
		// Little to carry: as many brokers as copies, in each region, too. Six
		// copies over two zones: three stay in the leader's.
		{"hardly any load", []string{
			"workload={users: 1000, design_rate: 10/s}", "kafka={brokers: 6, zones: 2, replication: 6, min_insync: 4}",
		}, map[string]units.Range{
			"kafka.brokers.minimum":    units.Exactly(6),
			"kafka.brokers.zones":      units.Exactly(8), // 4 must be left
			"kafka.brokers":            units.Exactly(8),
			"kafka.brokers.per_region": units.Exactly(6),
			"kafka.crossings.copies":   units.Exactly(3),
		}},
		// Nothing crosses where there is one zone.
		{"one zone", []string{"kafka.zones=1"}, map[string]units.Range{
			"kafka.network.cross_zone":           units.Exactly(0),
			"kafka.network.cross_zone.per_month": units.Exactly(0),
			"kafka.brokers.zones":                units.Exactly(4), // as with two
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { checkFigures(t, estimate(t, tt.set...), tt.want) })
	}
}
