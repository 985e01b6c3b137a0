package planner

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/policy"
	"github.com/notifyctl/notifyctl/planner/units"
)

// policiesClaim is the named statement of the policies that a design scales its
// workers by.
const policiesClaim = "workers.policies"

// workerPolicyRules lists the contradictions between the policies that scale the
// workers and the pools that they scale. The policies are asked what they wish,
// as a running system asks them.
func workerPolicyRules() []auditRule {
	return []auditRule{
		{name: "policy-scales-down-under-load", component: "workers", severity: Error, examine: scalesDownUnderLoad},
		{name: "policies-disagree", component: "workers", severity: Warning, examine: policiesDisagree},
		{name: "policy-assumes-another-rate", component: "workers", severity: Warning, examine: assumesAnotherRate},
		{name: "policy-floor-below-minimum", component: "workers", severity: Warning, examine: floorBelowMinimum},
	}
}

// policies gives the names of the policies to examine: those that are stated, and
// the one that the plan scales by.
func (f *facts) policies() []string {
	names := f.statedPolicies()
	if own := f.plan.Workers.Policy; !slices.Contains(names, own) {
		names = append(names, own)
	}
	return names
}

// statedPolicies gives the names of the policies that the plan's claims name.
func (f *facts) statedPolicies() []string {
	claim, _ := f.plan.Claims.Find(policiesClaim)
	return slices.Clone(claim.Names)
}

// claimOfPolicy gives the claim that names a policy, "" for none.
func (f *facts) claimOfPolicy(name string) string {
	if slices.Contains(f.statedPolicies(), name) {
		return policiesClaim
	}
	return ""
}

// wishOf asks a policy of the plan what it wishes.
func wishOf(name string, p policy.Pool, t policy.PoolTargets) int {
	wish, ok := policy.WorkerPolicyNamed(name)
	if !ok {
		panic("BUG: planner: there is no worker policy " + name)
	}
	return wish(p, t)
}

// mostWorkers bounds the workers that policies are asked about.
const mostWorkers = math.MaxInt32

// workersOf makes a number of workers of one of a plan.
func workersOf(v float64) int { return int(min(v, mostWorkers)) }

// targets gives what the plan holds a channel's pool to.
func (f *facts) targets(channel string) policy.PoolTargets {
	low := func(id string) float64 { return f.rangeOf(key(id)).Low }
	return policy.PoolTargets{
		Min: workersOf(low("workers." + channel + ".min")), Max: workersOf(low("workers." + channel + ".max")),
		Utilisation: low("service_levels.utilisation"),
		Lag:         max(f.plan.ServiceLevels.QueueLag.Duration(), time.Millisecond),
	}
}

// steady gives a channel's pool that sends its design rate, with a number of
// workers and a number of notifications that wait.
func (f *facts) steady(channel string, workers int, depth float64) policy.Pool {
	rate := f.value(figure("rate." + channel))
	needed := f.value(figure("workers." + channel + ".needed"))
	return policy.Pool{Depth: depth, Arrivals: rate, Throughput: rate, Workers: workers, Rate: rate / max(needed, 1)}
}

// enough gives the fewest workers that a pool may be left with under its design
// rate: its minimum, or what the rate needs as far as the maximum allows.
func (f *facts) enough(channel string) int {
	t := f.targets(channel)
	return t.Clamp(workersOf(f.value(figure("workers." + channel + ".needed"))))
}

// depths lists the queue depths that policies are asked at: a fifth over the
// depth target, then 1, 2 and 5 of every decade from a hundred to a million.
func (f *facts) depths() []float64 {
	const over = 1.2
	all := []float64{math.Round(over * f.rangeOf(key("service_levels.queue_depth")).Low)}
	for decade := 100.0; decade < 1e6; decade *= 10 {
		all = append(all, decade, 2*decade, 5*decade)
	}
	return append(all, 1e6)
}

// backlog says whether a queue is deeper than the plan means it to be.
func (f *facts) backlog(depth float64) bool {
	return depth > f.rangeOf(key("service_levels.queue_depth")).High
}

// scalesDownUnderLoad finds a policy that wishes fewer workers at the design rate
// than the pool may be left with: over the depth target any such wish, below it
// one that the pool's minimum does not mend.
func scalesDownUnderLoad(f *facts) []Finding {
	var findings []Finding
	for _, name := range f.policies() {
		for _, channel := range channels() {
			if f.value(figure("rate."+channel)) == 0 {
				continue
			}
			enough, t := f.enough(channel), f.targets(channel)
			for _, depth := range f.depths() {
				wish := wishOf(name, f.steady(channel, enough, depth), t)
				if wish < enough && (f.backlog(depth) || t.Clamp(wish) < enough) {
					findings = append(findings, f.tooFew(name, channel, depth, enough, wish))
					break
				}
			}
		}
	}
	return findings
}

// tooFew words that a policy wishes too few workers for a backlog.
func (f *facts) tooFew(name, channel string, depth float64, enough, wish int) Finding {
	stated, derived := float64(enough), float64(wish)
	fewest := f.rangeOf(key("workers." + channel + ".min")).Low
	below := "below the " + count(stated) + " that the design rate is to have"
	if fewest >= stated {
		below = "below the minimum of " + count(fewest)
	}
	return Finding{
		Claim: f.claimOfPolicy(name), Stated: &stated, Derived: &derived, Unit: units.Whole,
		Message: fmt.Sprintf("%s asks for %s %s workers at a depth of %s, %s, while %s arrive",
			name, count(derived), channel, count(depth), below, perSecond(f.value(figure("rate."+channel)))),
		Remedy: "workers.policy: arrivals, which follows the arrival rate and clamps to the pool's bounds",
	}
}

// policiesDisagree finds two stated policies that answer the same backlog with
// numbers of workers far apart.
func policiesDisagree(f *facts) []Finding {
	var findings []Finding
	names := f.statedPolicies()
	for i, first := range names {
		for _, second := range names[i+1:] {
			if found, ok := f.disagreement(first, second); ok {
				findings = append(findings, found)
			}
		}
	}
	return findings
}

// disagreement finds the least backlog at which two policies both ask for a
// number of workers of their own, whatever there are, and one asks for more than
// twice the other's.
func (f *facts) disagreement(first, second string) (Finding, bool) {
	for _, channel := range channels() {
		for _, depth := range f.depths() {
			a, actsFirst := f.answer(first, channel, depth)
			b, actsSecond := f.answer(second, channel, depth)
			if !f.backlog(depth) || !actsFirst || !actsSecond || max(a, b) <= 2*min(a, b) {
				continue
			}
			stated, derived := float64(a), float64(b)
			return Finding{
				Claim: policiesClaim, Stated: &stated, Derived: &derived, Unit: units.Whole,
				Message: fmt.Sprintf("at a depth of %s %s asks for %s %s workers and %s for %s: one pool cannot be scaled by both",
					count(depth), first, count(stated), channel, second, count(derived)),
				Remedy: "one policy that follows the arrival rate: workers.policy: arrivals",
			}, true
		}
	}
	return Finding{}, false
}

// answer gives what a policy wishes for a backlog of a channel, and whether that
// answers the backlog: not if the wish follows the workers that there are.
func (f *facts) answer(name, channel string, depth float64) (int, bool) {
	t := f.targets(channel)
	fewest, most := wishOf(name, f.steady(channel, 0, depth), t), wishOf(name, f.steady(channel, t.Max, depth), t)
	return fewest, fewest == most && fewest > 0
}

// assumesAnotherRate finds pools whose workers send at another rate than the
// policy drain takes for granted.
func assumesAnotherRate(f *facts) []Finding {
	if !slices.Contains(f.policies(), "drain") {
		return nil
	}
	distance := func(rate float64) float64 { return math.Abs(math.Log(rate / policy.DrainRate)) }
	var other []string
	assumed, farthest := float64(policy.DrainRate), float64(policy.DrainRate)
	for _, channel := range channels() {
		r := f.rangeOf(key("workers." + channel + ".rate"))
		if r.Low <= assumed && assumed <= r.High {
			continue
		}
		other = append(other, ofRate(r)+" for "+channel)
		if distance(r.High) > distance(farthest) {
			farthest = r.High
		}
	}
	if other == nil {
		return nil
	}
	return []Finding{{
		Claim: f.claimOfPolicy("drain"), Stated: &assumed, Derived: &farthest, Unit: units.PerSecond,
		Message: fmt.Sprintf("drain takes every worker to send %s, and the pools say %s one at a time, %s in batches",
			perSecond(assumed), strings.Join(other, ", "), perSecond(f.value(key("workers.batched_rate")))),
		Remedy: "workers.policy: arrivals, which goes by the measured rate of a worker",
	}}
}

// floorBelowMinimum finds a policy that leaves an idle pool fewer workers than
// its minimum.
func floorBelowMinimum(f *facts) []Finding {
	var findings []Finding
	for _, name := range f.policies() {
		var below []string
		var floor, minimum float64
		for _, channel := range channels() {
			t := f.targets(channel)
			left := idleFloor(name, t)
			if left >= t.Min {
				continue
			}
			below = append(below, fmt.Sprintf("%s has a minimum of %s", channel, count(float64(t.Min))))
			floor, minimum = float64(left), max(minimum, float64(t.Min))
		}
		if below == nil {
			continue
		}
		findings = append(findings, Finding{
			Claim: f.claimOfPolicy(name), Stated: &minimum, Derived: &floor, Unit: units.Whole,
			Message: fmt.Sprintf("%s leaves an idle pool %s workers, and %s", name, count(floor), strings.Join(below, ", ")),
			Remedy:  fmt.Sprintf("minima of at most %s, or a policy that keeps to them: workers.policy: arrivals", count(floor)),
		})
	}
	return findings
}

// idleFloor gives the workers that a policy leaves a pool that has had nothing to
// do for long.
func idleFloor(name string, t policy.PoolTargets) int {
	const looks = 100 // each takes three in ten at least: 0.7^100 of any pool is nobody
	workers := t.Min
	for range looks {
		wish := wishOf(name, policy.Pool{Workers: workers}, t)
		if wish == workers {
			break
		}
		workers = wish
	}
	return workers
}
