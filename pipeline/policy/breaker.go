package policy

import (
	"math"
	"time"
)

// BreakerState is where a circuit breaker stands.
type BreakerState uint8

// The states of a circuit breaker.
const (
	Closed   BreakerState = iota // calls pass
	HalfOpen                     // a few calls pass, and decide
	Open                         // no call passes
)

// String gives the state's name, as labels and results hold it.
func (s BreakerState) String() string {
	switch s {
	case Closed:
		return "closed"
	case HalfOpen:
		return "half_open"
	default:
		return "open"
	}
}

// BreakerLimits say when a circuit breaker opens and closes.
type BreakerLimits struct {
	Window  time.Duration // over which failures are counted
	Calls   int           // fewest calls in the window that their share counts of
	Share   float64       // of failures that opens, above 0 to 1
	InARow  int           // failures in a row that open, however few the calls are
	Open    time.Duration // for which it stays open
	Spread  float64       // the part by which Open varies, either way
	MinOpen time.Duration // for which it stays open at least
	Probes  int           // calls that pass while it is half open, and must all succeed
}

// DefaultBreaker opens at half of at least 20 calls in 10 s, or at 20 failures
// in a row, for 10 s (+-10 %), and closes after 5 successes.
func DefaultBreaker() BreakerLimits {
	return BreakerLimits{
		Window: 10 * time.Second, Calls: 20, Share: 0.5, InARow: 20,
		Open: 10 * time.Second, Spread: 0.1, MinOpen: time.Second, Probes: 5,
	}
}

// CallResult is what a call says of who was called.
type CallResult uint8

// The results of calls.
const (
	CallUnknown   CallResult = iota // nothing: it was not made after all
	CallSucceeded                   // it serves
	CallFailed                      // it does not
)

// Pass is the leave to make one call. Its result is reported with it, so that
// calls that began before the breaker last changed its state decide nothing.
type Pass struct {
	epoch int
	at    time.Time
	probe bool
}

// Probe says whether the call is one of the few that a half-open breaker lets
// through.
func (p Pass) Probe() bool { return p.probe }

// breakerSlices is how finely the window is divided: what is older than it
// leaves in as many parts.
const breakerSlices = 10

// Breaker is a circuit breaker: it stops the calls to who fails, and asks again
// after a while. It has no clock: every method is told the time, which must not
// run backwards. It is not safe for concurrent use.
type Breaker struct {
	limits BreakerLimits
	state  BreakerState // as of the last call; Open may be over by now
	epoch  int          // counts the changes of state

	slices [breakerSlices]breakerSlice
	inARow int // failures

	until     time.Time // Open ends
	probes    int       // let through since it is half open
	successes int       // of them
}

// breakerSlice counts the calls that ended within a part of the window.
type breakerSlice struct {
	number          int64 // of the part, from the epoch of Unix
	calls, failures int
}

// NewBreaker makes a closed breaker.
func NewBreaker(limits BreakerLimits) Breaker { return Breaker{limits: limits} }

// State is where it stands. What was open for its time is half open.
func (b *Breaker) State(now time.Time) BreakerState {
	if b.state == Open && !now.Before(b.until) {
		return HalfOpen
	}
	return b.state
}

// FailuresInARow counts the calls that failed since one succeeded; of a breaker
// that is not closed it says more than any number.
func (b *Breaker) FailuresInARow() int {
	if b.state != Closed {
		return math.MaxInt
	}
	return b.inARow
}

// Ready says when a call may be made, as things are; false when that waits for
// the results of calls under way.
func (b *Breaker) Ready(now time.Time) (time.Time, bool) {
	switch b.State(now) {
	case Open:
		return b.until, true
	case HalfOpen:
		if b.state == HalfOpen && b.probes >= b.limits.Probes {
			return time.Time{}, false
		}
	}
	return now, true
}

// Allow asks for the leave to make a call. Whoever gets it reports the result.
func (b *Breaker) Allow(now time.Time) (Pass, bool) {
	if at, ok := b.Ready(now); !ok || at.After(now) {
		return Pass{}, false
	}
	if b.state == Open {
		b.change(HalfOpen)
	}
	if b.state == HalfOpen {
		b.probes++
	}
	return Pass{epoch: b.epoch, at: now, probe: b.state == HalfOpen}, true
}

// Current says whether a leave still holds: the breaker has not changed its
// state since.
func (b *Breaker) Current(p Pass) bool { return p.epoch == b.epoch }

// Record takes the result of a call. The draw, from 0 to 1, decides how long it
// stays open if it opens, so that what failed together is not asked again
// together.
func (b *Breaker) Record(p Pass, result CallResult, now time.Time, draw float64) {
	if !b.Current(p) {
		return
	}
	switch b.state {
	case Closed:
		b.count(result, now, draw)
	case HalfOpen:
		b.decide(p, result, now, draw)
	}
}

// count keeps the window of a closed breaker, and opens it.
func (b *Breaker) count(result CallResult, now time.Time, draw float64) {
	switch result {
	case CallUnknown:
		return
	case CallSucceeded:
		b.inARow = 0
	case CallFailed:
		b.inARow++
	}
	number := now.UnixNano() / int64(b.limits.Window/breakerSlices)
	s := &b.slices[number%breakerSlices]
	if s.number != number {
		*s = breakerSlice{number: number}
	}
	s.calls++
	if result == CallFailed {
		s.failures++
	}
	calls, failures := 0, 0
	for _, s := range b.slices {
		if s.number > number-breakerSlices {
			calls, failures = calls+s.calls, failures+s.failures
		}
	}
	if b.inARow >= b.limits.InARow || calls >= b.limits.Calls && float64(failures) >= b.limits.Share*float64(calls) {
		b.open(now, now, draw)
	}
}

// decide takes what a probe says.
func (b *Breaker) decide(p Pass, result CallResult, now time.Time, draw float64) {
	switch result {
	case CallUnknown:
		b.probes-- // another may pass
	case CallFailed:
		b.open(p.at, now, draw)
	case CallSucceeded:
		b.successes++
		if b.successes >= b.limits.Probes {
			b.change(Closed)
		}
	}
}

// open opens the breaker. Its time runs from since: a probe that was not
// answered speaks of the moment it was sent, and must not put off the next one
// by its own time limit.
func (b *Breaker) open(since, now time.Time, draw float64) {
	b.change(Open)
	spread := 1 + b.limits.Spread*(2*draw-1)
	b.until = since.Add(time.Duration(float64(b.limits.Open) * spread))
	if least := now.Add(b.limits.MinOpen); b.until.Before(least) {
		b.until = least
	}
}

func (b *Breaker) change(to BreakerState) {
	b.state = to
	b.epoch++
	b.slices, b.inARow = [breakerSlices]breakerSlice{}, 0
	b.probes, b.successes = 0, 0
}
