package planner

import (
	"fmt"
	"math"

	"github.com/notifyctl/notifyctl/planner/units"
)

// cassandraRules lists the contradictions in what a plan says of its history.
func cassandraRules() []auditRule {
	const component = "cassandra"
	return []auditRule{
		{name: "replication-left-out", component: component, severity: Warning, examine: historyReplicationLeftOut},
		{name: "disk-over-capacity", component: component, severity: Error, examine: historyDiskOverCapacity},
		{name: "writes-over-capacity", component: component, severity: Error, examine: historyWritesOverCapacity},
		{name: "zone-takes-quorum", component: component, severity: Error, examine: zoneTakesQuorum},
	}
}

// historyReplicationLeftOut finds a claimed disk that was divided by the
// replication, or not multiplied by it.
func historyReplicationLeftOut(f *facts) []Finding {
	claim, mistake := f.replicationMistake()
	if mistake == "" {
		return nil
	}
	disk := f.value(figure("cassandra.disk.per_node"))
	copies := f.value(key("cassandra.replication"))
	finding := Finding{
		Claim: claim.ID, Stated: &claim.Value.High, Derived: &disk, Unit: units.ByteSize,
		Message: fmt.Sprintf("%s a node is the history of %s %s; the %s copies on %s nodes take %s each",
			ofSize(claim.Value), ofTime(f.rangeOf(key("cassandra.retention"))), mistake,
			count(copies), ofCount(f.rangeOf(key("cassandra.nodes"))), size(disk)),
		Remedy: "state " + size(disk),
	}
	if usable := f.usableDisk(); disk > usable {
		finding.Severity = Error
		finding.Message += ", over " + f.diskInWords()
		finding.Remedy = f.moreHistoryDisk()
	}
	return []Finding{finding}
}

// replicationMistake gives the claim of a node's disk, and how the replication
// went into it if that is why it is wrong; "" if it is not.
func (f *facts) replicationMistake() (claim Claim, mistake string) {
	claim, ok := f.plan.Claims.Find("cassandra.disk.per_node")
	is, copies := f.rangeOf(figure("cassandra.disk.per_node")), f.value(key("cassandra.replication"))
	over := func(divisor float64) units.Range { return units.Range{Low: is.Low / divisor, High: is.High / divisor} }
	switch {
	case !ok || copies <= 1 || agree(claim.Value, is):
		return claim, ""
	case agree(claim.Value, over(copies)):
		return claim, "in one copy"
	case agree(claim.Value, over(copies*copies)):
		return claim, fmt.Sprintf("divided by the replication of %s, not multiplied", count(copies))
	}
	return claim, ""
}

// historyDiskOverCapacity finds disks that cannot hold what is kept.
func historyDiskOverCapacity(f *facts) []Finding {
	disk, usable := f.value(figure("cassandra.disk.per_node")), f.usableDisk()
	if _, mistake := f.replicationMistake(); mistake != "" || disk <= usable {
		return nil
	}
	return []Finding{{
		Stated: &usable, Derived: &disk, Unit: units.ByteSize,
		Message: fmt.Sprintf("%s of history in %s copies on %s nodes take %s each, over %s",
			ofTime(f.rangeOf(key("cassandra.retention"))), ofCount(f.rangeOf(key("cassandra.replication"))),
			ofCount(f.rangeOf(key("cassandra.nodes"))), size(disk), f.diskInWords()),
		Remedy: f.moreHistoryDisk(),
	}}
}

// usableDisk gives what a node's disk may be filled to.
func (f *facts) usableDisk() float64 {
	return f.rangeOf(key("cassandra.disk_per_node")).Low * f.rangeOf(key("cassandra.utilisation")).Low
}

// diskInWords says what a node's disk may be filled to.
func (f *facts) diskInWords() string {
	return fmt.Sprintf("the %s that a disk of %s is filled to", size(f.usableDisk()),
		ofSize(f.rangeOf(key("cassandra.disk_per_node"))))
}

// moreHistoryDisk says what makes the history fit its disks.
func (f *facts) moreHistoryDisk() string {
	disk, usable := f.value(figure("cassandra.disk.per_node")), f.usableDisk()
	nodes := f.value(figure("cassandra.nodes.disk"))
	return fmt.Sprintf("%s nodes (%s if it compresses %.3g times), or %s of history, or %s of disk a node",
		count(nodes), count(f.value(figure("cassandra.nodes.compressed"))), f.rangeOf(key("workload.compression")).Low,
		ofTime(units.Exactly(f.rangeOf(key("cassandra.retention")).Low*usable/disk)),
		size(disk/f.rangeOf(key("cassandra.utilisation")).Low))
}

// historyWritesOverCapacity finds nodes that cannot write what is recorded, or
// what is promised to be, once the largest zone is lost.
func historyWritesOverCapacity(f *facts) []Finding {
	capacity := f.value(figure("cassandra.rows.capacity"))
	rows, promised := f.value(figure("cassandra.rows")), f.value(key("service_levels.log_writes"))
	finding := Finding{Stated: &capacity, Derived: &rows, Unit: units.PerSecond}
	switch {
	case rows > capacity:
		finding.Message = fmt.Sprintf("the design rate writes %s of history", perSecond(rows))
	case promised > capacity:
		finding.Severity, finding.Derived = Warning, &promised
		finding.Message = fmt.Sprintf("%s of history are promised (service_levels.log_writes)", perSecond(promised))
	default:
		return nil
	}
	copies, each := f.value(key("cassandra.replication")), f.rangeOf(key("cassandra.writes_per_node")).Low
	finding.Message += fmt.Sprintf(", and with a zone lost %s nodes take %s in %s copies",
		ofCount(f.rangeOf(key("cassandra.nodes"))), perSecond(capacity), count(copies))
	finding.Remedy = fmt.Sprintf("%s nodes, or faster ones",
		count(spareZone(wholes(*finding.Derived*copies/each), f.rangeOf(key("kafka.zones")).Low)))
	return []Finding{finding}
}

// zoneTakesQuorum finds copies so few, or in so few zones, that those a lost
// zone leaves are no majority: then LOCAL_QUORUM neither writes nor reads.
func zoneTakesQuorum(f *facts) []Finding {
	copies, zones := f.rangeOf(key("cassandra.replication")).Low, f.rangeOf(key("kafka.zones")).Low
	quorum := math.Floor(copies/2) + 1
	left := copies - math.Ceil(copies/zones)
	if left >= quorum {
		return nil
	}
	return []Finding{{
		Stated: &left, Derived: &quorum, Unit: units.Whole,
		Message: fmt.Sprintf("a lost zone of %s leaves %s of %s copies, and LOCAL_QUORUM needs %s", count(zones), count(left), count(copies), count(quorum)),
		Remedy:  "3 copies over 3 zones: cassandra.replication: 3, kafka.zones: 3",
	}}
}
