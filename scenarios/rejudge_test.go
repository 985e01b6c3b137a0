package scenarios

import (
	"strings"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/scenarios/load"
)

// judgedBy are results of shards whose one check came out so.
func judgedBy(checks ...Check) []*Result {
	results := make([]*Result, len(checks))
	for i, c := range checks {
		results[i] = &Result{Generator: Generator{Batch: 10}, Checks: []Check{c}, Shard: &Shard{Index: i + 1, Of: len(checks)}}
	}
	return results
}

func measured(v float64, verdict Verdict, c Check) Check {
	c.Measured, c.Verdict = &v, verdict
	return c
}

// TestChecksOfShardsAreJudgedAnew: by what all clients saw together, by the whole
// account, or by what one of them was told of the system.
func TestChecksOfShardsAreJudgedAnew(t *testing.T) {
	latency := Check{Name: "p99", Subject: "latency.p99", Op: "<", Limit: 500, Unit: "ms"}
	window := Check{Name: "p99", Subject: "latency.p99", Op: "<", Limit: 500, Unit: "ms", Over: 30}
	until := func(at float64) Check {
		late := window
		late.At = &at
		return late
	}
	refused := Check{Name: "refused", Subject: "refused", Op: "<=", Limit: 100, Over: 30}
	lost := Check{Name: "lost", Subject: "lost", Op: "="}
	depth := Check{Name: "depth", Subject: "queue.depth", Op: "<", Limit: 1000}
	unseen := depth
	unseen.Verdict, unseen.Why = NotObserved, "nobody said it"
	report := reportOf(time.Minute)
	report.Response = load.Latency{Count: 1000, P99: 480 * time.Millisecond}
	two := int64(2)
	account := Account{Accepted: 1000, Lost: &two}
	for _, test := range []struct {
		name   string
		shards []Check
		want   Verdict
		value  float64
		bound  Bound
	}{
		{"one shard alone was slow, all together were not", []Check{measured(510, Fail, latency), measured(200, Pass, latency)}, Pass, 480, ""},
		{"what each lost adds up", []Check{measured(0, Pass, lost), measured(2, Fail, lost)}, Fail, 2, ""},
		{"the system told the second shard", []Check{unseen, measured(1200, Fail, depth)}, Fail, 1200, ""},
		{"no window was slow", []Check{measured(300, Pass, window), measured(400, Pass, window)}, Pass, 400, AtMost},
		{"windows of one shard were slow", []Check{measured(300, Pass, window), measured(600, Fail, window)}, Inconclusive, 600, AtMost},
		{"windows of all shards were slow", []Check{measured(700, Fail, window), measured(600, Fail, window)}, Fail, 700, AtMost},
		{"windows of all shards were slow, at other times", []Check{measured(700, Fail, until(40)), measured(600, Fail, until(70))}, Inconclusive, 700, AtMost},
		{"few were refused by any measure", []Check{measured(40, Pass, refused), measured(50, Pass, refused)}, Pass, 90, AtMost},
		{"more may have been refused at once", []Check{measured(60, Pass, refused), measured(50, Pass, refused)}, Inconclusive, 110, AtMost},
		{"one refused too many alone", []Check{measured(160, Fail, refused), measured(50, Pass, refused)}, Fail, 160, AtLeast},
	} {
		checks, err := rejudge(judgedBy(test.shards...), report, account)
		if err != nil {
			t.Fatal(err)
		}
		c := checks[0]
		if c.Verdict != test.want || c.Measured == nil || *c.Measured != test.value || c.Bound != test.bound || c.Verdict == Inconclusive && c.Why == "" {
			t.Errorf("%s: %s", test.name, asJSON(t, c))
		}
	}
}

// TestShardsOfOneScenarioAreJudged, and no others.
func TestShardsOfOneScenarioAreJudged(t *testing.T) {
	one := Check{Name: "p99", Subject: "latency.p99", Op: "<", Limit: 500, Unit: "ms"}
	other := one
	other.Limit = 400
	_, err := rejudge(judgedBy(one, other), reportOf(time.Second), Account{})
	if err == nil || !strings.Contains(err.Error(), `the 2. result has no check "p99" as the first has`) {
		t.Errorf("got %v", err)
	}
	unknown := Check{Name: "luck", Subject: "luck", Op: ">", Limit: 1}
	if _, err := rejudge(judgedBy(unknown), reportOf(time.Second), Account{}); err == nil {
		t.Error("a metric that nobody knows was judged")
	}
}

// TestWhatWasRequiredOfShardsStillIs.
func TestWhatWasRequiredOfShardsStillIs(t *testing.T) {
	lost := Check{Name: "lost", Subject: "lost", Op: "=", Verdict: Fail, Why: "it is required, and was not observed: nobody said it"}
	checks, err := rejudge(judgedBy(lost, lost), reportOf(time.Second), Account{})
	if err != nil || checks[0].Verdict != Fail {
		t.Errorf("%v, %+v", err, checks)
	}
}
