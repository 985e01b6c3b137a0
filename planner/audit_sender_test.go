package planner_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/planner"
)

// foundBy lists what a rule finds, as "error: stated -> derived", in order.
func foundBy(t *testing.T, e *planner.Estimate, rule string) []string {
	t.Helper()
	var found []string
	for _, f := range e.Findings {
		if f.Rule != rule {
			continue
		}
		found = append(found, f.Severity.String()+": "+number(f.Stated)+" -> "+number(f.Derived))
		if f.Message == "" || f.Remedy == "" {
			t.Errorf("%s says %q, and to do %q", rule, f.Message, f.Remedy)
		}
	}
	return found
}

// A senderCase is a variation of the reference, and what a rule finds in it.
type senderCase struct {
	name string
	set  []string
	want []string
}

// checkRule runs the cases of one rule.
func checkRule(t *testing.T, rule string, cases []senderCase) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			if got := foundBy(t, estimate(t, tt.set...), rule); !slices.Equal(got, tt.want) {
				t.Errorf("%s finds %q, want %q", rule, got, tt.want)
			}
		})
	}
}

func TestWorkersBelowDesignRate(t *testing.T) {
	checkRule(t, "workers-below-design-rate", []senderCase{
		// 30K/20, 15K/10 and 5K/15, of which e-mail alone may count on batches.
		{"the reference", nil, []string{"error: 1K -> 1.5K", "error: 200 -> 334", "warning: 500 -> 1.5K"}},
		{"pools for single sends", []string{"workers.push.max=1500", "workers.email.max=1500", "workers.sms.max=334"}, nil},
		{"faster workers", []string{"workers.push.rate=30/s", "workers.email.rate=30/s", "workers.sms.rate=25/s"}, nil},
		{"single sends", []string{"providers.push.wire=single", "workers.email.max=1500", "workers.sms.max=334"}, []string{"error: 1K -> 1.5K"}},
		// 15K/500 = 30.
		{"too few for batches", []string{"workers.email={min: 1, max: 29}", "workers.push.max=1500", "workers.sms.max=334"}, []string{"error: 29 -> 30"}},
		{"no such channel", []string{"workload.channels={push: 0%, email: 100%, sms: 0%}", "workers.email.max=5000"}, nil},
	})
}

func TestMinimumAboveDesignRate(t *testing.T) {
	checkRule(t, "minimum-above-design-rate", []senderCase{
		// 100 + 50 + 20 run always, 60 + 30 + 10 are needed.
		{"the reference", nil, []string{"warning: 170 -> 100"}},
		{"one channel", []string{"workers.push.min=60", "workers.sms.min=10"}, []string{"warning: 50 -> 30"}},
		{"as many as needed", []string{"workers.push.min=60", "workers.email.min=30", "workers.sms.min=10"}, nil},
		{"slower batches", []string{"workers.batched_rate=200/s"}, nil},
	})
	for _, f := range estimate(t).Findings {
		if f.Rule == "minimum-above-design-rate" && (!strings.Contains(f.Message, "85,000/s") || !strings.Contains(f.Message, "1.7x") || !strings.Contains(f.Message, "28,000/s")) {
			t.Errorf("it says %q, without the 85,000/s in batches, the 1.7x over, or the 28,000/s one at a time", f.Message)
		}
	}
}

func TestBatchedRateOutOfReach(t *testing.T) {
	checkRule(t, "batched-rate-out-of-reach", []senderCase{
		{"the reference", nil, nil}, // 100 SMS in 200 ms are just 500/s
		{"small batches", []string{"workers.sms.batch=50"}, []string{"warning: 500 -> 250"}},
		{"slow calls", []string{"providers.batch_time=400ms"}, []string{"warning: 500 -> 250"}},
		{"single sends", []string{"workers.sms.batch=50", "providers.sms.wire=single"}, nil},
	})
}

func TestPolicyScalesDownUnderLoad(t *testing.T) {
	checkRule(t, "policy-scales-down-under-load", []senderCase{
		// 6,000 / (10 x 60) = 10, below minima of 100, 50 and 20.
		{"the reference", nil, []string{"error: 100 -> 10", "error: 50 -> 10", "error: 20 -> 10"}},
		{"arrivals alone", []string{"claims.workers.policies=[arrivals]"}, nil},
		{"steps, with minima that do", []string{"claims.workers.policies=[steps]"}, nil},
		// At the depth target's fifth over, 7,200 / 600 = 12.
		{"another target", []string{"service_levels.queue_depth=6000"}, []string{"error: 100 -> 12", "error: 50 -> 12", "error: 20 -> 12"}},
		{
			"the policy that is used",
			[]string{"claims.workers.policies=[arrivals]", "workers.policy=drain"},
			[]string{"error: 100 -> 10", "error: 50 -> 10", "error: 20 -> 10"},
		},
		// Single sends need 1,500, and get the maximum of 1,000: steps takes
		// three in ten of them while the queue is short.
		{"steps on single sends", []string{"claims.workers.policies=[steps]", "providers.push.wire=single"}, []string{"error: 1K -> 700"}},
	})
	for _, f := range estimate(t).Findings {
		if f.Rule == "policy-scales-down-under-load" && (!strings.Contains(f.Message, "a depth of 6,000") || f.Claim != "workers.policies") {
			t.Errorf("it says %q of the claim %q", f.Message, f.Claim)
		}
	}
}

func TestPoliciesDisagree(t *testing.T) {
	checkRule(t, "policies-disagree", []senderCase{
		// 20,000 / 100 against 20,000 / 600.
		{"the reference", nil, []string{"warning: 200 -> 33"}},
		{"one policy", []string{"claims.workers.policies=[drain]"}, nil},
		{"pools too small to tell", []string{
			"workers.push={min: 1, max: 10}", "workers.email={min: 1, max: 10}", "workers.sms={min: 1, max: 10}",
		}, nil},
	})
}

func TestPolicyAssumesAnotherRate(t *testing.T) {
	checkRule(t, "policy-assumes-another-rate", []senderCase{
		{"the reference", nil, []string{"warning: 10 -> 20"}},
		{"steps alone", []string{"claims.workers.policies=[steps]"}, nil},
		{"its rate in every pool", []string{"workers.push.rate=8/s..12/s", "workers.sms.rate=10/s"}, nil},
		{"slower", []string{"workers.push.rate=1/s"}, []string{"warning: 10 -> 1"}},
	})
}

func TestPolicyFloorBelowMinimum(t *testing.T) {
	checkRule(t, "policy-floor-below-minimum", []senderCase{
		{"the reference", nil, []string{"warning: 100 -> 20"}},
		{"low minima", []string{"workers.push.min=20", "workers.email.min=15"}, nil},
		{"drain alone", []string{"claims.workers.policies=[drain]"}, nil},
	})
}

func TestPushOverQuota(t *testing.T) {
	checkRule(t, "push-over-quota", []senderCase{
		{"the reference", nil, []string{"error: 10K -> 30K"}},
		{"three projects", []string{"providers.push.projects=3"}, nil},
		{"two projects", []string{"providers.push.projects=2"}, []string{"error: 20K -> 30K"}},
		{"a raised quota", []string{"providers.push.quota=1.8M/min"}, nil},
		{"a fifth of the rate", []string{"workload.channels={push: 20%, email: 70%, sms: 10%}"}, nil},
	})
	for _, f := range estimate(t).Findings {
		if f.Rule == "push-over-quota" && (!strings.Contains(f.Remedy, "3 projects") || !strings.Contains(f.Message, "20 %")) {
			t.Errorf("it says %q and %q, without the share of 20 %% or the 3 projects", f.Message, f.Remedy)
		}
	}
}

func TestQuotaOverDefault(t *testing.T) {
	checkRule(t, "quota-over-default", []senderCase{
		{"the reference", nil, nil},
		{"a raised quota", []string{"providers.push.quota=1.8M/min"}, []string{"info: 30K -> 10K"}},
		{"a provider without one", []string{"providers.push={primary: apns, backup: fcm, quota: 1.8M/min}"}, nil},
	})
}

func TestBatchesNotOffered(t *testing.T) {
	checkRule(t, "batches-not-offered", []senderCase{
		// FCM's endpoint is gone, Twilio never had one; SendGrid's 1,000 hold.
		{"the reference", nil, []string{"error: 500 -> 1", "error: 100 -> 1"}},
		{"single sends", []string{"providers.push.wire=single", "providers.sms.wire=single"}, nil},
		{"no such channel", []string{"workload.channels={push: 0%, email: 100%, sms: 0%}"}, nil},
	})
}

func TestBatchOverLimit(t *testing.T) {
	checkRule(t, "batch-over-limit", []senderCase{
		{"the reference", nil, nil},
		{"SES takes fifty", []string{"providers.email={primary: ses, backup: sendgrid}"}, []string{"error: 1K -> 50"}},
		{"fifty", []string{"providers.email={primary: ses, backup: sendgrid}", "workers.email.batch=50"}, nil},
	})
}

func TestBackupTakesSmallerBatches(t *testing.T) {
	checkRule(t, "backup-takes-smaller-batches", []senderCase{
		{"the reference", nil, []string{"info: 1K -> 50"}},
		{"fifty", []string{"workers.email.batch=50"}, nil},
	})
}

func TestTooFewSenders(t *testing.T) {
	checkRule(t, "too-few-senders", []senderCase{
		{"the reference", nil, []string{"error: 1 -> 50"}},
		{"fifty", []string{"providers.sms.senders=50"}, nil},
		{"fifty, for two segments", []string{"providers.sms.senders=50", "providers.sms.segments=2"}, []string{"error: 50 -> 100"}},
		// 5,000 / 3 = 1,666.7.
		{"toll-free", []string{"providers.sms.sender=toll_free", "providers.sms.sender_rate=3/s"}, []string{"error: 1 -> 1.667K"}},
		{"long codes", []string{"providers.sms.sender=10dlc", "providers.sms.sender_rate=1/s"}, []string{"error: 1 -> 5K"}},
		{"little SMS", []string{"workload.channels={push: 60%, email: 39.8%, sms: 0.2%}"}, nil},
	})
}

func TestSenderRateOverDefault(t *testing.T) {
	checkRule(t, "sender-rate-over-default", []senderCase{
		{"the reference", nil, nil},
		{"toll-free as fast as short codes", []string{"providers.sms.sender=toll_free"}, []string{"warning: 100 -> 3"}},
		{"toll-free", []string{"providers.sms.sender=toll_free", "providers.sms.sender_rate=3/s"}, nil},
	})
}

func TestTooFewConnections(t *testing.T) {
	checkRule(t, "too-few-connections", []senderCase{
		// 30,000/s x 100 ms and so on, against 100.
		{"the reference", nil, []string{"error: 100 -> 3K", "error: 100 -> 500", "warning: 100 -> 1.5K"}},
		{"enough", []string{"providers.connections=3000"}, nil},
		{"fast calls", []string{"providers.call_time=3ms"}, nil},
		// 15,000 / 1,000 x 10 s = 150.
		{"slow batches", []string{"providers.batch_time=10s", "workload.channels={push: 0%, email: 100%, sms: 0%}", "workload.design_rate=15K/s"}, []string{"error: 100 -> 150"}},
	})
}
