package pipeline

import (
	"context"
	"time"
)

// DailyLimits is how many notifications a user gets in a day at most, by
// channel; 0 is no limit.
type DailyLimits struct{ Push, Email, SMS int64 }

// Of is the limit of a channel.
func (l DailyLimits) Of(c Channel) int64 {
	switch c {
	case Push:
		return l.Push
	case Email:
		return l.Email
	case SMS:
		return l.SMS
	}
	return 0
}

// Any says whether there is a limit at all.
func (l DailyLimits) Any() bool { return l != DailyLimits{} }

// Limits counts what users get. It is safe for concurrent use.
//
// Days are UTC's, by the caller's clock: a store shared by processes names its
// counters rate:user:{user}:{channel}:{date}, and lets them expire. A time
// before the last of its counter counts as that one, so that a clock that is set
// back gives nobody a second day.
//
// Limits fail open: whoever gets an error goes on as if all was granted.
type Limits interface {
	// TakeDaily takes a token for each key from what its user may still get on
	// the channel on the day of at, all keys in one round trip, and sets
	// granted[i] for keys[i]. A key that stands there more than once takes its
	// tokens in order. What is not granted takes nothing. Every key's channel
	// has a limit. After an error, any part of the tokens may be taken.
	TakeDaily(ctx context.Context, at time.Time, keys []PreferenceKey, limits DailyLimits, granted []bool) error
	// ReturnDaily gives back tokens that were taken at that time for what was
	// not accepted after all; of a day that is over, it does nothing.
	ReturnDaily(ctx context.Context, at time.Time, keys []PreferenceKey) error
}
