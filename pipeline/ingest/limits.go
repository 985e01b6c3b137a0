package ingest

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// reasonDailyLimit is why a notification is rate-dropped.
const reasonDailyLimit = "daily_limit"

// limiter holds users to what they get in a day.
type limiter struct {
	limits pipeline.Limits
	daily  pipeline.DailyLimits
	log    *slog.Logger
	away   atomic.Bool // the last call failed
}

// tokens are what a slice took.
type tokens struct {
	at   time.Time
	keys []pipeline.PreferenceKey
}

// take drops what is over its user's limit, all in one call, and says what was
// taken for the others. Only what would be queued takes a token. When the limits
// do not answer, everything passes.
func (l *limiter) take(ctx context.Context, at time.Time, admissions []pipeline.Admission) tokens {
	taken := tokens{at: at}
	if !l.daily.Any() {
		return taken
	}
	keys := make([]pipeline.PreferenceKey, 0, len(admissions))
	counted := make([]int, 0, len(admissions))
	for i := range admissions {
		if a := &admissions[i]; a.State == pipeline.Queued && l.daily.Of(a.Channel) > 0 {
			keys = append(keys, pipeline.PreferenceKey{UserID: a.UserID, Channel: a.Channel})
			counted = append(counted, i)
		}
	}
	if len(keys) == 0 {
		return taken
	}
	granted := make([]bool, len(keys))
	if l.failed(l.limits.TakeDaily(ctx, at, keys, l.daily, granted)) {
		return taken
	}
	taken.keys = keys[:0]
	for i, at := range counted {
		if granted[i] {
			taken.keys = append(taken.keys, keys[i])
			continue
		}
		admissions[at].Result = pipeline.Result{State: pipeline.RateDropped, Reason: reasonDailyLimit}
	}
	return taken
}

// settle gives tokens back after a commit that wrote nothing.
func (l *limiter) settle(ctx context.Context, taken tokens, commit error) {
	if commit == nil || errors.Is(commit, pipeline.ErrAmbiguous) || len(taken.keys) == 0 {
		return
	}
	l.failed(l.limits.ReturnDaily(context.WithoutCancel(ctx), taken.at, taken.keys))
}

// failed says whether the limits did not answer, and logs when that changes.
func (l *limiter) failed(err error) bool {
	if away := err != nil; l.away.Swap(away) != away {
		if away {
			l.log.Warn("the limits do not answer: users get more than the daily limit", slog.Any("error", err))
		} else {
			l.log.Info("the limits answer again")
		}
	}
	return err != nil
}
