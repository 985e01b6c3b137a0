package planner

import (
	"fmt"

	"github.com/notifyctl/notifyctl/planner/units"
)

// preferenceRules lists the contradictions in what a plan says of its caches of
// preferences.
func preferenceRules() []auditRule {
	const component = "preferences"
	return []auditRule{
		{name: "l1-hits-out-of-reach", component: component, severity: Error, examine: func(f *facts) []Finding {
			return f.hitsOutOfReach("preferences.l1", "the cache in each of "+count(f.value(f.fleet()))+" services", f.value(f.fleet()))
		}},
		{name: "l2-hits-out-of-reach", component: component, severity: Error, examine: func(f *facts) []Finding {
			return f.hitsOutOfReach("preferences.l2", "the cache in Redis", 1)
		}},
		{name: "promised-hits-out-of-reach", component: component, severity: Error, examine: promisedHitsOutOfReach},
		{name: "hot-users-too-few", component: component, severity: Error, examine: hotUsersTooFew},
		{name: "entries-end-early", component: component, severity: Info, examine: entriesEndEarly},
	}
}

// fleet gives the input that is the number of notification services.
func (f *facts) fleet() Input { return serviceFleet(f.plan.choices()) }

// hitsOutOfReach finds a claimed hit ratio that users do not read often enough
// for, whose reads go to so many caches by turns.
func (f *facts) hitsOutOfReach(layer, title string, caches float64) []Finding {
	id := layer + ".hit_ratio"
	claim, ok := f.plan.Claims.Find(id)
	is := f.rangeOf(figure(id))
	if !ok || claim.Value.Low <= is.High*(1+claimTolerance) {
		return nil
	}
	atDesign := f.value(figure(id + ".design"))
	remedy := "claim " + percent(is.Low)
	if ttl, ok := f.ttlFor(claim.Value.Low, caches); ok {
		remedy = fmt.Sprintf("%s.ttl: %s, or a claim of %s", layer, ofTime(units.Exactly(ttl)), percent(is.Low))
	}
	return []Finding{{
		Claim: id, Stated: &claim.Value.Low, Derived: &is.Low, Unit: units.Ratio,
		Message: fmt.Sprintf("a user is read every %s, and an entry serves %s: %s answers %s on average and %s at the design rate, not %s",
			ofTime(units.Exactly(1/f.value(figure("preferences.reads_per_user")))), ofTime(f.rangeOf(key(layer+".ttl"))),
			title, percent(is.Low), percent(atDesign), units.Humanize(units.Ratio, claim.Value)),
		Remedy: remedy,
	}}
}

// ttlFor gives a time to live with which one of some caches answers a share of
// reads, the shortest if all users are alike. There is none for all reads.
func (f *facts) ttlFor(ratio, caches float64) (ttl float64, ok bool) {
	if ratio > surest {
		return 0, false
	}
	reads := f.value(figure("preferences.reads_per_user")) / caches
	return max(1/(1-ratio)-f.rangeOf(key("workload.burst")).Low, 0) / reads, true
}

// promisedHitsOutOfReach finds caches that answer less than is promised of
// them, so that the database sees the difference.
func promisedHitsOutOfReach(f *facts) []Finding {
	promised := f.rangeOf(key("service_levels.cache_hit")).Low
	hits := f.value(figure("preferences.hit_ratio"))
	if hits >= promised {
		return nil
	}
	reads := func(suffix string) string { return perSecond(f.value(figure("preferences.database_reads" + suffix))) }
	meant := func(rate string) string { return perSecond(f.value(figure(rate)) * (1 - promised)) }
	remedy := fmt.Sprintf("a database for %s", reads(".design"))
	if ttl, ok := f.ttlFor(promised, 1); ok {
		burst := 1/(1-promised) - f.value(figure("preferences.reads_per_user"))*f.rangeOf(key("preferences.l2.ttl")).Low
		remedy = fmt.Sprintf("preferences.l2.ttl: %s with entries invalidated on change, or bursts of %s to one user, or %s",
			ofTime(units.Exactly(ttl)), count(wholes(burst)), remedy)
	}
	return []Finding{{
		Stated: &promised, Derived: &hits, Unit: units.Ratio,
		Message: fmt.Sprintf("the caches answer %s of the reads of preferences, not %s: the database sees %s on average and %s at the design rate, not %s and %s",
			percent(hits), percent(promised), reads(""), reads(".design"), meant("rate.average"), meant("rate.design")),
		Remedy: remedy,
	}}
}

// hotUsersTooFew finds a cache that holds fewer users than the hits that are
// promised of it come from.
func hotUsersTooFew(f *facts) []Finding {
	promised, held := f.rangeOf(key("service_levels.cache_hit")).Low, f.value(figure("preferences.l2.held"))
	if held >= promised {
		return nil
	}
	users, hot := f.rangeOf(key("workload.users")), f.rangeOf(key("redis.hot_users"))
	remedy := "more hot users"
	if !f.plan.choices().skewed && f.value(key("workload.burst")) == 1 {
		needed := wholes(users.High * promised)
		remedy = fmt.Sprintf("%s hot users (%s of values), or a promise of %s",
			count(needed), size(needed*f.value(key("redis.bytes_per_user"))), percent(held))
	}
	return []Finding{{
		Stated: &promised, Derived: &held, Unit: units.Ratio,
		Message: fmt.Sprintf("%s of %s users that are all active in a day are hot: at most %s of the reads can be theirs, not %s",
			ofCount(hot), ofCount(users), percent(held), percent(promised)),
		Remedy: remedy,
	}}
}

// entriesEndEarly finds caches in the services that put entries out before
// their time.
func entriesEndEarly(f *facts) []Finding {
	needed, has := f.value(figure("preferences.l1.entries.design")), f.rangeOf(key("preferences.l1.entries"))
	if needed <= has.Low {
		return nil
	}
	return []Finding{{
		Stated: &has.Low, Derived: &needed, Unit: units.Whole,
		Message: fmt.Sprintf("at the design rate a service fills %s entries in the %s that one serves, and has room for %s: the others are put out before",
			count(needed), ofTime(f.rangeOf(key("preferences.l1.ttl"))), ofCount(has)),
		Remedy: fmt.Sprintf("preferences.l1.entries: %s, or no cache in the services", count(needed)),
	}}
}
