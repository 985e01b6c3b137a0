package planner_test

import (
	"math"
	"testing"

	"github.com/notifyctl/notifyctl/planner"
)

// What a provider charges is the book's, or the plan's own in its place, whether
// or not the bill needs it.
func TestProviderPrices(t *testing.T) {
	const ses = 993_200.0 / 9e9 // the tiers' average over 9 billion e-mails a month
	without := map[string]string{"book.yaml": dropPrice(otherBook(), "sendgrid.email")}
	for _, tt := range []struct {
		name, text string
		set        []string
		want       map[string]planner.ProviderPrice
	}{
		{"the reference", "version: 1\n", nil, map[string]planner.ProviderPrice{
			"fcm": {}, "apns": {}, "sendgrid": {Notification: 0.000449}, "ses": {Notification: ses},
			"twilio": {Segment: 0.0083 + 0.0035}, "vonage": {Segment: 0.008 + 0.0035},
		}},
		{"of ranges, the high ends", "version: 1\n", []string{
			"prices.overrides.twilio.sms.carrier=$0.0025..0.0062", "prices.overrides.fcm.push=$0.0001..0.0002",
		}, map[string]planner.ProviderPrice{
			"fcm": {Notification: 0.0002}, "twilio": {Segment: 0.0083 + 0.0062},
		}},
		{"a volume that is a range does not make one of them dearer", "version: 1\n", []string{
			"workload.users=50M..100M", "providers.sms.segments=1..2",
		}, map[string]planner.ProviderPrice{
			"ses": {Notification: ses}, "twilio": {Segment: 0.0083 + 0.0035},
		}},
		{"of a channel that nothing is sent of", "version: 1\nworkload: {channels: {push: 100%, email: 0%, sms: 0%}}\n", nil, map[string]planner.ProviderPrice{
			"ses": {Notification: 0.00016}, "twilio": {Segment: 0.0083 + 0.0035},
		}},
		{"a book without the price of a primary that is not charged", "version: 1\nprices: {book: book.yaml}\n", nil, map[string]planner.ProviderPrice{
			"sendgrid": {Notification: ses}, "ses": {Notification: ses},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := priced(tt.text, without, tt.set...)
			if err != nil {
				t.Fatal(err)
			}
			e, err := planner.NewEstimate(p)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]planner.ProviderPrice{}
			for _, price := range e.ProviderPrices() {
				got[price.Provider] = price
			}
			if len(got) != 6 {
				t.Errorf("there are prices of %v", got)
			}
			for provider, want := range tt.want {
				if p := got[provider]; math.Abs(p.Notification-want.Notification) > 1e-12 || math.Abs(p.Segment-want.Segment) > 1e-12 {
					t.Errorf("%s charges %v a notification and %v a segment, want %v and %v", provider, p.Notification, p.Segment, want.Notification, want.Segment)
				}
			}
		})
	}
}
