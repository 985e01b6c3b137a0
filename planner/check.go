package planner

import (
	"fmt"
	"slices"

	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

// A rule is a condition that several keys of a plan must meet together.
type rule struct {
	keys   []string // the keys it is about, the one that names the fault first
	broken func(p *Plan) string
}

// check finds the rules that a plan breaks. A fault is reported where the user
// wrote one of the keys, not at a default.
func (p *Plan) check(file string) []yamldoc.Fault {
	var faults []yamldoc.Fault
	if p.AsOf.IsZero() {
		faults = append(faults, yamldoc.Fault{Source: yamldoc.Source{File: file}, Key: "as_of", Message: "missing, and no day of the run was given"})
	}
	for _, r := range rules() {
		if message := r.broken(p); message != "" {
			faults = append(faults, yamldoc.Fault{Source: p.blame(r.keys), Key: r.keys[0], Message: message})
		}
	}
	return faults
}

// blame gives the source of the key that was written last: an assignment
// before the file, the file before the reference plan.
func (p *Plan) blame(keys []string) yamldoc.Source {
	rank := func(s yamldoc.Source) int {
		switch {
		case s.Assignment != "":
			return 2
		case s.File != referenceName:
			return 1
		}
		return 0
	}
	best := p.sources[keys[0]]
	for _, key := range keys[1:] {
		if s, ok := p.sources[key]; ok && (best == yamldoc.Source{} || rank(s) > rank(best)) {
			best = s
		}
	}
	return best
}

// rules lists what the decoder, which sees one key at a time, cannot check.
func rules() []rule {
	return slices.Concat([]rule{
		chargedProvider(),
		risingSteps(),
		{keys: []string{"version"}, broken: func(p *Plan) string {
			if p.Version == PlanVersion {
				return ""
			}
			return fmt.Sprintf("%d; accepted is %d", p.Version, PlanVersion)
		}},
	}, fullShares(), orderings(), backups())
}

// A shareGroup is keys that divide a whole among them.
type shareGroup struct {
	section string
	names   []string
	of      func(*Plan) []units.Fraction
}

// shareGroups lists what is divided.
func shareGroups() []shareGroup {
	return []shareGroup{
		{"workload.channels", []string{"push", "email", "sms"}, func(p *Plan) []units.Fraction {
			c := p.Workload.Channels
			return []units.Fraction{c.Push, c.Email, c.SMS}
		}},
		{"workload.priorities", []string{"high", "normal", "low"}, func(p *Plan) []units.Fraction {
			s := p.Workload.Priorities
			return []units.Fraction{s.High, s.Normal, s.Low}
		}},
	}
}

// keys gives the paths of the shares.
func (g shareGroup) keys() []string {
	keys := make([]string, len(g.names))
	for i, name := range g.names {
		keys[i] = yamldoc.Join(g.section, name)
	}
	return keys
}

// fullShares makes the rules that the shares of a group add up to one.
func fullShares() []rule {
	var all []rule
	for _, g := range shareGroups() {
		all = append(all, fullShare(g))
	}
	return all
}

// fullShare makes the rule that shares add up to one. Ranges may, if some values
// in them do.
func fullShare(g shareGroup) rule {
	return rule{keys: append([]string{g.section}, g.keys()...), broken: func(p *Plan) string {
		var sum units.Range
		for _, share := range g.of(p) {
			sum.Low += share.Low
			sum.High += share.High
		}
		const rounding = 1e-9
		if sum.Low <= 1+rounding && sum.High >= 1-rounding {
			return ""
		}
		found := fmt.Sprintf("%.10g", sum.Low*100)
		if !sum.Exact() {
			found += fmt.Sprintf("..%.10g", sum.High*100)
		}
		return fmt.Sprintf("shares add up to %s %%, not 100 %%", found)
	}}
}

// atMost makes the rule that one key's value is no larger than another's.
// Ranges may overlap: they fail only if no values in them pass.
func atMost(lowKey, highKey, why string, unit units.Unit, of func(*Plan) (low, high units.Range)) rule {
	return rule{keys: []string{lowKey, highKey}, broken: func(p *Plan) string {
		low, high := of(p)
		if low.Low <= high.High {
			return ""
		}
		return fmt.Sprintf("%s is more than %s of %s; %s", units.Format(unit, low), units.Format(unit, high), highKey, why)
	}}
}

// orderings are the pairs of keys of which one bounds the other.
func orderings() []rule {
	const floor = "the least cannot be above the most"
	type ranges = units.Range
	return []rule{
		atMost("workload.spike.from", "workload.spike.to", "a spike goes up", units.PerSecond,
			func(p *Plan) (ranges, ranges) { return p.Workload.Spike.From.Range, p.Workload.Spike.To.Range }),
		atMost("gateway.min", "gateway.max", floor, units.Whole,
			func(p *Plan) (ranges, ranges) { return p.Gateway.Min.Range, p.Gateway.Max.Range }),
		atMost("gateway.scale_down_cpu", "gateway.scale_up_cpu", "the fleet would scale up and down at once", units.Ratio,
			func(p *Plan) (ranges, ranges) { return p.Gateway.ScaleDownCPU.Range, p.Gateway.ScaleUpCPU.Range }),
		atMost("kafka.replication", "kafka.brokers", "each copy needs a broker of its own", units.Whole,
			func(p *Plan) (ranges, ranges) { return p.Kafka.Replication.Range, p.Kafka.Brokers.Range }),
		atMost("kafka.min_insync", "kafka.replication", "there are never more copies in sync than copies", units.Whole,
			func(p *Plan) (ranges, ranges) { return p.Kafka.MinInsync.Range, p.Kafka.Replication.Range }),
		atMost("kafka.zones", "kafka.brokers", "a zone without a broker is none", units.Whole,
			func(p *Plan) (ranges, ranges) { return p.Kafka.Zones.Range, p.Kafka.Brokers.Range }),
		atMost("workers.push.min", "workers.push.max", floor, units.Whole,
			func(p *Plan) (ranges, ranges) { return p.Workers.Push.Min.Range, p.Workers.Push.Max.Range }),
		atMost("workers.email.min", "workers.email.max", floor, units.Whole,
			func(p *Plan) (ranges, ranges) { return p.Workers.Email.Min.Range, p.Workers.Email.Max.Range }),
		atMost("workers.sms.min", "workers.sms.max", floor, units.Whole,
			func(p *Plan) (ranges, ranges) { return p.Workers.SMS.Min.Range, p.Workers.SMS.Max.Range }),
		atMost("postgres.shards", "postgres.max_shards", floor, units.Whole,
			func(p *Plan) (ranges, ranges) { return p.Postgres.Shards.Range, p.Postgres.MaxShards.Range }),
		atMost("cassandra.replication", "cassandra.nodes", "each copy needs a node of its own", units.Whole,
			func(p *Plan) (ranges, ranges) { return p.Cassandra.Replication.Range, p.Cassandra.Nodes.Range }),
	}
}

// backups are the rules that a channel's backup is another provider than its
// primary.
func backups() []rule {
	backup := func(channel string, of func(*Plan) (primary, backup string)) rule {
		key := "providers." + channel
		return rule{keys: []string{key + ".backup", key + ".primary"}, broken: func(p *Plan) string {
			first, second := of(p)
			if first != second {
				return ""
			}
			return fmt.Sprintf("%s is the primary too; accepted is another provider", second)
		}}
	}
	return []rule{
		backup("push", func(p *Plan) (string, string) { return p.Providers.Push.Primary, p.Providers.Push.Backup }),
		backup("email", func(p *Plan) (string, string) { return p.Providers.Email.Primary, p.Providers.Email.Backup }),
		backup("sms", func(p *Plan) (string, string) { return p.Providers.SMS.Primary, p.Providers.SMS.Backup }),
	}
}

// chargedProvider is the rule that the bill is reckoned by a provider in use.
func chargedProvider() rule {
	return rule{
		keys: []string{"providers.email.charged", "providers.email.primary", "providers.email.backup"},
		broken: func(p *Plan) string {
			e := p.Providers.Email
			if e.Charged == e.Primary || e.Charged == e.Backup {
				return ""
			}
			return fmt.Sprintf("%s sends none of it; accepted is %s or %s", e.Charged, e.Primary, e.Backup)
		},
	}
}
