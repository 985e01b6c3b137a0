package baseline

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/scenarios"
)

func of[T any](v T) *T { return &v }

// run is a run of two minutes whose latencies are about so many milliseconds, and
// vary by so much of it from second to second.
func run(p99, varies float64, seed uint64) *scenarios.Result {
	random := rand.New(rand.NewPCG(seed, 1))
	r := &scenarios.Result{
		Scenario: "steady", RateScale: 0.1, TimeScale: 0.01, Plan: scenarios.PlanName{Name: "reference", Hash: "00"},
		Environment: scenarios.Environment{CPUs: 2, OS: "linux", Arch: "amd64", Memory: of(uint64(8e9)), Embedded: true},
		Generator:   scenarios.Generator{Batch: 100, Users: 1000, Keys: "request", Seconds: 120},
		Stages:      []scenarios.StageResult{{Name: "hold", To: 120, Counts: scenarios.Counts{Offered: 120_000, Sent: 120_000, Accepted: 120_000}}},
		Ledger:      scenarios.Account{Accepted: 120_000, Lost: of(int64(0)), Duplicates: of(int64(0)), Dead: of(int64(0))},
		Timeline:    &scenarios.Timeline{Every: 1},
	}
	sum := 0.0
	for at := 1; at <= 120; at++ {
		v := p99 * math.Exp(varies*random.NormFloat64())
		sum += math.Log(v)
		r.Timeline.Points = append(r.Timeline.Points, scenarios.Point{
			At: float64(at), Offered: 1000, Sent: 1000, Accepted: 1000,
			Latency: &scenarios.Latencies{P50: v / 3, P90: v / 2, P95: v / 1.5, P99: v, Max: v * 2}, ServiceP99: of(v * 0.9),
		})
	}
	whole := math.Exp(sum / 120)
	r.Generator.Latency = &scenarios.Latencies{P50: whole / 3, P90: whole / 2, P95: whole / 1.5, P99: whole, Max: whole * 2}
	r.Generator.Service = &scenarios.Latencies{P50: whole / 4, P99: whole * 0.9}
	return r
}

func one(r *scenarios.Result) []*scenarios.Result { return []*scenarios.Result{r} }

func changeOf(t *testing.T, c *Comparison, metric string) Change {
	t.Helper()
	for _, change := range c.Changes {
		if change.Metric == metric {
			return change
		}
	}
	t.Fatalf("%s was not compared: %+v", metric, c)
	return Change{}
}

func TestWhatMoved(t *testing.T) {
	several := func(p99 ...float64) []*scenarios.Result {
		var runs []*scenarios.Result
		for i, v := range p99 {
			runs = append(runs, run(v, 0.01, uint64(i)))
		}
		return runs
	}
	for _, c := range []struct {
		name          string
		before, after []*scenarios.Result
		want          Verdict
		outcome       Outcome
	}{
		{"itself", one(run(10, 0.2, 1)), one(run(10, 0.2, 1)), Same, Unchanged},
		{"another of the same", one(run(10, 0.2, 1)), one(run(10, 0.2, 2)), Same, Unchanged},
		{"half as slow again", one(run(10, 0.2, 1)), one(run(15, 0.2, 2)), Worse, Regressed},
		{"a third faster", one(run(15, 0.2, 1)), one(run(10, 0.2, 2)), Better, Improved},
		{"within the tolerance", one(run(10, 0.01, 1)), one(run(10.9, 0.01, 2)), Same, Unchanged},
		{"slower, but no more than it varies", one(run(10, 1.5, 1)), one(run(13, 1.5, 3)), Noise, Unchanged},
		{"several that agree", several(10, 10.1, 9.9), several(12.9, 13, 13.1), Worse, Regressed},
		{"several that do not", several(10, 10.1, 9.9), several(9, 13, 18), Noise, Unchanged},
		{"one against several that agree", several(10, 10.1, 9.9), one(run(14, 0.01, 9)), Worse, Regressed},
		{"one against several that do not", several(8, 10, 14), one(run(14, 0.01, 9)), Noise, Unchanged},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Compare(c.before, c.after, DefaultTolerance)
			change := changeOf(t, got, "latency.p99")
			if change.Verdict != c.want || got.Outcome != c.outcome {
				t.Errorf("%s, and the outcome is %s; want %s and %s: %+v (%g to %g)", change.Verdict, got.Outcome, c.want, c.outcome, change, *change.Low, *change.High)
			}
		})
	}
}

// TestWelch holds the interval of several runs a side to a published example: B. L.
// Welch's test of two samples, as R's t.test computes it for the sleep data of
// Student (1908): the groups' means differ by 1.58, 95 % interval -0.2055 to 3.3655.
func TestWelch(t *testing.T) {
	first := []float64{0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0}
	second := []float64{1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4}
	center, half, known := spread(first, second)
	if !known || math.Abs(center-1.58) > 1e-9 || math.Abs(center-half+0.2054832) > 1e-5 || math.Abs(center+half-3.3654832) > 1e-5 {
		t.Errorf("%g within %g to %g", center, center-half, center+half)
	}
}

// TestNoiseOfSingleRuns counts how often two runs of the same are told apart, when
// what a second measures depends on the seconds before: about as seldom as the
// interval promises.
func TestNoiseOfSingleRuns(t *testing.T) {
	m := latencyMetric("latency.p99", func(l *scenarios.Latencies) float64 { return l.P99 })
	correlated := func(seed uint64) *scenarios.Result {
		random := rand.New(rand.NewPCG(seed, 7))
		r, level := run(10, 0, seed), 0.0
		for i := range r.Timeline.Points {
			level = 0.6*level + 0.2*random.NormFloat64()
			r.Timeline.Points[i].Latency = &scenarios.Latencies{P99: 10 * math.Exp(level)}
		}
		return r
	}
	const pairs = 400
	apart := 0
	for i := range uint64(pairs) {
		center, half, known := m.side(correlated(2*i), correlated(2*i+1))
		if !known {
			t.Fatal("the noise is unknown")
		}
		if math.Abs(center) > half {
			apart++
		}
	}
	if apart > pairs/10 {
		t.Errorf("%d of %d pairs of the same are told apart", apart, pairs)
	}
}

func TestErrorsAndAccounts(t *testing.T) {
	before, after := run(10, 0.1, 1), run(10, 0.1, 1)
	after.Ledger.Lost = of(int64(1))
	got := Compare(one(before), one(after), DefaultTolerance)
	if change := changeOf(t, got, "lost"); change.Verdict != Worse || got.Outcome != Regressed {
		t.Errorf("one that was lost is %+v", change)
	}
	after = run(10, 0.1, 1)
	for i := range after.Timeline.Points {
		after.Timeline.Points[i].Accepted, after.Timeline.Points[i].Errors = 990, 10
	}
	after.Stages[0].Accepted, after.Stages[0].Errors = 118_800, 1200
	got = Compare(one(before), one(after), DefaultTolerance)
	if change := changeOf(t, got, "errors"); change.Verdict != Worse || change.By != 10_000 || !change.Absolute {
		t.Errorf("errors where there were none are %+v", change)
	}
	after = run(10, 0.1, 1)
	after.Timeline.Points[50].Errors = 10 // a moment's, in a run without
	after.Stages[0].Errors = 10
	got = Compare(one(before), one(after), DefaultTolerance)
	if change := changeOf(t, got, "errors"); change.Verdict != Noise || got.Outcome != Unchanged {
		t.Errorf("a moment's errors are %+v", change)
	}
}

func TestWithoutACourseNothingIsSure(t *testing.T) {
	before, after := run(10, 0.1, 1), run(30, 0.1, 2)
	before.Timeline = nil
	got := Compare(one(before), one(after), DefaultTolerance)
	if change := changeOf(t, got, "latency.p99"); change.Verdict != Noise || change.Low != nil || got.Outcome != Unchanged {
		t.Errorf("three times as slow, and nothing says how much it varies: %+v", change)
	}
}

func TestRunsOfSomethingElseAreRefused(t *testing.T) {
	for _, c := range []struct {
		change func(*scenarios.Result)
		want   string
	}{
		{func(r *scenarios.Result) { r.Scenario = "peak" }, "the scenario is peak, and was steady"},
		{func(r *scenarios.Result) { r.Plan.Hash = "01" }, "the plan is reference 01, and was reference 00"},
		{func(r *scenarios.Result) { r.RateScale = 1 }, "the rate scale is 1, and was 0.1"},
		{func(r *scenarios.Result) { r.TimeScale = 1 }, "the time scale is 1, and was 0.01"},
		{func(r *scenarios.Result) { r.Generator.Batch = 1 }, "the batch is 1, and was 100"},
		{func(r *scenarios.Result) { r.Shard = &scenarios.Shard{Index: 1, Of: 4} }, "the shard is 1 of 4, and was the whole"},
		{func(r *scenarios.Result) { r.Stages[0].Offered = 60_000 }, "the load is another"},
		{func(r *scenarios.Result) { r.Stages[0].Unsent = 1 }, "ended early"},
		{func(r *scenarios.Result) { r.Environment.CPUs = 8 }, "number of CPUs is 8, and was 2"},
		{func(r *scenarios.Result) { r.Environment.CPU = "another" }, "the machine's CPU is another"},
		{func(r *scenarios.Result) { r.Environment.Memory = of(uint64(32e9)) }, "memory is 32 GB, and was 8 GB"},
		{func(r *scenarios.Result) { r.Environment.Arch = "arm64" }, "the platform is linux/arm64"},
		{func(r *scenarios.Result) { r.Environment.Embedded = false }, "generator's process"},
		{func(r *scenarios.Result) { r.Environment.Engines = map[string]string{"intake": "kafka"} }, "intake on kafka"},
	} {
		other := run(50, 0.1, 2)
		c.change(other)
		got := Compare(one(run(10, 0.1, 1)), []*scenarios.Result{run(10, 0.1, 3), other}, DefaultTolerance)
		if got.Outcome != Refused || !strings.Contains(got.Why, c.want) || len(got.Changes) > 0 {
			t.Errorf("%s, %q; want it refused with %q", got.Outcome, got.Why, c.want)
		}
	}
	slightlyLess := run(10, 0.1, 2)
	slightlyLess.Environment.Memory = of(uint64(7.9e9))
	if got := Compare(one(run(10, 0.1, 1)), one(slightlyLess), DefaultTolerance); got.Outcome == Refused {
		t.Errorf("what a kernel keeps for itself is another machine: %s", got.Why)
	}
}

func TestNoBaselineIsAnOutcomeOfItsOwn(t *testing.T) {
	if got := Compare(nil, one(run(10, 0.1, 1)), DefaultTolerance); got.Outcome != NoBaseline || got.Why == "" {
		t.Errorf("%+v", got)
	}
}

// TestARunAgainstItself: whatever a run measured, it differs from itself in
// nothing; and what got worse one way got better the other.
func TestARunAgainstItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) *scenarios.Result {
			r := run(rapid.Float64Range(0.01, 1e5).Draw(t, label), rapid.Float64Range(0, 2).Draw(t, label+" varies"), rapid.Uint64().Draw(t, label+" seed"))
			r.Ledger.Lost = of(rapid.Int64Range(0, 3).Draw(t, label+" lost"))
			r.Timeline.Points = r.Timeline.Points[:rapid.IntRange(0, 120).Draw(t, label+" points")]
			return r
		}
		a, b := draw("a"), draw("b")
		if got := Compare(one(a), one(a), 0); got.Outcome != Unchanged || got.Moved(Same) != len(got.Changes) || len(got.Changes) == 0 {
			t.Fatalf("a run differs from itself: %+v", got)
		}
		there, back := Compare(one(a), one(b), 0), Compare(one(b), one(a), 0)
		for i := range there.Changes {
			x, y := there.Changes[i], back.Changes[i]
			if (x.Verdict == Worse) != (y.Verdict == Better) || (x.Verdict == Better) != (y.Verdict == Worse) {
				t.Fatalf("%s is %s, and back %s", x.Metric, x.Verdict, y.Verdict)
			}
			if x.Low != nil && *x.Low > *x.High {
				t.Fatalf("the interval of %s is from %g to %g", x.Metric, *x.Low, *x.High)
			}
		}
		wide := Compare(one(a), one(b), 1e9)
		if wide.Moved(Worse) > 0 && *a.Ledger.Lost >= *b.Ledger.Lost {
			t.Fatalf("beyond any tolerance: %+v", wide)
		}
	})
}
