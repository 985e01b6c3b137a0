package reports

import (
	"fmt"
	"strings"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/scenarios"
)

// A sizingRow is one thing that a system needs so much of.
type sizingRow struct {
	label   string
	need    string // the id of the figure
	advised string // the id of the figure with headroom, "" for none
}

// sizingRows lists what the sizing of a plan shows, in which words.
func sizingRows(p *planner.Plan) []sizingRow {
	rows := []sizingRow{
		{"gateways", "gateway.instances", "gateway.recommended"},
		{"gateways always on", "gateway.autoscale.min", ""},
		{"services", "service.instances", "service.recommended"},
		{"kafka brokers", "kafka.brokers", "kafka.brokers.recommended"},
		{"kafka disk a broker", "kafka.disk.per_broker", "kafka.disk.recommended"},
		{"partitions, high", "kafka.partitions.high", "kafka.partitions.high.recommended"},
		{"partitions, normal", "kafka.partitions.normal", "kafka.partitions.normal.recommended"},
		{"partitions, low", "kafka.partitions.low", "kafka.partitions.low.recommended"},
	}
	rows = append(rows, workerRows("push", p.Providers.Push.Wire)...)
	rows = append(rows, workerRows("email", "batch")...)
	rows = append(rows, workerRows("sms", p.Providers.SMS.Wire)...)
	return append(rows, []sizingRow{
		{"push projects", "providers.push.projects", ""},
		{"sms senders", "providers.sms.senders", ""},
		{"postgres shards", "postgres.shards", "postgres.shards.recommended"},
		{"postgres disk a shard", "postgres.disk.per_shard", ""},
		// What is advised counts on compression, and so is not more than what is
		// needed without: it stands beside what is needed with it.
		{"cassandra nodes", "cassandra.nodes", ""},
		{"cassandra nodes, compressed", "cassandra.nodes.compressed", "cassandra.nodes.recommended"},
		{"cassandra disk a node", "cassandra.disk.per_node", ""},
		{"redis nodes", "redis.nodes", "redis.nodes.recommended"},
		{"redis memory", "redis.memory.total", ""},
	}...)
}

// workerRows lists the workers of a channel. Where the plan sends batches, what
// it needs without them stands below: not every provider takes them.
func workerRows(channel, wire string) []sizingRow {
	id := "workers." + channel
	needed := sizingRow{channel + " workers", id + ".needed", id + ".recommended"}
	if wire == "single" {
		return []sizingRow{needed}
	}
	needed.label += ", batches"
	return []sizingRow{needed, {channel + " workers, one a call", id + ".unbatched", ""}}
}

// A sizing is a row with its numbers.
type sizing struct {
	row     sizingRow
	unit    units.Unit
	plan    *units.Range // what the plan has, nil if it gives no number
	need    units.Range
	advised *units.Range
	ceiling *planner.Ceiling // nil where nothing says at what demand it breaks
	fits    scenarios.Verdict
}

// sizingOf reads the sizing of an estimate.
func sizingOf(e *planner.Estimate) []sizing {
	var all []sizing
	for _, r := range sizingRows(e.Plan) {
		d := figureNamed(e, r.need)
		s := sizing{row: r, unit: d.Unit, need: d.Range, plan: d.Stated, ceiling: ceilingOn(e, r.need)}
		if s.ceiling != nil {
			has := units.Exactly(s.ceiling.Capacity)
			s.plan = &has
		}
		if r.advised != "" {
			advised := figureNamed(e, r.advised)
			s.advised = &advised.Range
		}
		s.fits = s.verdict()
		all = append(all, s)
	}
	return all
}

// ceilingOn finds the ceiling of a need that carries the least, nil if there is
// none.
func ceilingOn(e *planner.Estimate, need string) *planner.Ceiling {
	for i, c := range e.Ceilings { // the tightest first
		if c.Figure == need {
			return &e.Ceilings[i]
		}
	}
	return nil
}

// verdict says whether the plan has what it needs; of ranges that overlap, that
// cannot be said.
func (s sizing) verdict() scenarios.Verdict {
	switch {
	case s.plan == nil:
		return scenarios.NotObserved
	case s.plan.Low >= s.need.High && (s.ceiling == nil || s.ceiling.Factor >= 1):
		return scenarios.Pass
	case s.plan.High < s.need.Low || s.ceiling != nil && s.ceiling.Factor < 1:
		return scenarios.Fail
	}
	return scenarios.Inconclusive
}

// writeSizing writes what the plan has of each thing, and what it needs.
func writeSizing(b *strings.Builder, e *planner.Estimate, t Terminal) {
	g := grid{name: "SIZING", columns: []column{
		{},
		{title: "plan", right: true},
		{title: "need", right: true},
		{title: "advised", right: true, spare: 3},
		{title: "breaks at", right: true, spare: 2},
		{title: "why", spare: 4, wraps: true},
	}}
	for _, s := range sizingOf(e) {
		breaks := ""
		if s.ceiling != nil {
			breaks = factorOf(*s.ceiling)
		}
		need := units.Humanize(s.unit, s.need)
		if s.fits == scenarios.Fail {
			need = t.Bad(need)
		}
		why, err := e.Reason(s.row.need)
		if err != nil {
			panic("BUG: reports: " + err.Error())
		}
		g.row(t.Mark(s.fits)+" "+s.row.label, optional(s.unit, s.plan), need,
			optional(s.unit, s.advised), breaks, why)
	}
	b.WriteString("\n")
	g.write(b, t)
}

// optional writes a value that there may not be.
func optional(u units.Unit, r *units.Range) string {
	if r == nil {
		return ""
	}
	return units.Humanize(u, *r)
}

// factorOf writes the multiple of the plan's demand that a ceiling carries.
func factorOf(c planner.Ceiling) string {
	if c.Never {
		return "never"
	}
	if c.Factor < 10 {
		return fmt.Sprintf("%.2fx", c.Factor)
	}
	return units.Humanize(units.Scalar, units.Exactly(c.Factor)) + "x"
}
