package telemetry

import "github.com/notifyctl/notifyctl/pipeline/policy"

// Breaker sets where the provider's circuit breaker stands.
func (r *ProviderRecorder) Breaker(state policy.BreakerState) { r.breaker.Store(int64(state)) }

// FailedOver counts notifications that the provider got in another's place,
// and of them those that the other may have accepted before: they may be
// duplicates.
func (r *ProviderRecorder) FailedOver(n, doubtful int) {
	r.failedOver.Add(int64(n))
	r.doubtful.Add(int64(doubtful))
}
