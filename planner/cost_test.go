package planner_test

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/units"
)

// checkValues compares the numbers to plan by of an estimate, to eight digits.
func checkValues(t *testing.T, e *planner.Estimate, want map[string]float64) {
	t.Helper()
	for id, w := range want {
		if d, ok := e.Figure(id); !ok || math.Abs(d.Value()-w) > 1e-8*w {
			t.Errorf("%s is %v, want %v", id, d.Value(), w)
		}
	}
}

// smallPlan is a plan that leaves nothing as the reference has it: other
// providers, volumes beside the machines, one region. Its bill is reckoned by
// hand in TestBill.
func smallPlan() []string {
	return []string{
		"workload={users: 1M, notifications_per_user: 3, design_rate: 1000/s, size: 1KiB, regions: 1}",
		"workload.spike={from: 10/s, to: 100/s}",
		"workload.channels={push: 50%, email: 30%, sms: 20%}",
		"gateway={rate_per_instance: 500/s, min: 2, max: 4}", "service={rate_per_instance: 1000/s, max: 9}",
		"workers={push: {min: 1, max: 9}, email: {min: 1, max: 9}, sms: {min: 1, max: 9}}",
		"kafka={brokers: 3, disk_per_broker: 1TiB}",
		"postgres={shards: 1, replicas: 1, disk_per_shard: 64GiB}",
		"cassandra={nodes: 3, disk_per_node: 100GiB}", "redis.nodes=3",
		"providers={push: {wire: single}, email: {charged: sendgrid}, sms: {primary: vonage, backup: twilio, wire: single}}",
		"prices.machines={kafka: m7g.large, cassandra: m7g.large, cassandra_disk: gp3, redis: r7g.large}",
		"prices.usage={push_size: 1KiB, email_size: 10KiB, sms_size: 512B}",
	}
}

func TestBill(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  []string
		want map[string]float64
	}{
		// The machines by the hour, 730 h; disks and traffic by 2^30 bytes.
		{"the reference", nil, map[string]float64{
			"volume.per_month":              30e9,
			"gateway.instances.average":     36,                // ceil(11,574 / 500) = 24, and a zone to lose
			"cost.gateway.machines":         36 * 730 * 0.145,  // 3,810.60
			"cost.gateway.machines.needed":  150 * 730 * 0.145, // 15,877.50
			"service.instances.average":     18,
			"cost.service.machines":         18 * 730 * 0.145,
			"workers.machines":              9, // 100 + 50 + 20 workers, 20 on each
			"workers.machines.unbatched":    39,
			"cost.workers.machines":         9 * 730 * 0.145,
			"cost.kafka.brokers":            12 * 730 * 0.408,                 // 3,574.08
			"cost.kafka.brokers.needed":     21 * 730 * 0.408,                 // by disk
			"cost.kafka.storage":            12 * 2e12 / (1 << 30) * 0.1,      // 2,235.17
			"cost.kafka.cross_zone":         60e12 * 4 / 3 / (1 << 30) * 0.02, // 1,490.12
			"cost.postgres.machines":        30 * 730 * 0.45,                  // 9,855
			"cost.postgres.storage":         30 * 100e9 / (1 << 30) * 0.115,
			"cost.postgres.backups":         10 * 100e9 / (1 << 30) * 0.095,
			"cost.cassandra.machines":       20 * 730 * 0.452, // 6,599.20
			"cost.cassandra.disks":          0,
			"cost.cassandra.cross_zone":     2 * 60e12 * 2 / (1 << 30) * 0.01,
			"cost.redis.machines":           6 * 730 * 0.437,
			"cost.network.balancers":        3 * 730 * 0.0225,
			"cost.network.nat":              9 * 730 * 0.045,
			"cost.network.nat_traffic":      109.5e12 / (1 << 30) * 0.045, // 18 TB push, 90 TB e-mail, 1.5 TB SMS
			"cost.network.egress":           10_240*0.09 + (19.5e12/(1<<30)-10_240)*0.085,
			"cost.providers.push":           0,
			"cost.providers.email":          1600 + 12_600 + 979_000,
			"cost.providers.sms":            24_900_000,
			"cost.providers.sms_carriers":   10_500_000,
			"cost.providers":                36_393_200,
			"cost.per_million.providers":    1213.10666667,
			"cost.undelivered.retries":      363_932,
			"cost.undelivered.failover_sms": 3e6 * 0.008,
			"cost.undelivered.failed_sms":   3e9 * (1 - 0.986) * 0.001, // 80 % x 99.5 % + 20 % x 95 %
			"volume.per_month.delivered":    30e9 * 0.986,
		}},
		// 90M a month of 1 KiB are 85.830688 GiB.
		{"a small plan", smallPlan(), map[string]float64{
			"cost.gateway":                2 * 730 * 0.145,
			"cost.service":                2 * 730 * 0.145,
			"cost.workers":                730 * 0.145,
			"cost.kafka.brokers":          3 * 730 * 0.204,
			"cost.kafka.storage":          307.2,
			"cost.kafka.cross_zone":       2.28881836,
			"cost.kafka":                  446.76 + 307.2 + 2.28881836,
			"cost.postgres":               657 + 14.72 + 6.08,
			"cost.cassandra.machines":     178.704,
			"cost.cassandra.disks":        24,
			"cost.cassandra.cross_zone":   3.43322754,
			"cost.redis":                  479.61,
			"cost.network.balancers":      16.425,
			"cost.network.nat":            98.55,
			"cost.network.nat_traffic":    13.9045715,
			"cost.network.egress":         27.8091431, // e-mail by SendGrid is egress, too
			"cost.network.cross_zone":     1.14440918,
			"cost.templates.reads":        0.864,
			"cost.providers.email":        12_123,
			"cost.providers.sms":          144_000,
			"cost.providers.sms_carriers": 63_000,
			"cost.providers":              219_123,
			"cost.infrastructure":         211.7 + 211.7 + 105.85 + 756.24881836 + 677.8 + 206.13722754 + 479.61 + 158.51976928 + 0.86507102,
			"cost.total":                  219_123 + 2808.43088620,
			"cost.per_million":            (219_123 + 2808.43088620) / 90,
			"cost.per_notification.push":  2808.43088620 / 90e6,
			"cost.per_notification.sms":   0.0115 + 2808.43088620/90e6,
			"cost.undelivered.failed_sms": 0,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { checkValues(t, estimate(t, tt.set...), tt.want) })
	}
}

// What the three optimisations save of the reference: each of what it acts on.
func TestSavings(t *testing.T) {
	checkValues(t, estimate(t), map[string]float64{
		"savings.batching":              30 * 730 * 0.145, // 39 machines become 9
		"savings.cold_storage.machines": 6599.2 * 23 / 30, // 23 of 30 days are cold
		"savings.cold_storage.size":     2e12 * 23 / 2.4,  // one copy, compressed
		"cost.savings.cold":             46e12 / 2.4 / (1 << 30) * 0.0125,
		"savings.cold_storage":          6599.2*23/30 - 46e12/2.4/(1<<30)*0.0125,
	})
	// With one gateway rate all is exact: 18 gateways on average become 20.
	e := estimate(t, "gateway.rate_per_instance=1000/s", "service.rate_per_instance=1000/s")
	machines := (20+18+9)*730*0.145 + 9855 + 6599.2 + 1914.06
	batching, cold := 3175.5, 6599.2*23/30
	checkValues(t, e, map[string]float64{
		"cost.machines":    machines,
		"savings.reserved": machines * 0.28,
		"savings.combined": batching + cold - 46e12/2.4/(1<<30)*0.0125 + (machines-batching-cold)*0.28,
	})
	checkValues(t, estimate(t, "savings.commitment=three_years", "gateway.rate_per_instance=1000/s", "service.rate_per_instance=1000/s"),
		map[string]float64{"savings.reserved": machines * 0.46})
	checkValues(t, estimate(t, "savings.cold_after=30d"), map[string]float64{"savings.cold_storage": 0})
}

// What is stated of the infrastructure stands beside what its parts come to.
func TestCostSteps(t *testing.T) {
	e := estimate(t)
	if len(e.Stated) != 3 {
		t.Fatalf("%d steps, want the claim and two of growth", len(e.Stated))
	}
	for i, want := range []planner.CostStep{{Rate: 50e3, Stated: 50e3}, {Rate: 75e3, Stated: 80e3}, {Rate: 100e3, Stated: 120e3}} {
		got := e.Stated[i]
		if got.Rate != want.Rate || got.Stated != want.Stated || got.Derived <= 0 {
			t.Errorf("step %d: %+v, want %+v", i, got, want)
		}
	}
	if per := math.Round(e.Stated[1].PerThousand()); per != 1067 {
		t.Errorf("75K/s are stated at %v for each 1,000/s, want 1067", per)
	}
	if needed, _ := e.Figure("cost.infrastructure.needed"); e.Stated[0].Derived != needed.Value() {
		t.Errorf("at its own rate the parts come to %v, want %v", e.Stated[0].Derived, needed.Value())
	}
	if len(estimate(t, smallPlan()...).Stated) != 3 {
		t.Error("a plan with the reference's claim and steps lacks some")
	}
}

// A component's lines, added in their order, are its figure; each is what its
// quantity costs at its price; and the components add up to the total.
func TestCostLinesAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, err := planner.NewEstimate(drawPlan(t))
		if err != nil {
			t.Fatal(err)
		}
		sums := make(map[string]float64)
		for _, line := range e.Costs {
			sums[line.Component] += line.Monthly
			if line.Monthly < 0 || math.Abs(line.Quantity*line.UnitPrice-line.Monthly) > 1e-9*line.Monthly {
				t.Fatalf("%+v: the quantity at its price is not the cost", line)
			}
			if line.Source == "" || line.Confidence == "" || line.AsOf.IsZero() || line.Unit == "" {
				t.Fatalf("%+v: a price without where it is from", line)
			}
		}
		total := 0.0
		for name, sum := range sums {
			d, ok := e.Figure("cost." + name)
			if !ok || d.Range.High != sum {
				t.Fatalf("the lines of %s add up to %v, its figure is %v", name, sum, d.Range.High)
			}
			total += sum
		}
		if d, _ := e.Figure("cost.total"); math.Abs(d.Range.High-total) > 1e-9*total {
			t.Fatalf("the components add up to %v, the total is %v", total, d.Range.High)
		}
	})
}

// What is shown in whole dollars adds up, and is off by less than a dollar.
func TestBillRounding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := make([]planner.CostLine, rapid.IntRange(0, 12).Draw(t, "lines"))
		exact := 0.0
		for i := range lines {
			lines[i] = planner.CostLine{
				Component: rapid.SampledFrom([]string{"a", "b", "providers"}).Draw(t, "component"),
				Monthly:   rapid.Float64Range(0, 1e6).Draw(t, "monthly"),
			}
			lines[i].Provider = lines[i].Component == "providers"
			exact += lines[i].Monthly
		}
		bill := planner.NewBill(lines)
		sum, components := 0.0, 0.0
		for i, dollars := range bill.Lines {
			if dollars != math.Trunc(dollars) || math.Abs(dollars-lines[i].Monthly) >= 1 {
				t.Fatalf("%v is shown as %v", lines[i].Monthly, dollars)
			}
			sum += dollars
		}
		for _, c := range bill.Components {
			components += c.Dollars
		}
		if sum != bill.Total || components != bill.Total || bill.Infrastructure+bill.Providers != bill.Total || math.Abs(bill.Total-exact) > 0.5+1e-6 {
			t.Fatalf("%+v of %v", bill, exact)
		}
	})
	got := planner.NewBill([]planner.CostLine{{Component: "a", Monthly: 0.4}, {Component: "b", Monthly: 0.4}, {Component: "b", Monthly: 0.7}})
	if got.Total != 2 || got.Lines[0] != 1 || got.Lines[1] != 0 || got.Lines[2] != 1 {
		t.Errorf("$0.40, $0.40 and $0.70 are shown as %v", got.Lines)
	}
}

// The explanation of the total reaches every key and every price that it is
// computed from, prices with where they are from.
func TestExplainTheTotal(t *testing.T) {
	e := estimate(t)
	x, err := e.Explain("cost.total")
	if err != nil {
		t.Fatal(err)
	}
	reached := make(map[string]planner.Explanation)
	var walk func(planner.Explanation)
	walk = func(x planner.Explanation) {
		if _, ok := reached[x.ID]; !ok {
			reached[x.ID] = x
		}
		for _, in := range x.Inputs {
			walk(in)
		}
	}
	walk(x)
	var needs func(id string)
	seen := make(map[string]bool)
	needs = func(id string) {
		if seen[id] {
			return
		}
		seen[id] = true
		d, _ := e.Figure(id)
		for _, in := range d.Inputs {
			at, ok := reached[in.ID]
			if !ok || in.From != planner.FromFigure && at.Source == "" && at.Formula == "" {
				t.Errorf("%s needs %s, which is not explained", id, in.ID)
			}
			if in.From == planner.FromFigure {
				needs(in.ID)
			}
		}
	}
	needs("cost.total")
	const want = "Twilio US SMS pricing, as others report it, https://www.twilio.com/en-us/sms/pricing/us, 2026-07-05, low confidence"
	if p := reached["twilio.sms.segment"]; p.Value != "$0.0083/segment" || p.Source != want {
		t.Errorf("the price is explained as %q from %q", p.Value, p.Source)
	}
	if p, err := e.Explain("discount.commitment_1y"); err != nil || p.Value != "0.28" {
		t.Errorf("a discount is explained as %+v, error %v", p, err)
	}
}

// More of anything never costs less.
func TestCostsRiseWithWhatIsBought(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SampledFrom([]string{
			"workload.users", "kafka.brokers", "cassandra.nodes", "redis.nodes", "postgres.shards", "workload.regions",
			"gateway.min", "templates.count", "workload.notifications_per_user",
		}).Draw(t, "key")
		// From what every other key bears: postgres.shards up to max_shards, more brokers than copies.
		few := rapid.IntRange(3, 50).Draw(t, "few")
		more := rapid.IntRange(few, 100).Draw(t, "more")
		total := func(n int) units.Range {
			p, err := planner.Load(planner.Document{Assignments: []string{key + "=" + units.Format(units.Whole, units.Exactly(float64(n)))}})
			if err != nil {
				t.Fatal(err)
			}
			e, err := planner.NewEstimate(p)
			if err != nil {
				t.Fatal(err)
			}
			d, _ := e.Figure("cost.total")
			return d.Range
		}
		a, b := total(few), total(more)
		if b.Low < a.Low || b.High < a.High {
			t.Fatalf("%d of %s cost %v, %d cost %v", few, key, a, more, b)
		}
	})
}

// A bill of nothing has no shares that are no numbers.
func TestFreeOfCharge(t *testing.T) {
	var free []string
	for _, line := range estimate(t).Costs {
		x, err := estimate(t).Explain(line.Figure)
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range x.Inputs {
			if strings.Contains(in.Value, "$") {
				free = append(free, "prices.overrides."+in.ID+"=$0")
			}
		}
	}
	e := estimate(t, free...)
	checkValues(t, e, map[string]float64{"cost.total": 0, "savings.reserved": 0, "savings.reserved.of_total": 0})
}
