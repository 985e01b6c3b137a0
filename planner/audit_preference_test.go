package planner_test

import (
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/planner"
)

func TestPreferenceFindings(t *testing.T) {
	const none = planner.Severity(0)
	// One read of a user in 8640 s: x is 300/8640 in Redis, 60/8640/50 in one of
	// 50 services.
	const l1, l2 = 1 / (1 + 50*8640/60.), 1 / (1 + 8640/300.)
	checkFindings(t, "preferences", []findingCase{
		{"the reference", nil, "l1-hits-out-of-reach", planner.Error, .4, l1},
		{"the right claim", []string{"claims.preferences.l1.hit_ratio=0.0139%"}, "l1-hits-out-of-reach", none, 0, 0},
		{"bursts", []string{"workload.burst=2"}, "l1-hits-out-of-reach", none, 0, 0},

		{"the reference", nil, "l2-hits-out-of-reach", planner.Error, .55, l2},
		{"entries for 3 h", []string{"preferences.l2.ttl=3h"}, "l2-hits-out-of-reach", none, 0, 0},
		{"a modest claim", []string{"claims.preferences.l2.hit_ratio=3%"}, "l2-hits-out-of-reach", none, 0, 0},

		{"the reference", nil, "promised-hits-out-of-reach", planner.Error, .95, l2},
		{"entries for two days, for all users", []string{"preferences.l2.ttl=45.7h", "redis.hot_users=100M"}, "promised-hits-out-of-reach", none, 0, 0},
		{"entries for two days, for a fifth", []string{"preferences.l2.ttl=45.7h"}, "promised-hits-out-of-reach", planner.Error, .95, .2},
		{"bursts of 20", []string{"workload.burst=20"}, "promised-hits-out-of-reach", none, 0, 0},
		{"little promised", []string{"service_levels.cache_hit=3%"}, "promised-hits-out-of-reach", none, 0, 0},

		{"the reference", nil, "hot-users-too-few", planner.Error, .95, .2},
		{"most users hot", []string{"redis.hot_users=95M"}, "hot-users-too-few", none, 0, 0},
		{"bursts of 20", []string{"workload.burst=20"}, "hot-users-too-few", none, 0, 0},

		// 50,000/s / 50 x 60 s are read once each, but for .06 %.
		{"the reference", nil, "entries-end-early", planner.Info, 10_000, 59_965},
		{"room for all", []string{"preferences.l1.entries=60000"}, "entries-end-early", none, 0, 0},
	})
}

// What is promised of the caches, in words: 95 % takes entries for 45.6 h or
// bursts of 20, and the database sees 11.2K/s and 43.5K/s.
func TestPromisedHitsInWords(t *testing.T) {
	for _, f := range estimate(t).Findings {
		if f.Rule != "promised-hits-out-of-reach" {
			continue
		}
		for _, want := range []string{"answer 3.36 % of the reads of preferences, not 95 %", "11,186/s on average and 43,478/s", "not 579/s and 2,500/s"} {
			if !strings.Contains(f.Message, want) {
				t.Errorf("%q is not in: %s", want, f.Message)
			}
		}
		for _, want := range []string{"1.9 d with", "bursts of 20 to"} {
			if !strings.Contains(f.Remedy, want) {
				t.Errorf("%q is not in: %s", want, f.Remedy)
			}
		}
	}
}
