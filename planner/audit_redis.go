package planner

import (
	"fmt"
	"math"

	"github.com/notifyctl/notifyctl/planner/units"
)

// redisRules lists the contradictions in what a plan says of its Redis.
func redisRules() []auditRule {
	const component = "redis"
	return []auditRule{
		{name: "memory-over-capacity", component: component, severity: Error, examine: memoryOverCapacity},
		{name: "idempotency-left-out", component: component, severity: Error, examine: idempotencyLeftOut},
		{name: "overheads-left-out", component: component, severity: Error, examine: overheadsLeftOut},
		{name: "operations-over-capacity", component: component, severity: Error, examine: operationsOverCapacity},
		{name: "no-replica", component: component, severity: Warning, examine: noReplica},
	}
}

// memoryOverCapacity finds caches and rate-limit state whose values alone do
// not fit.
func memoryOverCapacity(f *facts) []Finding {
	const id = "redis.memory"
	memory, capacity := f.value(figure(id)), f.value(figure("redis.memory.capacity"))
	if memory <= capacity {
		return nil
	}
	part := func(of string) string { return ofSize(f.rangeOf(figure(of))) }
	each := f.rangeOf(key("redis.memory_per_node")).Low
	finding := Finding{
		Stated: &capacity, Derived: &memory, Unit: units.ByteSize,
		Message: fmt.Sprintf("%s of preferences, %s of rate-limit state and %s of templates are %s, over the %s of %s nodes, before keys, fragmentation and replicas",
			part("redis.memory.preferences"), part("redis.memory.rate_state"), part("templates.memory"), size(memory),
			size(capacity), ofCount(f.rangeOf(key("redis.nodes")))),
		Remedy: fmt.Sprintf("%s nodes for the values alone, %s for all that comes with them", count(wholes(memory/each)), count(f.value(figure("redis.nodes")))),
	}
	rest := memory - f.value(figure("redis.memory.preferences"))
	if hot := math.Floor((capacity - rest) / f.value(key("redis.bytes_per_user"))); hot > 0 {
		finding.Remedy += fmt.Sprintf(", or %s hot users", count(hot))
	}
	if claim, ok := f.plan.Claims.Find(id); ok && !agree(claim.Value, f.rangeOf(figure(id))) {
		finding.Claim, finding.Stated = id, &claim.Value.High
		finding.Message = ofSize(claim.Value) + " is stated; " + finding.Message
	}
	return []Finding{finding}
}

// idempotencyLeftOut finds idempotency keys that do not fit beside the caches.
func idempotencyLeftOut(f *facts) []Finding {
	keys, capacity := f.value(figure("redis.memory.idempotency")), f.value(figure("redis.memory.capacity"))
	room := max(capacity-f.value(figure("redis.memory")), 0)
	if keys <= room {
		return nil
	}
	left := fmt.Sprintf("and the caches leave them %s of %s", size(room), size(capacity))
	if keys > capacity {
		left = fmt.Sprintf("more than the whole cluster's %s", size(capacity))
	}
	finding := Finding{
		Stated: &capacity, Derived: &keys, Unit: units.ByteSize,
		Message: fmt.Sprintf("%s idempotency keys a day, kept for %s, take %s, %s",
			ofCount(f.rangeOf(figure("volume.per_day"))), ofTime(f.rangeOf(key("redis.idempotency_ttl"))),
			size(keys), left),
		Remedy: fmt.Sprintf("%s nodes more for one copy of them, or keys in a store on disk",
			count(wholes((keys-room)/f.rangeOf(key("redis.memory_per_node")).Low))),
	}
	if room > 0 {
		finding.Remedy += ", or kept for " + ofTime(units.Exactly(f.rangeOf(key("redis.idempotency_ttl")).Low*room/keys))
	}
	return []Finding{finding}
}

// overheadsLeftOut finds memory that holds the values and the idempotency keys,
// and not what comes with them.
func overheadsLeftOut(f *facts) []Finding {
	total, capacity := f.value(figure("redis.memory.total")), f.value(figure("redis.memory.capacity"))
	bare := f.value(figure("redis.memory")) + f.value(figure("redis.memory.idempotency"))
	if total <= capacity || bare > capacity {
		return nil
	}
	return []Finding{{
		Stated: &capacity, Derived: &total, Unit: units.ByteSize,
		Message: fmt.Sprintf("%s of values and idempotency keys fit the %s of %s nodes; with their keys, fragmentation, %s of room and %s replicas they are %s",
			size(bare), size(capacity), ofCount(f.rangeOf(key("redis.nodes"))),
			percent(f.value(key("redis.headroom"))), ofCount(f.rangeOf(key("redis.replicas"))), size(total)),
		Remedy: fmt.Sprintf("%s nodes", count(f.value(figure("redis.nodes.memory")))),
	}}
}

// operationsOverCapacity finds primaries that cannot carry the design rate.
func operationsOverCapacity(f *facts) []Finding {
	operations, capacity := f.value(figure("redis.operations")), f.value(figure("redis.operations.capacity"))
	if operations <= capacity {
		return nil
	}
	return []Finding{{
		Stated: &capacity, Derived: &operations, Unit: units.PerSecond,
		Message: fmt.Sprintf("the design rate takes %s operations, and with a zone lost %s nodes with %s replicas of each primary carry %s",
			perSecond(operations), ofCount(f.rangeOf(key("redis.nodes"))), ofCount(f.rangeOf(key("redis.replicas"))),
			perSecond(capacity)),
		Remedy: fmt.Sprintf("%s nodes", count(max(f.value(figure("redis.nodes.operations")), f.value(figure("redis.nodes.zones"))))),
	}}
}

// noReplica finds idempotency keys of which there is one copy.
func noReplica(f *facts) []Finding {
	replicas, needed := f.rangeOf(key("redis.replicas")).Low, 1.0
	if replicas >= needed {
		return nil
	}
	return []Finding{{
		Stated: &replicas, Derived: &needed, Unit: units.Whole,
		Message: "a lost node takes its idempotency keys with it: what is repeated then is sent twice",
		Remedy:  "redis.replicas: 1",
	}}
}
