package scenarios

import (
	"strings"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

// judgeAll judges expectations by evidence.
func judgeAll(t *testing.T, expectations []Expectation, e *evidence, required ...string) []Check {
	t.Helper()
	list, err := expectedOf(expectations, required, 1)
	if err != nil {
		t.Fatal(err)
	}
	checks := make([]Check, len(list))
	for i := range list {
		checks[i] = e.judge(&list[i])
	}
	return checks
}

// TestDoubt: when the load that was sent is not the load that was planned.
func TestDoubt(t *testing.T) {
	ms := time.Millisecond
	for _, test := range []struct {
		name                     string
		sent, dropped, held      uint64 // requests; held are dropped because of the target
		late, lateHeld           uint64
		p99                      time.Duration
		latency, achieved, total Verdict
	}{
		{"as planned", 1000, 0, 0, 0, 0, 100 * ms, Pass, Pass, Pass},
		{"slow", 1000, 0, 0, 0, 0, 700 * ms, Fail, Pass, Fail},
		{"a few late", 1000, 0, 0, 9, 0, 700 * ms, Fail, Pass, Fail},
		{"late by the generator, and slow", 1000, 0, 0, 50, 0, 700 * ms, Inconclusive, Pass, Inconclusive},
		{"late by the generator, and fast all the same", 1000, 0, 0, 50, 0, 100 * ms, Pass, Pass, Pass},
		{"late by the target, and slow", 1000, 0, 0, 500, 500, 700 * ms, Fail, Pass, Fail},
		{"dropped by the generator", 900, 100, 0, 0, 0, 100 * ms, Inconclusive, Inconclusive, Inconclusive},
		{"dropped by the generator, and slow", 900, 100, 0, 0, 0, 700 * ms, Inconclusive, Inconclusive, Inconclusive},
		{"dropped by the target", 900, 100, 100, 900, 900, 1000 * ms, Fail, Fail, Fail},
		{"dropped by the target, what was sent was fast", 900, 100, 100, 0, 0, 100 * ms, Inconclusive, Fail, Fail},
	} {
		report := &load.Report{Late: test.late, LateHeld: test.lateHeld, DroppedHeld: test.held}
		report.Total.Offered, report.Total.Sent, report.Total.Dropped = test.sent+test.dropped, test.sent, test.dropped
		report.Response = load.Latency{Count: test.sent, P99: test.p99}
		checks := judgeAll(t, []Expectation{
			{Name: "latency", Metric: "latency.p99", Op: "<", Limit: 500},
			{Name: "achieved", Metric: "achieved", Op: ">=", Limit: 99},
		}, &evidence{load: report, batch: 1})
		if checks[0].Verdict != test.latency || checks[1].Verdict != test.achieved || overall(checks) != test.total {
			t.Errorf("%s: latency %s, achieved %s, in all %s", test.name, checks[0].Verdict, checks[1].Verdict, overall(checks))
		}
		for _, c := range checks {
			if c.Verdict == Inconclusive && c.Why == "" {
				t.Errorf("%s: %s is inconclusive without a reason", test.name, c.Name)
			}
		}
	}
}

func TestNothingObservedIsInconclusive(t *testing.T) {
	checks := judgeAll(t, []Expectation{{Name: "lost", Metric: "lost", Op: "=", Limit: 0}},
		&evidence{load: &load.Report{}, over: true, account: (&books{accepted: roaring.New(), noOutcomes: "nobody said it"}).settle()})
	if c := checks[0]; c.Verdict != NotObserved || c.Measured != nil || c.Why != "nobody said it" {
		t.Errorf("check %+v", c)
	}
	if overall(checks) != Inconclusive || overall(nil) != Inconclusive {
		t.Error("a run without an observed check is not inconclusive")
	}
}

func TestEveryComparison(t *testing.T) {
	for op, want := range map[string][3]bool{
		"<": {true, false, false}, "<=": {true, true, false}, ">": {false, false, true}, ">=": {false, true, true}, "=": {false, true, false},
	} {
		x := Expectation{Op: op, Limit: 2}
		for i, v := range []float64{1, 2, 3} {
			if x.holds(v) != want[i] {
				t.Errorf("%g %s 2 is %v", v, op, !want[i])
			}
		}
	}
}

// TestAccountBalances: whatever happened to each notification, the account by
// id says it.
func TestAccountBalances(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint32Range(0, 200).Draw(t, "n")
		b := &books{
			accepted: roaring.New(), outcomes: map[string]*roaring.Bitmap{},
			before: &api.Account{Ambiguous: 7}, after: &api.Account{Ambiguous: 9},
		}
		sent := roaring.New()
		var accepted, delivered, dead, lost, unacknowledged int64
		put := func(outcome string, sequence uint32) {
			if b.outcomes[outcome] == nil {
				b.outcomes[outcome] = roaring.New()
			}
			b.outcomes[outcome].Add(sequence)
		}
		for sequence := range n {
			known := rapid.Bool().Draw(t, "answered 202")
			if known {
				accepted++
				b.accepted.Add(sequence)
			}
			switch rapid.IntRange(0, 3).Draw(t, "fate") {
			case 0: // delivered
				put("delivered", sequence)
				sent.Add(sequence)
				if known {
					delivered++
				} else {
					unacknowledged++
				}
			case 1: // dead
				put("dead", sequence)
				if known {
					dead++
				} else {
					unacknowledged++
				}
			case 2: // vanished
				if known {
					lost++
				}
			case 3: // called delivered, and never sent
				put("delivered", sequence)
				if known {
					delivered++
					lost++
				} else {
					unacknowledged++
				}
			}
		}
		b.ledger = &mockproviders.Run{Complete: true, Providers: map[string]mockproviders.RunProvider{"fcm": {Sequences: sent}}}
		a := b.settle()
		if a.Accepted != accepted || *a.Delivered != delivered || *a.Dead != dead || *a.Lost != lost || *a.Unacknowledged != unacknowledged || *a.Ambiguous != 2 {
			t.Fatalf("account %+v, want accepted %d, delivered %d, dead %d, lost %d, unacknowledged %d", a, accepted, delivered, dead, lost, unacknowledged)
		}
	})
}

func TestLostWhileSomethingIsInFlight(t *testing.T) {
	of := func(n uint64) *roaring.Bitmap {
		b := roaring.New()
		b.AddRange(0, n)
		return b
	}
	for _, test := range []struct {
		ended    uint64 // of 100
		inFlight int64
		lost     int64 // -1 for nil
		atLeast  bool
	}{
		{100, 0, 0, false},
		{97, 0, 3, false},
		{97, 3, -1, false}, // the three may be those in flight
		{97, 1, 2, true},   // at most one of them is
		{100, 5, 0, false}, // somebody else's
	} {
		b := &books{
			accepted: of(100), outcomes: map[string]*roaring.Bitmap{"delivered": of(test.ended)},
			before: &api.Account{}, after: &api.Account{InFlight: test.inFlight},
			ledger: &mockproviders.Run{Complete: true, Providers: map[string]mockproviders.RunProvider{"fcm": {Sequences: of(test.ended)}}},
		}
		a := b.settle()
		got := int64(-1)
		if a.Lost != nil {
			got = *a.Lost
		}
		if got != test.lost || a.why["lost"].atLeast != test.atLeast {
			t.Errorf("%+v: lost %d, %+v", test, got, a.why["lost"])
		}
	}
}

func TestALedgerThatForgotSaysNothingOfDuplicates(t *testing.T) {
	b := &books{accepted: roaring.New(), ledger: &mockproviders.Run{}}
	if a := b.settle(); a.Duplicates != nil || a.why["duplicates"].missing == "" {
		t.Errorf("account %+v", a)
	}
	b.ledger.Total.Duplicates = 2
	if a := b.settle(); a.Duplicates == nil || *a.Duplicates != 2 {
		t.Errorf("account %+v", a)
	}
}

// reportOf is the report of a load that was sent as planned, and took so long.
func reportOf(elapsed time.Duration) *load.Report {
	r := &load.Report{Elapsed: elapsed}
	r.Total.Offered, r.Total.Sent = 1000, 1000
	r.Total.Kinds[load.Accepted] = 1000
	r.Response = load.Latency{Count: 1000, P99: 700 * time.Millisecond}
	return r
}

// TestAnIntervalIsBeyondALimitOrNotOrBoth.
func TestAnIntervalIsBeyondALimitOrNotOrBoth(t *testing.T) {
	for _, test := range []struct {
		op        string
		low, high float64
		want      Verdict
	}{
		{"<", -3, 9, Pass},
		{"<", 11, 40, Fail},
		{"<", -3, 40, Inconclusive},
		{">", 11, 40, Pass},
		{">", -3, 9, Fail},
		{">", -3, 40, Inconclusive},
	} {
		x := expected{Expectation: Expectation{Op: test.op, Limit: 10}}
		if got, why := x.compareInterval(confidence{test.low, test.high}); got != test.want || (why == "") != (got != Inconclusive) {
			t.Errorf("%g to %g %s 10: %s, %q", test.low, test.high, test.op, got, why)
		}
	}
}

// TestLateRequestsAreSlowAllTheSame when they took too long from the send, unless
// nobody could say for want of CPU who was slow.
func TestLateRequestsAreSlowAllTheSame(t *testing.T) {
	for _, test := range []struct {
		service time.Duration
		machine float64
		want    Verdict
	}{
		{100 * time.Millisecond, 0.5, Inconclusive},
		{690 * time.Millisecond, 0.5, Fail},
		{690 * time.Millisecond, 0.99, Inconclusive},
	} {
		r := reportOf(time.Minute)
		r.Late, r.Service = 500, load.Latency{Count: 1000, P99: test.service}
		check := judgeAll(t, []Expectation{{Name: "p99", Metric: "latency.p99", Op: "<", Limit: 500}}, &evidence{load: r, batch: 1, machine: &test.machine})[0]
		if check.Verdict != test.want {
			t.Errorf("%v from the send, %g of the machine: %+v", test.service, test.machine, check)
		}
	}
}

// TestWhatIsRequiredFailsUnseen.
func TestWhatIsRequiredFailsUnseen(t *testing.T) {
	lost := []Expectation{{Name: "lost", Metric: "lost", Op: "=", Limit: 0}}
	check := judgeAll(t, lost, &evidence{load: &load.Report{}, over: true, account: (&books{accepted: roaring.New(), noOutcomes: "nobody said it"}).settle()}, "lost")[0]
	if check.Verdict != Fail || check.Measured != nil || !strings.Contains(check.Why, "nobody said it") {
		t.Errorf("check %+v", check)
	}
	_, err := expectedOf(lost, []string{"found"}, 1)
	if err == nil || err.Error() != `no check is called "found", which is required; accepted are "lost"` {
		t.Errorf("a requirement that no check meets: %v", err)
	}
}

// TestBusyMocksProveNoFailure: a provider that is too busy to answer is not what it
// stands for.
func TestBusyMocksProveNoFailure(t *testing.T) {
	for busy, want := range map[float64]Verdict{0.5: Fail, 0.8: Inconclusive} {
		check := judgeAll(t, []Expectation{{Name: "p99", Metric: "latency.p99", Op: "<", Limit: 500}}, &evidence{load: reportOf(time.Minute), batch: 1, mock: busy})[0]
		if check.Verdict != want || (check.Why == "") != (want == Fail) {
			t.Errorf("busy %g: %+v", busy, check)
		}
	}
}

// TestASaturatedGeneratorGivesBounds.
func TestASaturatedGeneratorGivesBounds(t *testing.T) {
	r := reportOf(10 * time.Second)
	r.Total.Offered, r.Total.Dropped = 2000, 1000
	checks := judgeAll(t, []Expectation{
		{Name: "achieved", Metric: "achieved", Op: ">=", Limit: 99},
		{Name: "p99", Metric: "latency.p99", Op: "<", Limit: 500},
	}, &evidence{load: r, batch: 6})
	for _, c := range checks {
		if c.Verdict != Inconclusive || c.Bound == "" || !strings.Contains(c.Why, "only 50 % of the load was sent; the system takes at least 600/s") {
			t.Errorf("check %+v", c)
		}
	}
}

// TestEveryMetricAnswersWithoutEvidence: it says why there is none.
func TestEveryMetricAnswersWithoutEvidence(t *testing.T) {
	var m marks
	c := courseOf(t, &m)
	for _, watched := range []bool{false, true} {
		e := &evidence{load: &load.Report{}, batch: 1, course: c, marks: &m, over: true}
		if watched {
			c.begin(&api.Status{})
		}
		for _, metric := range metrics() {
			for _, during := range []string{"", "spike", Drain} {
				if r := metric.measure(e.view(during)); r.missing == "" && r.open == "" && metric.by != byClients {
					t.Errorf("%s during %q, watched %v: %+v", metric.name, during, watched, r)
				}
			}
			if metric.windowless || metric.by == byAccount {
				continue
			}
			if r := metric.measure(c.viewOf(&interval{})); r.missing == "" && r.open == "" && metric.by == bySystem {
				t.Errorf("%s in an empty window: %+v", metric.name, r)
			}
		}
	}
}
