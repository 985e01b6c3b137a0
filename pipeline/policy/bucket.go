package policy

import (
	"math"
	"time"
)

// TokenBucket fills at a rate up to a burst, and is emptied by what it lets
// pass. It has no clock: every method is told the time, and a time before the
// last counts as the last. It is not safe for concurrent use.
type TokenBucket struct {
	rate  float64 // tokens a second
	burst float64
	level float64 // as of at; below 0 is a debt
	at    time.Time
}

// NewTokenBucket makes a bucket that holds level tokens.
func NewTokenBucket(rate, burst, level float64, now time.Time) TokenBucket {
	return TokenBucket{rate: rate, burst: burst, level: level, at: now}
}

// Level is how many tokens there are; below 0 as many are owed.
func (b *TokenBucket) Level(now time.Time) float64 {
	if passed := now.Sub(b.at); passed > 0 {
		b.level = min(b.burst, b.level+b.rate*passed.Seconds())
		b.at = now
	}
	return b.level
}

// Add puts tokens in, up to the burst, or takes them out when n is negative,
// into debt if need be.
func (b *TokenBucket) Add(now time.Time, n float64) { b.level = min(b.burst, b.Level(now)+n) }

// Reaches says when the level will be n, which is at most the burst. A bucket
// that does not fill says the end of time.
func (b *TokenBucket) Reaches(now time.Time, n float64) time.Time {
	missing := n - b.Level(now)
	if missing <= 0 {
		return now
	}
	wait := math.Ceil(missing / b.rate * float64(time.Second))
	if !(wait < math.MaxInt64) {
		return b.at.Add(math.MaxInt64)
	}
	return b.at.Add(time.Duration(wait))
}

// Resize makes it fill at another rate up to another burst. It holds what it
// held, as far as that has room.
func (b *TokenBucket) Resize(now time.Time, rate, burst float64) {
	b.level = min(b.Level(now), burst)
	b.rate, b.burst = rate, burst
}

// Quota is what a provider takes in a second, as a token bucket of which a
// share is reserved for what is urgent: others leave a fifth of it.
type Quota struct {
	bucket TokenBucket
}

// quotaBurst is how long a quota may be saved up.
const quotaBurst = time.Second

// NewQuota makes a full quota of a rate a second, which is above 0. It holds a
// second's, but at least two tokens, so that one is left beside the reserve.
func NewQuota(rate float64, now time.Time) Quota {
	burst := quotaTokens(rate)
	return Quota{NewTokenBucket(rate, burst, burst, now)}
}

func quotaTokens(rate float64) float64 { return max(2, rate*quotaBurst.Seconds()) }

// SetRate makes it a quota of another rate, which is above 0. Nothing is given
// for the change: what others may have used of it is not known.
func (q *Quota) SetRate(now time.Time, rate float64) { q.bucket.Resize(now, rate, quotaTokens(rate)) }

// Offer says how many tokens, of at most most, somebody of an urgency could have
// now; when it is none, at says when to ask again. So that a quota that is used
// up is not handed out one by one, it offers none until there is what it brings
// in worth's time, or most.
func (q *Quota) Offer(now time.Time, u Urgency, most int, worth time.Duration) (n int, at time.Time) {
	reserve := q.reserve(u)
	least := min(float64(most), max(1, math.Floor(min(q.bucket.rate*worth.Seconds(), q.bucket.burst-reserve))))
	spare := q.bucket.Level(now) - reserve
	if spare < least-rounding {
		return 0, q.bucket.Reaches(now, reserve+least)
	}
	return min(most, int(spare+rounding)), now
}

// rounding is what sums of tokens may be off by.
const rounding = 1e-6

func (q *Quota) reserve(u Urgency) float64 {
	if u == High {
		return 0
	}
	return reservedShare * q.bucket.burst
}

// Take uses tokens, more than there are if need be: those are waited for
// afterwards. A negative number gives some back.
func (q *Quota) Take(now time.Time, n int) { q.bucket.Add(now, -float64(n)) }

// What a [RetryBudget] holds: a token for each ten first sends, a few a second
// whatever is sent, so that the last retries of a quiet hour are made, too, and
// no more than so many.
const (
	retryShare  = 0.1
	retryFloor  = 10 // a second. Finagle's budget has the same
	retryStart  = 1_000
	retrySaving = 10_000
)

// RetryBudget bounds the retries at one provider by a tenth of what is sent to
// it for the first time, so that a provider in trouble is not drowned by what
// failed before.
type RetryBudget struct {
	bucket TokenBucket
}

// NewRetryBudget makes a budget with something in it for the start.
func NewRetryBudget(now time.Time) RetryBudget {
	return RetryBudget{NewTokenBucket(retryFloor, retrySaving, retryStart, now)}
}

// Earn adds what first sends bring.
func (b *RetryBudget) Earn(now time.Time, firsts int) { b.bucket.Add(now, retryShare*float64(firsts)) }

// Spend pays for one retry, and says whether it could.
func (b *RetryBudget) Spend(now time.Time) bool {
	if b.bucket.Level(now) < 1-rounding {
		return false
	}
	b.bucket.Add(now, -1)
	return true
}
