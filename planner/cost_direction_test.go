package planner

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Costs keep their directions by the tariffs of the reference's book, too, whose
// tiers the list without choices does not have.
func TestTariffsKeepTheirDirections(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	tiered := 0
	for _, f := range costFigures(Reference().choices()) {
		prices := 0
		for n, in := range f.Inputs {
			if in.From == FromPrice {
				prices++
			}
			for range 200 {
				values := make([]float64, len(f.Inputs))
				for i := range values {
					values[i] = math.Pow(10, 14*random.Float64()-2)
				}
				before := f.Compute(values)
				values[n] *= 1 + 9*random.Float64()
				if after := f.Compute(values); in.Falls && after > before || !in.Falls && after < before {
					t.Errorf("%s goes from %v to %v as %s rises", f.ID, before, after, in.ID)
				}
			}
		}
		if prices > 1 {
			tiered++
		}
	}
	if tiered != 3 {
		t.Errorf("%d costs with tiers, want e-mail, e-mail by the backup and egress", tiered)
	}
}

// Every price that a figure takes is one that is looked for when the plan is
// loaded, with the unit that it is needed in, whatever the plan's words.
func TestPricesAreLookedFor(t *testing.T) {
	for _, set := range [][]string{
		nil,
		{"providers={push: {primary: apns, backup: fcm}, email: {charged: sendgrid}, sms: {primary: vonage, backup: twilio}}"},
		{"providers.email={primary: ses, backup: sendgrid, charged: ses}", "prices.machines.cassandra_disk=gp3"},
		{"savings={cold_tier: archive_instant, commitment: three_years}"},
	} {
		p, err := Load(Document{Assignments: set})
		if err != nil {
			t.Fatal(err)
		}
		c := p.choices()
		var looked []string
		for _, use := range pricesUsed(c) {
			for _, tier := range c.prices.tariff(use) {
				looked = append(looked, tier.ID)
				if tier.Unit != use.unit {
					t.Errorf("%s is for one %s, needed is one for one %s", tier.ID, tier.Unit, use.unit)
				}
			}
		}
		for _, id := range pricesOf(figures(c)) {
			if !slices.Contains(looked, id) {
				t.Errorf("%v: %s is taken and was not looked for", set, id)
			}
		}
	}
}
