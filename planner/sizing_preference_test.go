package planner_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/planner"
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

// By hand: three users whose reads are as 1 : 1/2 : 1/3, so 6/11, 3/11 and 2/11
// of the 11 in 100 s. In a cache of one instance for 100 s they find 6/7, 3/4 and
// 2/3 of theirs. Room for all is no bound, and for none is nothing.
func TestPreferenceFiguresOfASkew(t *testing.T) {
	const hits = (6*6./7 + 3*3./4 + 2*2./3) / 11
	e := estimate(t, "workload={users: 3, notifications_per_user: 3168, user_skew: 1}", "claims.service.instances=1",
		"preferences={l1: {entries: 3, ttl: 100s}, l2: {ttl: 100s}}", "redis.hot_users=0")
	checkFigures(t, e, map[string]units.Range{
		"preferences.l1.hit_ratio":   units.Exactly(hits),
		"preferences.l2.hit_ratio":   units.Exactly(hits),
		"preferences.l1.held":        units.Exactly(1),
		"preferences.l2.held":        units.Exactly(0),
		"preferences.hit_ratio":      units.Exactly(hits),
		"preferences.database_reads": units.Exactly(.11 * (1 - hits)),
	})
	// In bursts of two each user has half the reads in that time, and one of two
	// is answered anyway.
	e = estimate(t, "workload={users: 3, notifications_per_user: 3168, user_skew: 1, burst: 2}", "claims.service.instances=1",
		"preferences={l1: {entries: 3, ttl: 100s}, l2: {ttl: 100s}}")
	checkFigures(t, e, map[string]units.Range{
		"preferences.l1.hit_ratio": units.Exactly(1 - (6/8.+3/5.+2/4.)/11),
	})
}

// With the skew that is usual on the web, the caches of the reference answer
// more, and still not what is promised.
func TestSkewHelpsTheReference(t *testing.T) {
	even, skewed := estimate(t), estimate(t, "workload.user_skew=1")
	for _, id := range []string{
		"preferences.l1.hit_ratio", "preferences.l1.hit_ratio.design", "preferences.l2.hit_ratio", "preferences.l2.hit_ratio.design",
		"preferences.l1.held", "preferences.l2.held", "preferences.hit_ratio",
	} {
		was, _ := even.Figure(id)
		is, _ := skewed.Figure(id)
		if is.Value() <= was.Value() || is.Value() >= .95 {
			t.Errorf("%s goes from %v to %v", id, was.Value(), is.Value())
		}
	}
}

// Of ranges of skews, users and the caches' other inputs follow ranges of hits,
// in which those of the plans within lie.
func TestRangesOfSkewedPlans(t *testing.T) {
	estimate := func(t *rapid.T, assignments []string) *planner.Estimate {
		p, err := planner.Load(planner.Document{Assignments: assignments})
		if err != nil {
			t.Fatal(err)
		}
		e, err := planner.NewEstimate(p)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	rapid.Check(t, func(t *rapid.T) {
		var wide, within []string
		draw := func(path, unit string, low, high float64) {
			a, b := rapid.Float64Range(low, high).Draw(t, path), rapid.Float64Range(low, high).Draw(t, path+" too")
			a, b = min(a, b), max(a, b)
			wide = append(wide, fmt.Sprintf("%s=%v..%v%s", path, a, b, unit))
			within = append(within, fmt.Sprintf("%s=%v%s", path, a+(b-a)*rapid.Float64Range(0, 1).Draw(t, "where"), unit))
		}
		draw("workload.user_skew", "", 0.01, 5)
		draw("workload.burst", "", 1, 30)
		draw("workload.notifications_per_user", "", 0.1, 1000)
		draw("preferences.l1.ttl", "s", 1, 1e4)
		draw("preferences.l2.ttl", "s", 1, 1e6)
		users := rapid.IntRange(1, 1e9).Draw(t, "users")
		more := users * rapid.IntRange(1, 1000).Draw(t, "times")
		wide = append(wide, fmt.Sprintf("workload.users=%d..%d", users, more))
		within = append(within, fmt.Sprintf("workload.users=%d", rapid.IntRange(users, more).Draw(t, "users within")))
		outer, inner := estimate(t, wide), estimate(t, within)
		for i, d := range inner.Figures {
			if o := outer.Figures[i].Range; d.Unit == units.Ratio && (d.Range.Low < o.Low-1e-8 || d.Range.High > o.High+1e-8) {
				t.Fatalf("%s: %v is not within %v", d.ID, d.Range, o)
			}
		}
	})
}
