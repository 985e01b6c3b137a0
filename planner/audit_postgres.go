package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/notifyctl/notifyctl/planner/units"
)

// postgresRules lists the contradictions in what a plan says of its shards.
func postgresRules() []auditRule {
	const component = "postgres"
	return []auditRule{
		{name: "sharded-two-ways", component: component, severity: Error, examine: shardedTwoWays},
		{name: "disk-over-capacity", component: component, severity: Error, examine: shardDiskOverCapacity},
		{name: "reads-over-capacity", component: component, severity: Error, examine: readsOverCapacity},
		{name: "zone-takes-shards", component: component, severity: Error, examine: zoneTakesShards},
		{name: "pools-per-shard", component: component, severity: Warning, examine: poolsPerShard},
		{name: "modulo-moves-most-users", component: component, severity: Warning, examine: moduloMovesMostUsers},
	}
}

// shardedTwoWays finds users who are divided over the shards by another rule
// than the plan's hash in one place or the other.
func shardedTwoWays(f *facts) []Finding {
	const id = "postgres.sharding"
	claim, ok := f.plan.Claims.Find(id)
	if !ok || !slices.Contains(claim.Names, "id_range") {
		return nil
	}
	ways := strings.ReplaceAll(strings.Join(claim.Names, " and by "), "_", " ")
	return []Finding{{
		Claim: id,
		Message: fmt.Sprintf("users are said to be divided by %s, and the plan divides them by a hash (%s): one user has two shards;"+
			" and a hash that has no name, like a language's own, may differ from process to process", ways, f.plan.Postgres.Sharding),
		Remedy: "one rule everywhere, its hash named: xxhash64 of the id's UTF-8 bytes, postgres.sharding: jump",
	}}
}

// shardDiskOverCapacity finds shards whose users do not fit on their disk.
func shardDiskOverCapacity(f *facts) []Finding {
	disk, has := f.value(figure("postgres.disk.per_shard")), f.rangeOf(key("postgres.disk_per_shard"))
	if disk <= has.Low {
		return nil
	}
	return []Finding{{
		Stated: &has.Low, Derived: &disk, Unit: units.ByteSize,
		Message: fmt.Sprintf("%s on %s shards are %s each with its indexes, over its disk of %s",
			ofSize(f.rangeOf(figure("postgres.disk.total"))), ofCount(f.rangeOf(key("postgres.shards"))),
			size(disk), ofSize(has)),
		Remedy: fmt.Sprintf("%s shards, or %s of disk for each", count(f.value(figure("postgres.shards.disk"))), size(disk)),
	}}
}

// readsOverCapacity finds shards that cannot answer what the caches leave.
func readsOverCapacity(f *facts) []Finding {
	reads, capacity := f.value(figure("postgres.reads.per_shard")), f.value(figure("postgres.reads.capacity"))
	if reads <= capacity {
		return nil
	}
	return []Finding{{
		Stated: &capacity, Derived: &reads, Unit: units.PerSecond,
		Message: fmt.Sprintf("at the design rate each of %s shards is read %s, and with a zone lost its nodes answer %s",
			ofCount(f.rangeOf(key("postgres.shards"))), perSecond(reads), perSecond(capacity)),
		Remedy: fmt.Sprintf("%s shards, or %s replicas of each, or caches that answer more",
			count(f.value(figure("postgres.shards.reads"))), count(f.value(figure("postgres.replicas")))),
	}}
}

// zoneTakesShards finds shards that have no node outside of one zone.
func zoneTakesShards(f *facts) []Finding {
	replicas, zones := f.rangeOf(key("postgres.replicas")).Low, f.rangeOf(key("kafka.zones")).Low
	if zones > 1 && zoneSurvivors(1+replicas, zones) >= 1 {
		return nil
	}
	needed := 1.0
	return []Finding{{
		Stated: &replicas, Derived: &needed, Unit: units.Whole,
		Message: fmt.Sprintf("%s replicas over %s zones: with a zone its shards are lost, and the preferences of their users",
			count(replicas), count(zones)),
		Remedy: "a replica of each shard in another zone: postgres.replicas: 1, and kafka.zones: 2 or more",
	}}
}

// poolsPerShard finds a number of connections that each service would have to
// divide over the shards. A pool belongs to one database, so that services as
// they are usually written hold as many to each shard.
func poolsPerShard(f *facts) []Finding {
	shards := f.value(key("postgres.shards"))
	if shards <= 1 {
		return nil
	}
	const id = "postgres.connections"
	total, pooled := f.value(figure(id)), f.value(figure("postgres.connections.pool_per_shard"))
	accepted := f.rangeOf(key("postgres.connections_per_shard"))
	claim, claimed := f.plan.Claims.Find(id)
	contradicted := claimed && claim.Value.High < pooled*(1-claimTolerance)
	if !contradicted && total <= accepted.Low {
		return nil
	}
	each := f.value(key("service.connections_per_instance"))
	finding := Finding{
		Stated: &total, Derived: &pooled, Unit: units.Whole,
		Message: fmt.Sprintf("%s connections are %s for each of %s services; if each pools as many to every one of %s shards they are %s, %s at each shard, which accepts %s",
			count(total), count(each), count(total/each), count(shards), count(pooled), count(total), ofCount(accepted)),
		Remedy: fmt.Sprintf("%.3g connections of each service to each shard (%s / %s), or a pooler before each shard",
			each/shards, count(each), count(shards)),
	}
	if contradicted {
		finding.Claim, finding.Stated = id, &claim.Value.High
	}
	return []Finding{finding}
}

// moduloMovesMostUsers finds shards that can grow in number, by a rule that
// moves most users whenever they do.
func moduloMovesMostUsers(f *facts) []Finding {
	shards, most := f.value(key("postgres.shards")), f.value(key("postgres.max_shards"))
	if f.plan.Postgres.Sharding != "modulo" || shards >= most {
		return nil
	}
	moved, jump := f.value(figure("postgres.moved.modulo")), 1/(shards+1)
	onward := ""
	if shards+1 < most {
		onward = fmt.Sprintf("; from there to %s it moves %s, jump hash %s",
			count(most), percent(movedByModulo(shards+1, most)), percent(1-(shards+1)/most))
	}
	return []Finding{{
		Stated: &jump, Derived: &moved, Unit: units.Ratio,
		Message: fmt.Sprintf("modulo moves %s of the users when %s shards become %s, jump hash %s%s",
			percent(moved), count(shards), count(shards+1), percent(jump), onward),
		Remedy: fmt.Sprintf("postgres.sharding: jump, or double the shards each time (%s moves half)", count(2*shards)),
	}}
}

// movedByModulo gives the share of users that move when shards by a hash modulo
// their number grow from one to another. Of every lcm(from, to) hashes in turn,
// those keep their place whose remainders by the two are the same: one for each
// of the fewer shards.
func movedByModulo(from, to float64) float64 {
	a, b := uint64(from), uint64(to)
	for b != 0 {
		a, b = b, a%b
	}
	return 1 - float64(a)/to // from / lcm is gcd / to
}
