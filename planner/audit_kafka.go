package planner

import (
	"fmt"
	"math"
	"strings"

	"github.com/notifyctl/notifyctl/planner/units"
)

// kafkaRules lists the contradictions in what a plan says of its queues.
func kafkaRules() []auditRule {
	return []auditRule{
		{name: "replication-left-out", component: "kafka", severity: Warning, examine: replicationLeftOut},
		{name: "disk-over-capacity", component: "kafka", severity: Error, examine: diskOverCapacity},
		{name: "too-few-brokers", component: "kafka", severity: Error, examine: tooFewBrokers},
		{name: "zone-stops-writes", component: "kafka", severity: Error, examine: zoneStopsWrites},
		{name: "partitions-of-a-priority", component: "kafka", severity: Error, examine: partitionsTooFew},
		{name: "all-in-one-priority", component: "kafka", severity: Info, examine: allInOnePriority},
		{name: "consumers-over-partitions", component: "kafka", severity: Warning, examine: consumersOverPartitions},
	}
}

// replicationLeftOut finds a claimed disk that holds one copy of the records.
func replicationLeftOut(f *facts) []Finding {
	claim, copies, ok := f.claimOfOneCopy()
	if !ok {
		return nil
	}
	disk := f.value(figure("kafka.disk.per_broker"))
	finding := Finding{
		Claim: claim.ID, Stated: &claim.Value.High, Derived: &disk, Unit: units.ByteSize,
		Message: fmt.Sprintf("%s is one copy of %s on %s brokers; the %s copies take %s a broker",
			ofSize(claim.Value), units.Humanize(units.Seconds, f.rangeOf(key("kafka.retention"))),
			ofCount(f.rangeOf(key("kafka.brokers"))), count(copies),
			ofSize(units.Exactly(disk))),
		Remedy: "state " + ofSize(units.Exactly(disk)),
	}
	if has := f.rangeOf(key("kafka.disk_per_broker")); disk > has.Low {
		finding.Severity = Error
		finding.Message += ", over its disk of " + ofSize(has)
		finding.Remedy = f.moreDisk()
	}
	return []Finding{finding}
}

// claimOfOneCopy gives the claim of a broker's disk if that is the disk of one
// copy, and not of as many as there are.
func (f *facts) claimOfOneCopy() (claim Claim, copies float64, ok bool) {
	claim, ok = f.plan.Claims.Find("kafka.disk.per_broker")
	copies = f.value(key("kafka.replication"))
	is := f.rangeOf(figure("kafka.disk.per_broker"))
	near := func(copies float64) bool {
		return claim.Value.High >= is.Low/copies*(1-claimTolerance) && claim.Value.Low <= is.High/copies*(1+claimTolerance)
	}
	return claim, copies, ok && near(copies) && !near(1)
}

// diskOverCapacity finds disks that cannot hold what is kept.
func diskOverCapacity(f *facts) []Finding {
	disk, has := f.value(figure("kafka.disk.per_broker")), f.rangeOf(key("kafka.disk_per_broker"))
	if _, _, explained := f.claimOfOneCopy(); explained || disk <= has.Low {
		return nil
	}
	return []Finding{{
		Stated: &has.Low, Derived: &disk, Unit: units.ByteSize,
		Message: fmt.Sprintf("%s of %s copies on %s brokers take %s a broker, over its disk of %s",
			units.Humanize(units.Seconds, f.rangeOf(key("kafka.retention"))),
			ofCount(f.rangeOf(key("kafka.replication"))),
			ofCount(f.rangeOf(key("kafka.brokers"))),
			ofSize(units.Exactly(disk)), ofSize(has)),
		Remedy: f.moreDisk(),
	}}
}

// moreDisk says what makes the records fit their disks.
func (f *facts) moreDisk() string {
	disk, has := f.value(figure("kafka.disk.per_broker")), f.rangeOf(key("kafka.disk_per_broker")).Low
	return fmt.Sprintf("%s brokers, or %s of retention, or %s of disk a broker, or tiered storage",
		count(f.value(figure("kafka.brokers.disk"))),
		units.Humanize(units.Seconds, units.Exactly(f.rangeOf(key("kafka.retention")).Low*has/disk)),
		ofSize(units.Exactly(disk)))
}

// tooFewBrokers finds a cluster whose networks cannot carry the design rate
// once the largest zone is lost.
func tooFewBrokers(f *facts) []Finding {
	has, need := f.rangeOf(key("kafka.brokers")).Low, f.value(figure("kafka.brokers.zones"))
	if has >= need {
		return nil
	}
	busier := max(f.value(figure("kafka.network.in")), f.value(figure("kafka.network.out")))
	return []Finding{{
		Stated: &has, Derived: &need, Unit: units.Whole,
		Message: fmt.Sprintf("%s brokers of %s each way, and %s have to go through those that the loss of the largest of %s zones leaves",
			count(has), units.Humanize(units.BytesPerSecond, f.rangeOf(key("kafka.network_per_broker"))),
			units.Humanize(units.BytesPerSecond, units.Exactly(busier)), ofCount(f.rangeOf(key("kafka.zones")))),
		Remedy: fmt.Sprintf("%s brokers, or larger ones", count(need)),
	}}
}

// zoneStopsWrites finds copies so few, or in so few zones, that a lost zone
// leaves fewer than an acknowledgement needs: then nothing is accepted.
func zoneStopsWrites(f *facts) []Finding {
	copies, zones := f.rangeOf(key("kafka.replication")).Low, f.rangeOf(key("kafka.zones")).Low
	needed := f.rangeOf(key("kafka.min_insync")).High
	lost := math.Ceil(copies / zones)
	left := copies - lost
	if left >= needed {
		return nil
	}
	remedy := fmt.Sprintf("%s copies over %s zones", count(needed+1), count(needed+1))
	if left >= 1 {
		remedy += ", or kafka.min_insync: " + count(left) + " and records that a second failure may lose"
	}
	return []Finding{{
		Stated: &left, Derived: &needed, Unit: units.Whole,
		Message: fmt.Sprintf("a lost zone takes %s of the %s copies, and of the %s left %s have to have a record: nothing is accepted until the zone is back",
			count(lost), count(copies), count(left), count(needed)),
		Remedy: remedy,
	}}
}

// A priorityLoad is what a priority's partitions carry, and have to.
type priorityLoad struct {
	name       string
	partitions units.Range
	carries    units.Range // a second
	offered    float64     // a second, at the design rate
	need       float64     // partitions
}

// priorityLoads gives the loads of all priorities.
func (f *facts) priorityLoads() []priorityLoad {
	each := f.rangeOf(key("kafka.partition_rate"))
	var loads []priorityLoad
	for _, name := range []string{"high", "normal", "low"} {
		id := "kafka.partitions." + name
		n := f.rangeOf(key(id))
		loads = append(loads, priorityLoad{
			name: name, partitions: n,
			carries: units.Range{Low: n.Low * each.Low, High: n.High * each.High},
			offered: f.value(figure("rate." + name)), need: f.value(figure(id)),
		})
	}
	return loads
}

// partitionsTooFew finds priorities whose partitions cannot carry their share.
func partitionsTooFew(f *facts) []Finding {
	var findings []Finding
	for _, p := range f.priorityLoads() {
		if p.offered <= p.carries.Low {
			continue
		}
		finding := Finding{
			Stated: &p.partitions.Low, Derived: &p.need, Unit: units.Whole,
			Message: fmt.Sprintf("the %s partitions of %s priority carry %s, and its share of the design rate is %s",
				ofCount(p.partitions), p.name, ofRate(p.carries),
				ofRate(units.Exactly(p.offered))),
			Remedy: fmt.Sprintf("kafka.partitions.%s: %s", p.name, count(p.need)),
		}
		if p.offered <= p.carries.High {
			finding.Severity = Warning // it may do
		}
		findings = append(findings, finding)
	}
	return findings
}

// allInOnePriority finds priorities that carry their share, and could not carry
// the design rate should most of it come in one of them, as with a campaign:
// what all partitions together carry does not help it.
func allInOnePriority(f *facts) []Finding {
	design, each := f.value(figure("rate.design")), f.rangeOf(key("kafka.partition_rate"))
	var short []string
	var total float64
	least := math.Inf(1)
	for _, p := range f.priorityLoads() {
		total += p.partitions.Low
		if p.offered <= p.carries.Low && p.carries.Low < design {
			least = min(least, p.carries.Low)
			short = append(short, fmt.Sprintf("%s with %s at %s", p.name,
				ofCount(p.partitions), ofRate(p.carries)))
		}
	}
	if short == nil {
		return nil
	}
	return []Finding{{
		Stated: &design, Derived: &least, Unit: units.PerSecond,
		Message: fmt.Sprintf("%s over %s partitions is %s each, where one carries %s; but a priority that most of it came in would end sooner: %s",
			ofRate(units.Exactly(design)), count(total),
			ofRate(units.Exactly(design/total)), ofRate(each),
			strings.Join(short, ", ")),
		Remedy: fmt.Sprintf("%s partitions for a priority that may bring all of it", count(wholes(design/each.Low))),
	}}
}

// consumersOverPartitions finds pools that may grow beyond the partitions. A
// partition has one consumer, so workers that are consumers themselves would
// idle beyond that.
func consumersOverPartitions(f *facts) []Finding {
	var partitions, workers float64
	for _, p := range f.priorityLoads() {
		partitions += p.partitions.Low
	}
	for _, channel := range []string{"push", "email", "sms"} {
		workers += f.value(key("workers." + channel + ".max"))
	}
	if workers <= partitions {
		return nil
	}
	return []Finding{{
		Stated: &workers, Derived: &partitions, Unit: units.Whole,
		Message: fmt.Sprintf("the pools may grow to %s workers, and %s partitions give work to as many consumers at most: the other %s idle if each is a consumer",
			count(workers), count(partitions), count(workers-partitions)),
		Remedy: fmt.Sprintf("few consumers that fetch and hand on to the workers, or %s partitions", count(workers)),
	}}
}
