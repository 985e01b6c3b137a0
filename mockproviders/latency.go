package mockproviders

import (
	"math"
	"math/rand/v2"
	"time"
)

// Latency is how long calls take. The zero value answers at once.
type Latency struct {
	One   Spread // a call of one notification
	Batch Spread // a call of more, however many
}

// Spread is a lognormal distribution, given by what half and what 99 % of the
// calls stay under. A P99 that is not above the median means that all take the
// median.
type Spread struct{ Median, P99 time.Duration }

// ReferenceLatency is what the reference design counts on: 100 ms for one
// notification, 200 ms for any batch, with a small spread.
func ReferenceLatency() Latency {
	return Latency{
		One:   Spread{100 * time.Millisecond, 125 * time.Millisecond},
		Batch: Spread{200 * time.Millisecond, 250 * time.Millisecond},
	}
}

// FixedLatency has every call take the same time.
func FixedLatency(d time.Duration) Latency {
	return Latency{One: Spread{Median: d}, Batch: Spread{Median: d}}
}

// of draws the latency of a call from its number, so that a seed gives the same
// latencies again.
func (l Latency) of(entries int, seed, number uint64) time.Duration {
	spread := l.One
	if entries > 1 {
		spread = l.Batch
	}
	if spread.P99 <= spread.Median {
		return spread.Median
	}
	// ln(P99 / median) = 2.3263 sigma, 2.3263 being the normal distribution's
	// 99th percentile.
	sigma := math.Log(float64(spread.P99)/float64(spread.Median)) / 2.3263478740408408
	z := rand.New(rand.NewPCG(seed, number)).NormFloat64()
	return time.Duration(float64(spread.Median) * math.Exp(sigma*z))
}
