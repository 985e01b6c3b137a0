package main

import (
	"testing"

	"github.com/notifyctl/notifyctl/planner"
)

func TestQuotasAreThePlans(t *testing.T) {
	plan := planner.Reference()
	if push, sms := quotas(plan); push != 0 || sms != 0 {
		t.Errorf("without deployment.quotas they are %v and %v, want none", push, sms)
	}
	plan.Deployment.Quotas = "plan"
	plan.Providers.SMS.Senders.High = 3
	if push, sms := quotas(plan); push != 10_000 || sms != 300 {
		t.Errorf("they are %v of push and %v of SMS, want 600K a minute and three senders of 100", push, sms)
	}
}
