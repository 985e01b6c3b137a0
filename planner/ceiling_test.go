package planner

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/planner/units"
)

// madeUpCeilings evaluates ceilings over figures of a test's own, in the
// reference plan.
func madeUpCeilings(t *testing.T, growth forecast, figures []Figure, ceilings ...ceiling) []Ceiling {
	t.Helper()
	v, err := evaluate(Reference(), figures)
	if err != nil {
		t.Fatal(err)
	}
	return v.bind(ceilings, growth)
}

// wholesOf is a figure that counts things of a capacity each.
func wholesOf(id string, each float64, of Input) Figure {
	return Figure{ID: id, Inputs: []Input{of}, Compute: func(in []float64) float64 { return wholes(in[0] / each) }}
}

// near reports whether two values are the same but for rounding.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b)) }

func TestCeilingsAreFoundInTheirOrder(t *testing.T) {
	const lead = "growth.lead_times.kafka" // two weeks
	growth := forecast{from: day(t, "2026-11-24"), rate: 0.5, years: 2, peak: 36_000}
	got := madeUpCeilings(t, growth,
		[]Figure{
			sum("store.users", key("workload.users")), // 100M
			sum("front.rate", key("workload.design_rate")),
			wholesOf("front.instances", 1000, figure("front.rate")),
			sum("front.zones", key("kafka.zones")),
			sum("store.nodes", key("kafka.brokers")),
			{ID: "store.room", Inputs: []Input{key("gateway.max")}, Safe: Low, Compute: func(in []float64) float64 { return in[0] * 6e5 }},
		},
		ceiling{title: "never", need: "front.zones", capacity: key("kafka.brokers"), lead: lead},
		ceiling{title: "stepped", need: "front.instances", capacity: key("gateway.max"), driver: byRate, lead: lead},
		ceiling{title: "always", need: "store.nodes", capacity: key("kafka.zones"), driver: byVolume, lead: lead},
		ceiling{title: "volume", need: "store.users", capacity: figure("store.room"), driver: byVolume, lead: lead},
		ceiling{title: "shared", need: "front.rate", capacity: key("growth.current_peak"), share: key("service_levels.utilisation"), driver: byRate, lead: lead},
	)
	// By hand:
	// always   12 nodes against 3 at any demand.
	// shared   50,000/s against 36,000/s x 70 %: 0.504. Its need at the tightest's 0 is none.
	// volume   100M against 200 x 600,000 = 120M: 1.2, ln 1.2 / ln 1.5 = 0.44966 years,
	//          of 365 days 164.1: 2027-05-07, two weeks before which is 2027-04-23.
	// stepped  50 against 200: 4, which the growth of two years does not reach.
	for i, want := range []Ceiling{
		{Title: "always", Given: "kafka.zones", Need: 12, Capacity: 3, Share: 1, Factor: 0, Needed: 12, FlipsAt: 12, Date: growth.from, OrderBy: day(t, "2026-11-10")},
		{Title: "shared", Given: "growth.current_peak", Need: 50_000, Capacity: 36_000, Share: 0.7, Factor: 0.504, Needed: 50_000 / 0.7, Date: growth.from, OrderBy: day(t, "2026-11-10")},
		{Title: "volume", Given: "store.room", Need: 100e6, Capacity: 120e6, Share: 1, Factor: 1.2, Needed: 100e6, Date: day(t, "2027-05-07"), OrderBy: day(t, "2027-04-23")},
		{Title: "stepped", Given: "gateway.max", Need: 50, Capacity: 200, Share: 1, Factor: 4, Needed: 50},
		{Title: "never", Given: "kafka.brokers", Need: 3, Capacity: 12, Share: 1, Factor: greatestDemand, Never: true, Needed: 3, FlipsAt: 3},
	} {
		c := got[i]
		if c.Title != want.Title || c.Given != want.Given || c.Never != want.Never || c.Date != want.Date || c.OrderBy != want.OrderBy {
			t.Errorf("%d: %+v, want %+v", i, c, want)
		}
		for name, pair := range map[string][2]float64{
			"need": {c.Need, want.Need}, "capacity": {c.Capacity, want.Capacity}, "share": {c.Share, want.Share},
			"needed": {c.Needed, want.Needed},
		} {
			if !near(pair[0], pair[1]) {
				t.Errorf("%s: %s %v, want %v", c.Title, name, pair[0], pair[1])
			}
		}
		if !near(c.Factor, want.Factor) && (i != 3 || math.Abs(c.Factor-4) > 1e-9) {
			t.Errorf("%s: factor %v, want %v", c.Title, c.Factor, want.Factor)
		}
		if i == 0 && c.FlipsAt != want.FlipsAt {
			t.Errorf("%s: flips at %v, want %v", c.Title, c.FlipsAt, want.FlipsAt)
		}
	}
}

// With the capacity at which the order flips, the two that change places break
// together.
func TestOrderFlipsWhereItIsSaid(t *testing.T) {
	figures := []Figure{sum("a.load", key("workload.design_rate")), sum("b.load", key("workload.design_rate"))}
	limits := []ceiling{
		{need: "a.load", capacity: key("growth.current_peak"), driver: byRate, lead: "growth.lead_times.kafka"},
		{need: "b.load", capacity: key("redis.bytes_per_user"), driver: byRate, lead: "growth.lead_times.kafka"},
	}
	v, err := evaluate(Reference(), figures)
	if err != nil {
		t.Fatal(err)
	}
	growth := forecast{peak: 1}
	before := v.bind(limits, growth)
	if before[0].Given != "redis.bytes_per_user" || !near(before[0].FlipsAt, 36_000) || !near(before[1].FlipsAt, 5000) {
		t.Fatalf("%+v", before)
	}
	for _, tt := range []struct {
		capacity float64
		tightest string
	}{{0.999, "redis.bytes_per_user"}, {1.001, "growth.current_peak"}} {
		changed, err := v.with(map[Input]units.Range{key("redis.bytes_per_user"): units.Exactly(before[0].FlipsAt * tt.capacity)})
		if err != nil {
			t.Fatal(err)
		}
		if after := changed.bind(limits, growth); after[0].Given != tt.tightest {
			t.Errorf("at %v of it, %s binds, want %s", tt.capacity, after[0].Given, tt.tightest)
		}
	}
}

// The most that fits does fit, and a little more does not.
func TestLargestIsTheEdge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		edge := math.Pow(10, rapid.Float64Range(-17, 5.9).Draw(t, "edge"))
		got, never := largest(func(factor float64) bool { return factor <= edge })
		if never || got > edge || got < edge*(1-1e-12) {
			t.Fatalf("%v, never %v, want %v", got, never, edge)
		}
	})
	if _, never := largest(func(float64) bool { return true }); !never {
		t.Error("what always fits breaks")
	}
	if factor, never := largest(func(float64) bool { return false }); never || factor != 0 {
		t.Errorf("what never fits holds up to %v", factor)
	}
}

// What a probe computes is what a valuation of the whole plan computes.
func TestProbeAgreesWithAWholeValuation(t *testing.T) {
	p := Reference()
	v, err := evaluate(p, figures(p.choices()))
	if err != nil {
		t.Fatal(err)
	}
	probe := newProbe(v)
	for _, factor := range []float64{0.013, 1, 3.7, 1} {
		whole, err := v.scaled(factor)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range v.model.figures {
			got := probe.of(safeInput{figure(f.ID), High}, safeInput{figure(f.ID), Low})(factor)
			if want := whole.rangeOf(figure(f.ID)); got[0] != want.High || got[1] != want.Low {
				t.Errorf("%s at %v: %v..%v, want %v", f.ID, factor, got[1], got[0], want)
			}
		}
	}
}

// Each ceiling of the planner names what there is, and says what to do.
func TestCeilingsHoldTogether(t *testing.T) {
	p := Reference()
	v, err := evaluate(p, figures(p.choices()))
	if err != nil {
		t.Fatal(err)
	}
	titles := make(map[string]bool)
	for _, c := range ceilings() {
		v.slot(figure(c.need)) // or a panic
		v.slot(c.capacity)
		v.slot(key(c.lead))
		if c.share.ID != "" {
			v.slot(c.share)
		}
		if c.title == "" || c.action == "" || titles[c.title] {
			t.Errorf("%s: title %q, action %q, or the title stands twice", c.need, c.title, c.action)
		}
		titles[c.title] = true
	}
}

func TestDatesAreOfTheCalendar(t *testing.T) {
	f := forecast{from: day(t, "2026-11-24"), rate: 0.5, years: 2}
	for _, tt := range []struct {
		factor float64
		want   string
	}{
		{0.5, "2026-11-24"},              // broken already
		{1, "2026-11-24"},                // as soon as it grows
		{50.0 / 36, "2027-09-15"},        // ln 1.38889 / ln 1.5 = 0.81019 years: 295.7 of 365 days
		{75.0 / 36, "2028-09-15"},        // a year more: 296.5 of the 366 days of a leap year
		{1.838, "2028-05-25"},            // 1.50119 years: 183.4 of 366 days
		{2.2501, ""}, {1e6, ""}, {9, ""}, // not within two years
	} {
		got, ok := f.passes(tt.factor)
		if ok != (tt.want != "") || ok && got.String() != tt.want {
			t.Errorf("%v: %v %v, want %q", tt.factor, got, ok, tt.want)
		}
	}
	f.rate = 0
	if got, ok := f.passes(1); ok {
		t.Errorf("without growth, what holds breaks on %v", got)
	}
	if _, ok := f.passes(0.99); !ok {
		t.Error("without growth, what is broken is not")
	}
}

func TestMoments(t *testing.T) {
	from := day(t, "2026-11-24")
	for text, want := range map[string]string{
		"now": "2026-11-24", "1st quarter": "2027-02-24", "3rd quarter": "2027-08-24",
		"12th quarter": "2029-11-24", "2028-02-29": "2028-02-29",
	} {
		m, err := ParseMoment(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Date(from).String(); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{"3th quarter", "1nd quarter", "0th quarter", "100th quarter", "next year", "2027-13-01", ""} {
		if m, err := ParseMoment(text); err == nil {
			t.Errorf("%q is taken for %s", text, m)
		}
	}
}

// day reads a date of a test.
func day(t *testing.T, text string) Date {
	t.Helper()
	d, err := ParseDate(text)
	if err != nil {
		t.Fatal(fmt.Errorf("a test's date: %w", err))
	}
	return d
}
