package main

import (
	"math"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/planner"
)

// What a system is held to is what its plan promises, and what it counts as
// costs adds up to the plan's estimate.
func TestPromisesOfTheReferencePlan(t *testing.T) {
	plan := planner.Reference()
	targets, prices, err := promises(plan)
	if err != nil {
		t.Fatal(err)
	}
	if targets.APIP99 != 500*time.Millisecond || targets.EndToEndP99 != 10*time.Second || targets.TransactionalSuccess != 0.995 ||
		targets.PromotionalSuccess != 0.95 || targets.QueueDepth != 5000 || targets.QueueLag != 30*time.Second ||
		targets.Errors != 0.001 || targets.Utilisation.AtLeast != 0.7 || targets.Utilisation.AtMost != 0.8 || targets.CacheHit != 0.95 {
		t.Errorf("the targets are %+v", targets)
	}
	for channel, charged := range map[pipeline.Channel]string{pipeline.Push: "fcm", pipeline.Email: "ses", pipeline.SMS: "twilio"} {
		price := prices.Providers[charged]
		sum := price.Notification + price.Segment + prices.Infrastructure // a segment each
		if want := targets.Cost[channel]; math.Abs(sum-want) > 1e-12 {
			t.Errorf("a notification by %s costs %v by %s, and %v by the estimate", channel, sum, charged, want)
		}
	}
	if sendgrid, ses := prices.Providers["sendgrid"].Notification, prices.Providers["ses"].Notification; sendgrid <= ses || ses <= 0 {
		t.Errorf("SendGrid charges %v and SES %v", sendgrid, ses)
	}
	if vonage := prices.Providers["vonage"]; vonage.Segment <= 0 || vonage.Notification != 0 {
		t.Errorf("Vonage charges %+v", vonage)
	}
	if _, ok := prices.Providers["apns"]; !ok {
		t.Error("APNs has no price")
	}
	if plan.Providers.Email.Primary != "sendgrid" {
		t.Errorf("the plan was changed: %+v", plan.Providers)
	}
}
