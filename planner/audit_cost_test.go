package planner_test

import (
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/planner"
)

func TestCostFindings(t *testing.T) {
	const none = planner.Severity(0)
	checkFindings(t, "cost", []findingCase{
		{"the reference", nil, "providers-left-out", planner.Warning, 50_000, 36_443_200},
		{"both stated", []string{"claims.cost.providers=$36M/month"}, "providers-left-out", none, 0, 0},
		{"push alone, which is free", []string{"workload.channels={push: 100%}"}, "providers-left-out", none, 0, 0},

		{"the reference", nil, "infrastructure-cost", planner.Warning, 50_000, 42_709.89053074},
		// 4 brokers, 1 shard and the like suffice for a small load, and cost about what is stated.
		{"the right claim for both", append(smallPlan(), "claims.cost.infrastructure=$1K..$100K/month"), "infrastructure-cost", none, 0, 0},

		{"the reference", nil, "unit-cost-rises", planner.Warning, 1000, 1200},
		{"a unit that gets cheaper", []string{"growth.steps=[{at: now, capacity: 75K/s, cost: $70K/month}]"}, "unit-cost-rises", none, 0, 0},
		{"nothing to compare", []string{"growth.steps=[{at: now, capacity: 75K/s}]"}, "unit-cost-rises", none, 0, 0},

		{"the reference", nil, "savings-not-additive", planner.Warning, 0.9, 0.664},
		{"two savings", []string{"savings={batching: 50%, cold_storage: 50%, reserved: 0%}"}, "savings-not-additive", planner.Warning, 1, 0.75},
		{"one saving", []string{"savings={batching: 7%, cold_storage: 0%, reserved: 0%}"}, "savings-not-additive", none, 0, 0},

		{"as much as they save", []string{"savings={batching: 7%, cold_storage: 11%, reserved: 15%}"}, "savings-beyond-share", none, 0, 0},

		{"the reference, 876 days after 2024-07-01", nil, "stale-prices", planner.Warning, 180 * 86_400, 876 * 86_400},
		{"patience", []string{"prices.max_age=900d"}, "stale-prices", none, 0, 0},

		{"contracts", []string{"prices.overrides={twilio.sms.segment: $0.008, twilio.sms.carrier: $0.003}"}, "doubtful-prices", none, 0, 0},
	})
}

// What the findings say holds the numbers that make them plain.
func TestCostFindingsSay(t *testing.T) {
	messages := make(map[string]string)
	for _, f := range estimate(t).Findings {
		if f.Component == "cost" {
			messages[f.Rule] = f.Message + " / " + f.Remedy
		}
	}
	for rule, words := range map[string][]string{
		"providers-left-out":   {"$36,393,200", "$35,400,000 for 3,000,000,000 by sms", "$993,200", "$0 for", "0.137 %", "sendgrid", "$4,041,000"},
		"unit-cost-rises":      {"$1,000 at 50,000/s", "$1,067 at 75,000/s", "$1,200 at 100,000/s"},
		"savings-not-additive": {"30 %, 20 % and 40 %", "70 % x 80 % x 60 % = 33.6 %", "66.4 %"},
		"savings-beyond-share": {"batching saves", "cold storage saves", "reserved saves", "not 40 %"},
		"stale-prices":         {"nat.hour", "2024-07-01"},
		"doubtful-prices":      {"SMS segments $24,900,000", "between $7,500,000 and $18,600,000", "97.2 %"},
	} {
		for _, w := range words {
			if !strings.Contains(messages[rule], w) {
				t.Errorf("%s says %q, want %q in it", rule, messages[rule], w)
			}
		}
	}
}
