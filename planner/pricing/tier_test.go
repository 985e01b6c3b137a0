package pricing_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/planner/pricing"
)

func TestTariff(t *testing.T) {
	book := embedded(t)
	for id, want := range map[string][]string{
		"ses.email":        {"ses.email.first_10m", "ses.email.next_90m", "ses.email.above_100m"},
		"egress":           {"egress.first_10tb", "egress.next_40tb", "egress.next_100tb", "egress.above_150tb"},
		"ses.email_legacy": {"ses.email_legacy"},
		"fcm.push":         {"fcm.push"},
		"ec2.c7g.large":    {"ec2.c7g.large"},
	} {
		tiers, err := book.Tariff(id)
		if err != nil {
			t.Error(err)
			continue
		}
		var got []string
		for _, tier := range tiers {
			got = append(got, tier.ID)
		}
		if len(got) != len(want) {
			t.Errorf("%s has tiers %v, want %v", id, got, want)
			continue
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s has tiers %v, want %v", id, got, want)
			}
		}
	}
}

// TestTiered checks against sums by hand.
func TestTiered(t *testing.T) {
	book := embedded(t)
	for _, tt := range []struct {
		tariff   string
		quantity float64
		want     float64
	}{
		{"ses.email", 0, 0},
		{"ses.email", -1, 0},
		{"ses.email", 1000, 0.16},
		{"ses.email", 10e6, 1600},
		{"ses.email", 11e6, 1600 + 140},
		{"ses.email", 100e6, 1600 + 12_600},
		{"ses.email", 9e9, 1600 + 12_600 + 979_000},
		{"ses.email_legacy", 9e9, 900_000},
		{"sendgrid.email", 9e9, 4_041_000},
		{"fcm.push", 18e9, 0},
		{"egress", 1024, 92.16},
		{"egress", 10 * 1024, 921.60},
		{"egress", 50 * 1024, 921.60 + 3481.60},
		{"egress", 150 * 1024, 921.60 + 3481.60 + 7168},
		{"egress", 151 * 1024, 921.60 + 3481.60 + 7168 + 51.20},
	} {
		tiers, err := book.Tariff(tt.tariff)
		if err != nil {
			t.Fatal(err)
		}
		if got := pricing.Tiered(tt.quantity, tiers); !near(got, tt.want) {
			t.Errorf("%v by %s cost $%v, want $%v", tt.quantity, tt.tariff, got, tt.want)
		}
	}
	if got := pricing.Tiered(5, nil); got != 0 {
		t.Errorf("no tiers charge $%v", got)
	}
}

// drawTiers draws a tariff: it starts at zero, and each tier above the last.
func drawTiers(t *rapid.T) []pricing.Price {
	tiers := make([]pricing.Price, rapid.IntRange(1, 6).Draw(t, "tiers"))
	from := 0.0
	for i := range tiers {
		tiers[i] = pricing.Price{From: from, Value: rapid.Float64Range(0, 10).Draw(t, "value")}
		from += rapid.Float64Range(1, 1e6).Draw(t, "width")
	}
	return tiers
}

func TestTieredNeverFallsOrJumps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tiers := drawTiers(t)
		dearest := 0.0
		edges := []float64{rapid.Float64Range(0, 1e7).Draw(t, "quantity")}
		for _, tier := range tiers {
			dearest = max(dearest, tier.Value)
			edges = append(edges, tier.From)
		}
		at := rapid.SampledFrom(edges).Draw(t, "at")
		more := rapid.Float64Range(0, 1000).Draw(t, "more")
		below, above := pricing.Tiered(at, tiers), pricing.Tiered(at+more, tiers)
		slack := 1e-9 * max(1, above)
		if above < below-slack {
			t.Fatalf("%v cost $%v, and %v more $%v", at, below, more, above)
		}
		if above > below+more*dearest+slack {
			t.Fatalf("%v more than %v cost $%v more, at $%v a unit at most", more, at, above-below, dearest)
		}
	})
}

func TestSplitAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tiers := drawTiers(t)
		quantity := rapid.Float64Range(0, 1e7).Draw(t, "quantity")
		var sum float64
		for i, share := range pricing.Split(quantity, tiers) {
			if share < 0 || share > 0 && quantity <= tiers[i].From {
				t.Fatalf("%v of %v lie in the tier from %v", share, quantity, tiers[i].From)
			}
			sum += share
		}
		if math.Abs(sum-quantity) > 1e-9*max(1, quantity) {
			t.Fatalf("the shares of %v add up to %v", quantity, sum)
		}
	})
}
