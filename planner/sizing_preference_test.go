package planner_test

import (
	"testing"

	"github.com/notifyctl/notifyctl/planner/units"
)

func TestPreferenceFigures(t *testing.T) {
	checkFigures(t, estimate(t), map[string]units.Range{
		"preferences.reads_per_user":        units.Exactly(10 / 86_400.),
		"preferences.reads_per_user.design": units.Exactly(5e-4),
		// x/(1 + x) with x of 60/8640/50, 300/8640, .0006 and .15
		"preferences.l1.hit_ratio":          units.Exactly(1 / 7201.),
		"preferences.l2.hit_ratio":          units.Exactly(1 / 29.8),
		"preferences.l1.hit_ratio.design":   units.Exactly(.0006 / 1.0006),
		"preferences.l2.hit_ratio.design":   units.Exactly(.15 / 1.15),
		"preferences.l1.held":               units.Exactly(1e-4),
		"preferences.l2.held":               units.Exactly(.2),
		"preferences.hit_ratio":             units.Exactly(1 / 29.8),
		"preferences.database_reads":        units.Exactly(1e9 / 86_400 * 28.8 / 29.8),
		"preferences.database_reads.design": units.Exactly(50_000 / 1.15),
		"preferences.l1.entries":            units.Exactly(13_887),   // 231.48/s x 60 s x .99986
		"preferences.l2.entries.design":     units.Exactly(13043479), // 50,000 x 300 / 1.15
		"preferences.ttl":                   units.Exactly(45.6 * 3600),
		"templates.memory":                  units.Exactly(50e6),
		"templates.hit_ratio":               units.Exactly(1 - 1/(1+1e9/86_400/1000/50*3600)),
	})
	// By hand: a user is read 864 times a day, once in 100 s, in bursts of 4:
	// 3.5 of 4.5 in Redis within 50 s, 3.05 of 4.05 in one of two services
	// within 10 s. 10 of 1000 users are held: 3.01 of 4.
	checkFigures(t, estimate(t,
		"workload={users: 1000, notifications_per_user: 864, burst: 4, design_rate: 100/s}", "claims.service.instances=2",
		"preferences={l1: {entries: 10, ttl: 10s}, l2: {ttl: 50s}}", "redis.hot_users=900",
		"service_levels.cache_hit=80%", "templates={count: 50, size: 1MB, ttl: 10s}",
	), map[string]units.Range{
		"preferences.l1.hit_ratio":   units.Exactly(3.05 / 4.05),
		"preferences.l2.hit_ratio":   units.Exactly(3.5 / 4.5),
		"preferences.l1.held":        units.Exactly(3.01 / 4),
		"preferences.l2.held":        units.Exactly(3.9 / 4),
		"preferences.hit_ratio":      units.Exactly(3.5 / 4.5),
		"preferences.database_reads": units.Exactly(10 / 4.5),
		"preferences.l1.entries":     units.Exactly(13), // 5/s x 10 s / 4.05
		"preferences.ttl":            units.Exactly(100),
		"templates.hit_ratio":        units.Exactly(.5), // one in 10 s
		"templates.misses":           units.Exactly(5),
		"templates.memory":           units.Exactly(50e6),
		"preferences.l2.entries":     units.Exactly(112), // 10/s x 50 s / 4.5
	})
}
