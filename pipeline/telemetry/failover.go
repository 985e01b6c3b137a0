package telemetry

import (
	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/policy"
)

// Breaker sets where the provider's circuit breaker stands.
func (r *ProviderRecorder) Breaker(state policy.BreakerState) { r.breaker.Store(int64(state)) }

// FailedOver counts notifications that the provider got in another's place,
// and of them those that the other may have accepted before: they may be
// duplicates.
func (r *ProviderRecorder) FailedOver(n, doubtful int) {
	r.failedOver.Add(int64(n))
	r.doubtful.Add(int64(doubtful))
}

// OverBudget counts retries of a channel that were put off since the retry
// budget was spent.
func (m *Metrics) OverBudget(c pipeline.Channel, n int) { m.worker(c).overBudget.Add(int64(n)) }
