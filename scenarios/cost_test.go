package scenarios

import (
	"maps"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline/telemetry"
)

// listPrices are round numbers: FCM is free, SES charges an e-mail, Twilio and
// Vonage a segment.
func listPrices() *telemetry.Prices {
	return &telemetry.Prices{
		Providers: map[string]telemetry.Price{
			"fcm": {}, "ses": {Notification: 0.0001}, "sendgrid": {Notification: 0.0005},
			"twilio": {Segment: 0.01}, "vonage": {Segment: 0.02},
		},
		Infrastructure: 0.000002,
	}
}

func TestCostIsWhatProvidersAcceptedAtTheirPrices(t *testing.T) {
	tests := []struct {
		name      string
		providers map[string]Provider
		prices    *telemetry.Prices
		want      map[string]float64 // nil: it cannot be told
	}{
		{"every channel, with a failover", map[string]Provider{
			"fcm":      {Channel: "push", Sent: 6000},
			"sendgrid": {Channel: "email", Sent: 1000, Transient: 2000},
			"ses":      {Channel: "email", Sent: 2000},
			"twilio":   {Channel: "sms", Sent: 1000, Segments: 1500},
		}, listPrices(), map[string]float64{
			"total": 15.7, "per_notification": 0.00157, "infrastructure_per_notification": 0.000002,
			"push": 0, "push_per_notification": 0,
			"email": 0.7, "email_per_notification": 0.7 / 3000,
			"sms": 15, "sms_per_notification": 0.015,
		}},
		{"a channel that nothing was sent of has a sum and no mean", map[string]Provider{
			"fcm":    {Channel: "push"},
			"twilio": {Channel: "sms", Sent: 10, Segments: 10},
		}, listPrices(), map[string]float64{
			"total": 0.1, "per_notification": 0.01, "infrastructure_per_notification": 0.000002,
			"push": 0, "email": 0, "sms": 0.1, "sms_per_notification": 0.01,
		}},
		{"nothing was accepted", map[string]Provider{"twilio": {Channel: "sms", Permanent: 10}}, listPrices(), map[string]float64{
			"total": 0, "infrastructure_per_notification": 0.000002, "push": 0, "email": 0, "sms": 0,
		}},
		{"a provider without a price that sent nothing", map[string]Provider{"apns": {Channel: "push"}}, listPrices(), map[string]float64{
			"total": 0, "infrastructure_per_notification": 0.000002, "push": 0, "email": 0, "sms": 0,
		}},
		{"a provider without a price that sent", map[string]Provider{"apns": {Channel: "push", Sent: 1}}, listPrices(), nil},
		{"the providers were not seen", nil, listPrices(), nil},
		{"no prices", map[string]Provider{"fcm": {Channel: "push", Sent: 1}}, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := cost(tt.providers, tt.prices)
			if (got == nil) != (tt.want == nil) {
				t.Fatalf("got %v, want %v", got, tt.want)
			}
			keys := slices.Sorted(maps.Keys(got))
			if want := slices.Sorted(maps.Keys(tt.want)); !slices.Equal(keys, want) {
				t.Fatalf("the keys are %v, want %v", keys, want)
			}
			for _, key := range keys {
				if math.Abs(got[key]-tt.want[key]) > 1e-12 {
					t.Errorf("%s is %v, want %v", key, got[key], tt.want[key])
				}
			}
		})
	}
}

// The channels add up to the total, and means lie between the least and the
// greatest price.
func TestCostsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sent := rapid.Int64Range(0, 1_000_000)
		providers := map[string]Provider{
			"fcm":      {Channel: "push", Sent: sent.Draw(t, "fcm")},
			"sendgrid": {Channel: "email", Sent: sent.Draw(t, "sendgrid")},
			"ses":      {Channel: "email", Sent: sent.Draw(t, "ses")},
		}
		got := cost(providers, listPrices())
		sum := got["push"] + got["email"] + got["sms"]
		if math.Abs(sum-got[CostTotal]) > 1e-9*max(sum, 1) {
			t.Errorf("the channels are %v together, and the total is %v", sum, got[CostTotal])
		}
		if mean, ok := got[CostOfOne("email")]; ok && (mean < 0.0001-1e-12 || mean > 0.0005+1e-12) {
			t.Errorf("an e-mail costs %v", mean)
		}
	})
}
