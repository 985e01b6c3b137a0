package gateway

import (
	"fmt"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/policy"
)

// clientLimit bounds what comes under one key by a token bucket.
type clientLimit struct {
	rate float64 // a second

	mu     sync.Mutex
	bucket policy.TokenBucket
}

// newClientLimit makes a full one. It holds a second's worth, and a whole
// request's at least, since no larger request could ever pass otherwise.
func newClientLimit(rate float64, now time.Time) *clientLimit {
	burst := max(rate, pipeline.MaxSlice)
	return &clientLimit{rate: rate, bucket: policy.NewTokenBucket(rate, burst, burst, now)}
}

// take uses n tokens, or says how long it takes until there are as many.
func (l *clientLimit) take(now time.Time, n int) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bucket.Level(now) < float64(n) {
		return l.bucket.Reaches(now, float64(n)).Sub(now), false
	}
	l.bucket.Add(now, -float64(n))
	return 0, true
}

// limited gives the problem of a client that is over its own limit, or nil once
// n is counted against it. A nil limit is none.
func (l *clientLimit) limited(n int) *api.Problem {
	if l == nil {
		return nil
	}
	wait, ok := l.take(time.Now(), n)
	if ok {
		return nil
	}
	p := problem(http.StatusTooManyRequests, api.CodeRate, fmt.Sprintf("over the limit of this API key, %.0f a second; nothing was accepted", l.rate))
	p.RetryAfter = max(1, int(math.Ceil(wait.Seconds())))
	return p
}
