package reports

import (
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/scenarios"
)

func rateOf(v float64) *float64 { return &v }

func TestCapacityFound(t *testing.T) {
	p99 := scenarios.Check{Name: "api p99", Subject: "latency.p99", Op: "<", Limit: 500, Measured: rateOf(612), Unit: "ms", Verdict: scenarios.Fail}
	for _, test := range []struct {
		found scenarios.Capacity
		want  string
	}{
		{scenarios.Capacity{Held: rateOf(7200), Failed: rateOf(7500), Tripped: []scenarios.Check{p99}, UpTo: 1e5}, "LIMIT   7,200/s held, 7,500/s did not: api p99 612 ms < 500 ms"},
		{scenarios.Capacity{Failed: rateOf(19), Tripped: []scenarios.Check{p99}, UpTo: 1e5}, "LIMIT   nothing held, 19/s did not: api p99 612 ms < 500 ms"},
		{scenarios.Capacity{Held: rateOf(1e5), UpTo: 1e5}, "NOT FOUND   up to 100,000/s all of it held"},
		{scenarios.Capacity{Held: rateOf(600), Unclear: rateOf(700), Why: "the generator sent 90 % of it", UpTo: 1e5}, "INCONCLUSIVE   at least 600/s held; of 700/s it cannot be told: the generator sent 90 % of it"},
		{scenarios.Capacity{Held: rateOf(600), Unclear: rateOf(700), Failed: rateOf(900), Why: "x", UpTo: 1e5}, "INCONCLUSIVE   at least 600/s held; 900/s did not; of 700/s it cannot be told: x"},
		{scenarios.Capacity{Held: rateOf(600), Failed: rateOf(700), Unclear: rateOf(900), Why: "x", UpTo: 1e5}, "LIMIT   600/s held, 700/s did not"},
		{scenarios.Capacity{Unclear: rateOf(10), Why: "x", UpTo: 1e5}, "INCONCLUSIVE   nothing held; of 10/s it cannot be told: x"},
		{scenarios.Capacity{Held: rateOf(600), Interrupted: true}, "INTERRUPTED   600/s held so far"},
	} {
		if got := CapacityFound(&test.found); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}

func TestCapacity(t *testing.T) {
	p99 := scenarios.Check{Name: "api p99", Subject: "latency.p99", Op: "<", Limit: 500, Measured: rateOf(612), Unit: "ms", Verdict: scenarios.Fail}
	late := scenarios.Check{Name: "errors", Subject: "errors", Op: "=", Verdict: scenarios.Inconclusive, Why: "only 90 % of the load was sent"}
	r := &scenarios.CapacityResult{
		Scenario: "steady", Profile: "smoke", Environment: scenarios.Environment{CPUs: 2, Embedded: true}, Seed: 7, Plateau: 10, LeftOut: []string{"no leak"},
		Capacity: scenarios.Capacity{Held: rateOf(1200), Failed: rateOf(2400), Tripped: []scenarios.Check{p99}, UpTo: 1e5, Steps: []scenarios.CapacityStep{
			{Rate: 1200, Verdict: scenarios.Pass, Achieved: 1, Latency: &scenarios.Latencies{P99: 6.1}},
			{Rate: 12_000, Verdict: scenarios.Fail, Achieved: 0.9, Saturated: true},
			{Rate: 2400, Verdict: scenarios.Fail, Achieved: 1, Tripped: []scenarios.Check{p99, late}},
			{Rate: 2400, Verdict: scenarios.Inconclusive, Achieved: 1, Tripped: []scenarios.Check{late}},
		}},
	}
	var b strings.Builder
	if err := Capacity(&b, r, Terminal{}, "out/capacity.json"); err != nil {
		t.Fatal(err)
	}
	const want = `steady   smoke: the most that holds, in steps of 10 s   embedded, 2 cores   seed 7

    ok     1,200/s   p99 6.1 ms
    FAIL  12,000/s   the generator sent 90 % of it
    FAIL   2,400/s   api p99 612 ms   < 500 ms, and 1 more
    ??     2,400/s   errors: only 90 % of the load was sent
    left out, being about stages or slopes: no leak

LIMIT   1,200/s held, 2,400/s did not: api p99 612 ms < 500 ms   out/capacity.json
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
