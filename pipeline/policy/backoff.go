package policy

import (
	"math/rand/v2"
	"time"
)

// Backoff says how long a failed attempt waits for the next: exponentially
// longer, with full jitter, so that what failed together does not come back
// together.
type Backoff struct {
	Base     time.Duration // the bound of the first wait
	Max      time.Duration // the bound of every wait
	Attempts int           // at most
}

// DefaultBackoff is 200 ms to 5 min, and 6 attempts.
func DefaultBackoff() Backoff {
	return Backoff{Base: 200 * time.Millisecond, Max: 5 * time.Minute, Attempts: 6}
}

// Bound is the longest wait after a number of attempts, from 1:
// min(Max, Base * 2^(made-1)).
func (b Backoff) Bound(made int) time.Duration {
	bound := b.Base
	for range made - 1 {
		bound *= 2
		if bound >= b.Max {
			return b.Max
		}
	}
	return bound
}

// Wait is how long to wait after a number of attempts: drawn evenly from 0 to
// the bound, but no shorter than the provider asked for.
func (b Backoff) Wait(made int, asked time.Duration, random *rand.Rand) time.Duration {
	return max(time.Duration(random.Int64N(int64(b.Bound(made))+1)), asked)
}

// Exhausted says whether no attempt is left after a number of them.
func (b Backoff) Exhausted(made int) bool { return made >= b.Attempts }
