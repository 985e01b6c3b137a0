package planner_test

import (
	"os"
	"slices"
	"testing"

	"github.com/notifyctl/notifyctl/planner"
)

// A rule knows a plan's numbers and nothing else. So each is tried on a plan
// other than the reference: the corrected one, into which its fault is planted.
func TestEveryRuleFindsItsFaultInAnotherPlan(t *testing.T) {
	text, err := os.ReadFile("../docs/examples/corrected.yaml")
	if err != nil {
		t.Fatal(err)
	}
	finds := func(t *testing.T, component, rule string, assignments ...string) bool {
		t.Helper()
		p, err := planner.Load(planner.Document{Name: "corrected.yaml", Text: text, Assignments: assignments})
		if err != nil {
			t.Fatal(err)
		}
		e, err := planner.NewEstimate(p)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(e.Findings, func(f planner.Finding) bool {
			return f.Component == component && f.Rule == rule
		})
	}
	planted := make(map[string][]string) // assignments, by component and rule
	for _, c := range plantedFaults() {
		planted[c.component+" "+c.rule] = c.plant
	}
	for _, r := range planner.Rules() {
		t.Run(r.Component+" "+r.Name, func(t *testing.T) {
			plant, ok := planted[r.Component+" "+r.Name]
			if !ok {
				t.Fatal("no fault is planted for this rule")
			}
			if !finds(t, r.Component, r.Name, plant...) {
				t.Errorf("%q is not found", plant)
			}
			if clean := cleaned(r.Component, r.Name); finds(t, r.Component, r.Name, clean...) {
				t.Errorf("it is found without the fault, too, with %q", clean)
			}
		})
	}
}

// cleaned gives what takes a finding out of the corrected plan, for the few
// that are left in it.
func cleaned(component, rule string) []string {
	switch component + " " + rule {
	case "cost stale-prices":
		return []string{"prices.max_age=3650d"}
	case "cost doubtful-prices":
		return []string{"prices.overrides={twilio.sms.segment: $0.0083, twilio.sms.carrier: $0.0035}"}
	case "providers backup-takes-smaller-batches":
		return []string{"workers.email.batch=50"}
	}
	return nil
}

type plantedFault struct {
	component, rule string
	plant           []string
}

func plantedFaults() []plantedFault {
	return []plantedFault{
		{"workload", "design-rate-off-peak", []string{"workload.peak_factor=3"}},
		{"workload", "spike-over-design-rate", []string{"workload.spike.to=60K/s"}},
		{"gateway", "no-spare-zone", []string{"claims.gateway.instances=50"}},
		{"gateway", "maximum-below-need", []string{"gateway={min: 20, max: 60}"}},
		{"gateway", "spike-before-scaling", []string{"gateway.min=40"}},
		{"gateway", "scales-inside-target", []string{"service_levels.utilisation=70%..80%"}},
		{"service", "no-spare-zone", []string{"claims.service.instances=30"}},
		{"service", "maximum-below-need", []string{"service.max=40"}},
		{"service", "connections-at-maximum", []string{"claims.postgres.connections=300"}},

		{"kafka", "replication-left-out", []string{"claims.kafka.disk.per_broker=0.52TB"}},
		{"kafka", "disk-over-capacity", []string{"kafka.brokers=15"}},
		{"kafka", "too-few-brokers", []string{"kafka.network_per_broker=10MB/s"}},
		{"kafka", "zone-stops-writes", []string{"kafka.zones=2"}},
		{"kafka", "partitions-of-a-priority", []string{"kafka.partitions.normal=20"}},
		{"kafka", "all-in-one-priority", []string{"kafka.partitions.low=50"}},
		{"kafka", "consumers-over-partitions", []string{"workers.push.max=400"}},

		{"workers", "workers-below-design-rate", []string{"workers.push.rate=20/s"}},
		{"workers", "minimum-above-design-rate", []string{"workers.push.min=100"}},
		{"workers", "batched-rate-out-of-reach", []string{"workers.email.batch=50"}},
		{"workers", "policy-scales-down-under-load", []string{"workers.policy=drain", "service_levels.queue_depth=5000"}},
		{"workers", "policies-disagree", []string{"claims.workers.policies=[steps, drain]", "service_levels.queue_depth=5000"}},
		{"workers", "policy-assumes-another-rate", []string{"workers.policy=drain"}},
		{"workers", "policy-floor-below-minimum", []string{"workers.policy=steps"}},

		{"providers", "push-over-quota", []string{"providers.push.projects=2"}},
		{"providers", "quota-over-default", []string{"providers.push.quota=1.2M/min"}},
		{"providers", "batches-not-offered", []string{"providers.push.wire=batch", "workers.push.batch=500"}},
		{"providers", "batch-over-limit", []string{"workers.email.batch=2000"}},
		{"providers", "backup-takes-smaller-batches", []string{"workers.email.batch=500"}},
		{"providers", "too-few-senders", []string{"providers.sms.segments=2"}},
		{"providers", "sender-rate-over-default", []string{"providers.sms.sender=toll_free"}},
		{"providers", "too-few-connections", []string{"providers.connections=1000"}},

		{"postgres", "sharded-two-ways", []string{"claims.postgres.sharding=[id_range]"}},
		{"postgres", "disk-over-capacity", []string{"postgres.shards=5"}},
		{"postgres", "reads-over-capacity", []string{"postgres.reads_per_node=1K/s"}},
		{"postgres", "zone-takes-shards", []string{"postgres.replicas=0"}},
		{"postgres", "pools-per-shard", []string{"service.connections_per_instance=20"}},
		{"postgres", "modulo-moves-most-users", []string{"postgres.sharding=modulo"}},

		{"cassandra", "replication-left-out", []string{"claims.cassandra.disk.per_node=0.5TB"}},
		{"cassandra", "disk-over-capacity", []string{"cassandra.nodes=60"}},
		{"cassandra", "writes-over-capacity", []string{"cassandra.writes_per_node=1K/s"}},
		{"cassandra", "zone-takes-quorum", []string{"cassandra.replication=2"}},

		{"redis", "memory-over-capacity", []string{"redis.nodes=4"}},
		{"redis", "idempotency-left-out", []string{"redis.nodes=10"}},
		{"redis", "overheads-left-out", []string{"redis.nodes=30"}},
		{"redis", "operations-over-capacity", []string{"redis.operations_per_node=2K/s"}},
		{"redis", "no-replica", []string{"redis.replicas=0"}},

		{"preferences", "l1-hits-out-of-reach", []string{"claims.preferences.l1.hit_ratio=40%"}},
		{"preferences", "l2-hits-out-of-reach", []string{"claims.preferences.l2.hit_ratio=55%"}},
		{"preferences", "promised-hits-out-of-reach", []string{"preferences.l2.ttl=60s"}},
		{"preferences", "hot-users-too-few", []string{"redis.hot_users=1M"}},
		{"preferences", "entries-end-early", []string{"preferences.l1.ttl=10m"}},

		{"service_levels", "queue-depth-against-lag", []string{"service_levels.queue_depth=5000"}},
		{"service_levels", "spike-outruns-scale-up", []string{"workers.push.min=20"}},
		{"service_levels", "unbatched-workers-below-rate", []string{"workers.push.rate=20/s", "workers.email.rate=10/s"}},

		{"growth", "headroom-over-capacity", []string{"claims.growth.headroom=50%"}},
		{"growth", "current-peak-off-workload", []string{"growth.current_peak=20K/s"}},
		{"growth", "growth-step-too-late", []string{"growth.rate=300%"}},
		{"growth", "growth-outruns-steps", []string{"growth.rate=300%"}},
		{"growth", "order-overdue", []string{"growth.lead_times.kafka=900d"}},

		{"cost", "providers-left-out", []string{"claims.cost.infrastructure=$126K/month"}},
		{"cost", "infrastructure-cost", []string{"claims.cost.infrastructure=$50K/month"}},
		{"cost", "unit-cost-rises", []string{"growth.steps=[{at: now, capacity: 75K/s, cost: $80K/month}, {at: 4th quarter, capacity: 115K/s, cost: $140K/month}]"}},
		{"cost", "savings-not-additive", []string{"savings={batching: 30%, cold_storage: 20%}"}},
		{"cost", "savings-beyond-share", []string{"savings.reserved=40%"}},
		{"cost", "stale-prices", []string{"prices.max_age=30d"}},
		{"cost", "doubtful-prices", nil},
	}
}
