package delivery

import (
	"math/rand/v2"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/policy"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
)

// probeSize is the most notifications of a call that asks whether a provider
// has recovered: enough for a batch call, few to lose time by.
const probeSize = 10

// maxParked is how many notifications of a channel are put back, in an outage
// of the primary, for lack of an address that the backup takes. Beyond it the
// feed pauses: each of them is written again and again, while in the queue
// they cost nothing.
const maxParked = 10_000

// upstream is what is known of one provider of a channel: whether it serves,
// what it may be given. The channel's pool.mu guards it.
type upstream struct {
	Provider
	recorder *telemetry.ProviderRecorder
	breaker  policy.Breaker
	budget   policy.RetryBudget
	quota    *policy.Quota // nil: no bound
	// parked counts what was put back since the breaker opened.
	parked int
}

func newUpstream(p Provider, cfg *Config, now time.Time) *upstream {
	u := &upstream{
		Provider: p, recorder: cfg.Metrics.Provider(p.Name()),
		breaker: policy.NewBreaker(cfg.Breaker), budget: policy.NewRetryBudget(now),
	}
	if p.Quota > 0 {
		quota := policy.NewQuota(p.Quota, now)
		u.quota = &quota
	}
	return u
}

// admit asks for a call, and says with how many notifications at most.
func (u *upstream) admit(now time.Time) (pass policy.Pass, most int) {
	pass, ok := u.breaker.Allow(now)
	switch {
	case !ok:
		return pass, 0
	case pass.Probe():
		u.recorder.Breaker(policy.HalfOpen)
		return pass, probeSize
	}
	return pass, maxCall
}

// maxCall is more than any batch has.
const maxCall = 1 << 20

// record takes what a call says of the provider, and tells where the breaker
// stands now and whether that is new.
func (u *upstream) record(pass policy.Pass, result policy.CallResult, now time.Time) (state policy.BreakerState, changed bool) {
	before := u.breaker.State(now)
	u.breaker.Record(pass, result, now, rand.Float64())
	state = u.breaker.State(now)
	if state == policy.Closed {
		u.parked = 0
	}
	u.recorder.Breaker(state)
	return state, state != before
}

// offer says how much of the quota a batch may have now, of at most most.
func (u *upstream) offer(now time.Time, p pipeline.Priority, most int) (n int, at time.Time) {
	if u.quota == nil {
		return most, now
	}
	return u.quota.Offer(now, urgencyOf(p), most, BatchWait(p))
}

// charge uses the quota; a negative number gives back.
func (u *upstream) charge(now time.Time, n int) {
	if u.quota != nil && n != 0 {
		u.quota.Take(now, n)
	}
}

// weight is what messages take of the quota.
func (u *upstream) weight(messages []pipeline.Message) int {
	if u.Weight == nil || u.quota == nil {
		return len(messages)
	}
	weight := 0
	for i := range messages {
		weight += u.Weight(&messages[i])
	}
	return weight
}

// resultOf is what the answers to a call say of the provider. It failed when it
// served at most half of what it was asked: transient and ambiguous answers
// are failures, and throttled ones as well, since whoever refuses most of what
// comes needs the same pause, and the backup is there for it. Permanent answers
// are about a message, from a provider that works. What was not sent says
// nothing.
func resultOf(answers []pipeline.Answer) policy.CallResult {
	served, failed := 0, 0
	for i := range answers {
		switch answers[i].Class {
		case pipeline.Sent, pipeline.Permanent:
			served++
		case pipeline.Transient, pipeline.Ambiguous, pipeline.Throttled:
			failed++
		}
	}
	switch {
	case served+failed == 0:
		return policy.CallUnknown
	case failed >= served:
		return policy.CallFailed
	}
	return policy.CallSucceeded
}
