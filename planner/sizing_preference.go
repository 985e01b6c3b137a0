package planner

import (
	"slices"

	"github.com/notifyctl/notifyctl/planner/units"
)

// preferenceFigures lists what the caches of preferences answer, and what they
// leave to the database.
func preferenceFigures(c choices) []Figure {
	all := []Figure{
		{
			ID: "preferences.reads_per_user", Title: "reads of one user's preferences", Unit: units.PerSecond,
			Formula: "workload.notifications_per_user / 86,400 s",
			Inputs:  []Input{key("workload.notifications_per_user")},
			Compute: func(in []float64) float64 { return in[0] / secondsPerDay },
		},
		{
			ID: "preferences.reads_per_user.design", Title: "reads of one user's preferences, at the design rate", Unit: units.PerSecond,
			Formula: "rate.design / workload.users",
			Inputs:  []Input{figure("rate.design"), key("workload.users").falling()},
			Compute: func(in []float64) float64 { return in[0] / in[1] },
		},
	}
	fleet := serviceFleet(c)
	for _, at := range []atRate{{"", "", "rate.average"}, {".design", ", at the design rate", "rate.design"}} {
		local, shared := at.localHits(fleet), at.sharedHits()
		if c.skewed {
			local, shared = at.skewedLocalHits(fleet), at.skewedSharedHits()
		}
		all = append(all, local, shared, at.hits(), at.databaseReads(), at.localEntries(fleet), at.sharedEntries())
	}
	return slices.Concat(all, heldHits(c), []Figure{neededTTL()}, templateFigures(c))
}

// atRate is the rate that a cache's figures are of: the average, or what is
// built for.
type atRate struct {
	suffix string // of the ids
	title  string
	rate   string // the id of the rate of all users
}

// id gives the id of a figure at this rate.
func (at atRate) id(of string) string { return of + at.suffix }

// The caches forget an entry some time after it was filled, however often it is
// read meanwhile. Of reads that come at random, x in that time, one fills it and
// x are answered: x / (1 + x). Of b that come together, at most the first finds
// nothing, so that b - 1 + x are answered of b + x.

// localHits is the share of reads that the cache in one of the services
// answers, each of which sees its part of a user's reads.
func (at atRate) localHits(fleet Input) Figure {
	reads := at.id("preferences.reads_per_user")
	x := reads + " / " + fleet.ID + " x preferences.l1.ttl"
	return Figure{
		ID: at.id("preferences.l1.hit_ratio"), Title: "reads that a service's own cache answers" + at.title,
		Unit: units.Ratio, Safe: Low,
		Formula: "1 - 1 / (workload.burst + " + x + ")",
		Inputs:  []Input{figure(reads), fleet.falling(), key("preferences.l1.ttl"), key("workload.burst")},
		Compute: func(in []float64) float64 { return answered(in[0]/in[1]*in[2], in[3]) },
	}
}

// sharedHits is the share of reads that the cache in Redis answers, had the
// services none of their own.
func (at atRate) sharedHits() Figure {
	reads := at.id("preferences.reads_per_user")
	return Figure{
		ID: at.id("preferences.l2.hit_ratio"), Title: "reads that the cache in Redis answers" + at.title,
		Unit: units.Ratio, Safe: Low,
		Formula: "1 - 1 / (workload.burst + " + reads + " x preferences.l2.ttl)",
		Inputs:  []Input{figure(reads), key("preferences.l2.ttl"), key("workload.burst")},
		Compute: func(in []float64) float64 { return answered(in[0]*in[1], in[2]) },
	}
}

// hits is the share of reads that one of the caches answers: no more than its
// entries hold, and no more than the better of the two does. What a service
// has, it got by way of Redis, so their shares do not add up.
func (at atRate) hits() Figure {
	l1, l2 := at.id("preferences.l1.hit_ratio"), at.id("preferences.l2.hit_ratio")
	return Figure{
		ID: at.id("preferences.hit_ratio"), Title: "reads of preferences that the caches answer" + at.title,
		Unit: units.Ratio, Safe: Low,
		Formula: "max(min(" + l1 + ", preferences.l1.held), min(" + l2 + ", preferences.l2.held))",
		Inputs:  []Input{figure(l1), figure("preferences.l1.held"), figure(l2), figure("preferences.l2.held")},
		Compute: func(in []float64) float64 { return max(min(in[0], in[1]), min(in[2], in[3])) },
	}
}

// databaseReads is what the caches leave to the database.
func (at atRate) databaseReads() Figure {
	hits := at.id("preferences.hit_ratio")
	return Figure{
		ID: at.id("preferences.database_reads"), Title: "reads of preferences that reach the database" + at.title, Unit: units.PerSecond,
		Formula: at.rate + " x (1 - " + hits + ")",
		Inputs:  []Input{figure(at.rate), figure(hits).falling()},
		Compute: func(in []float64) float64 { return in[0] * max(1-in[1], 0) },
	}
}

// localEntries is what a service's cache has to hold so that no entry is put
// out before its time: one for each read that it did not answer in that time.
func (at atRate) localEntries(fleet Input) Figure {
	hits := at.id("preferences.l1.hit_ratio")
	return Figure{
		ID: at.id("preferences.l1.entries"), Title: "entries of a service's own cache that serve their time" + at.title, Unit: units.Whole,
		Stated:  "preferences.l1.entries",
		Formula: "ceil(" + at.rate + " / " + fleet.ID + " x (1 - " + hits + ") x preferences.l1.ttl)",
		Inputs:  []Input{figure(at.rate), fleet.falling(), figure(hits).falling(), key("preferences.l1.ttl")},
		Compute: func(in []float64) float64 { return wholes(in[0] / in[1] * max(1-in[2], 0) * in[3]) },
	}
}

// sharedEntries is the same of the cache in Redis.
func (at atRate) sharedEntries() Figure {
	hits := at.id("preferences.l2.hit_ratio")
	return Figure{
		ID: at.id("preferences.l2.entries"), Title: "entries of the cache in Redis that serve their time" + at.title, Unit: units.Whole,
		Stated:  "redis.hot_users",
		Formula: "ceil(" + at.rate + " x (1 - " + hits + ") x preferences.l2.ttl)",
		Inputs:  []Input{figure(at.rate), figure(hits).falling(), key("preferences.l2.ttl")},
		Compute: func(in []float64) float64 { return wholes(in[0] * max(1-in[1], 0) * in[2]) },
	}
}

// heldHits lists the shares of reads that the caches answer at most, by the
// users that they hold: those who were read last.
func heldHits(c choices) []Figure {
	held := func(id, title, entries string) Figure {
		if c.skewed {
			return skewedHeldHits(id, title, entries)
		}
		return Figure{
			ID: id, Title: title, Unit: units.Ratio, Safe: Low,
			Formula: "(workload.burst - 1 + min(" + entries + " / workload.users, 1)) / workload.burst",
			Inputs:  []Input{key(entries), key("workload.users").falling(), key("workload.burst")},
			Compute: func(in []float64) float64 { return withBursts(min(in[0]/in[1], 1), in[2]) },
		}
	}
	return []Figure{
		held("preferences.l1.held", "reads of the users that a service's own cache holds", "preferences.l1.entries"),
		held("preferences.l2.held", "reads of the users that the cache in Redis holds", "redis.hot_users"),
	}
}

// surest is the nearest to all that a cache may be asked to answer: all would
// take for ever.
const surest = 1 - 1e-9

// neededTTL is the time to live with which the cache in Redis would answer what
// is promised of the caches if users were all alike; if they are not, a shorter
// one does.
func neededTTL() Figure {
	return Figure{
		ID: "preferences.ttl", Title: "time to live that the promised share of hits takes at most", Unit: units.Seconds,
		Stated:  "preferences.l2.ttl",
		Formula: "max(1 / (1 - service_levels.cache_hit) - workload.burst, 0) / preferences.reads_per_user",
		Inputs:  []Input{key("service_levels.cache_hit"), key("workload.burst").falling(), figure("preferences.reads_per_user").falling()},
		Compute: func(in []float64) float64 { return max(1/(1-min(in[0], surest))-max(in[1], 1), 0) / in[2] },
	}
}

// templateFigures lists what the cache of templates in each service answers.
// Templates are taken to be used alike, which serves a cache least.
func templateFigures(c choices) []Figure {
	fleet := serviceFleet(c)
	return []Figure{
		{
			ID: "templates.memory", Title: "memory of all templates", Unit: units.ByteSize,
			Formula: "templates.count x templates.size",
			Inputs:  []Input{key("templates.count"), key("templates.size")},
			Compute: product,
		},
		{
			ID: "templates.hit_ratio", Title: "templates that a service's own cache has", Unit: units.Ratio, Safe: Low,
			Formula: "1 - 1 / (1 + rate.average / templates.count / " + fleet.ID + " x templates.ttl)",
			Inputs:  []Input{figure("rate.average"), key("templates.count").falling(), fleet.falling(), key("templates.ttl")},
			Compute: func(in []float64) float64 { return answered(in[0]/in[1]/in[2]*in[3], 1) },
		},
		{
			ID: "templates.misses", Title: "templates read from their store", Unit: units.PerSecond,
			Formula: "rate.average x (1 - templates.hit_ratio)",
			Inputs:  []Input{figure("rate.average"), figure("templates.hit_ratio").falling()},
			Compute: func(in []float64) float64 { return in[0] * max(1-in[1], 0) },
		},
	}
}

// answered gives the share of reads that a cache answers which forgets after a
// time in which x of them come, in bursts.
func answered(x, burst float64) float64 {
	return 1 / (1 + 1/(max(burst, 1)-1+x))
}

// withBursts gives the share of reads that a cache answers which answers hit of
// the first of each burst: it answers all the others.
func withBursts(hit, burst float64) float64 {
	if burst <= 1 {
		return hit
	}
	return 1 - (1-hit)/burst
}
