package telemetry

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// ProviderRecorder records what is done with one provider. It is safe for
// concurrent use.
type ProviderRecorder struct {
	latency  *LatencyRecorder
	running  atomic.Int64 // calls
	entries  atomic.Int64
	attempts [numClasses]atomic.Int64
	segments atomic.Int64 // of SMS, accepted
	pooled   atomic.Int64 // connections at most
	opened   atomic.Int64 // connections
	closed   atomic.Int64 // connections

	breaker              atomic.Int64 // a policy.BreakerState
	failedOver, doubtful atomic.Int64
}

// CallStarted says that a call begins; Called follows.
func (r *ProviderRecorder) CallStarted() { r.running.Add(1) }

// Called counts a call that ended, how many notifications it carried and how
// long it took, whatever came of it.
func (r *ProviderRecorder) Called(entries int, d time.Duration) {
	r.running.Add(-1)
	r.latency.Record(d)
	r.entries.Add(int64(entries))
}

// Attempted counts notifications by what the provider's answer came down to.
func (r *ProviderRecorder) Attempted(class pipeline.AnswerClass, n int) {
	if class == 0 || int(class) >= numClasses {
		panic(fmt.Sprintf("BUG: metrics of attempts of an unknown class %v", class))
	}
	r.attempts[class].Add(int64(n))
}

// SentSegments counts the segments of SMS that the provider accepted.
func (r *ProviderRecorder) SentSegments(n int) { r.segments.Add(int64(n)) }

// Pool sets how many connections there may be.
func (r *ProviderRecorder) Pool(connections int) { r.pooled.Store(int64(connections)) }

// ConnectionOpened counts a connection that was dialled; ConnectionClosed
// follows.
func (r *ProviderRecorder) ConnectionOpened() { r.opened.Add(1) }

// ConnectionClosed counts a connection that was closed.
func (r *ProviderRecorder) ConnectionClosed() { r.closed.Add(1) }

// LogRecorder records the commits of one durable log. It is safe for concurrent
// use.
type LogRecorder struct {
	latency *LatencyRecorder
	records *sizeRecorder
}

// Committed counts one group commit, how many records it made durable, and how
// long it took from its first write until it was synced.
func (r *LogRecorder) Committed(records int, d time.Duration) {
	r.latency.Record(d)
	r.records.record(records)
}
