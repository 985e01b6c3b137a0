package mockproviders

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Latency is how long calls take. The zero value answers at once.
type Latency struct {
	One   Spread `json:"one,omitzero"`   // a call of one notification
	Batch Spread `json:"batch,omitzero"` // a call of more, however many
}

// Spread is a distribution of times: a lognormal one, given by what half and
// what 99 % of the calls stay under, or a measured one. A P99 that is not above
// the median means that all take the median.
type Spread struct {
	Median Duration `json:"median,omitempty"`
	P99    Duration `json:"p99,omitempty"`
	// Histogram, when it is not empty, stands in place of Median and P99: how
	// many calls were measured up to each time, in rising order. Within a
	// bucket, times are spread evenly; the first begins at 0.
	Histogram []LatencyBucket `json:"histogram,omitempty"`
}

// LatencyBucket counts the calls that took up to a time, and longer than the
// bucket before it.
type LatencyBucket struct {
	UpTo  Duration `json:"up_to"`
	Count uint64   `json:"count"`
}

// Latencies are the latencies of all providers, and those of providers that
// differ. In JSON:
//
//	{
//	  "one": {"median": "100ms", "p99": "125ms"},
//	  "batch": {"median": "200ms", "p99": "250ms"},
//	  "providers": {"ses": {"one": {"histogram": [{"up_to": "50ms", "count": 70}, {"up_to": "400ms", "count": 30}]}}}
//	}
type Latencies struct {
	Latency
	// Providers are by the provider's name. What one leaves out is as for all.
	Providers map[string]Latency `json:"providers,omitempty"`
}

// ReferenceLatency is what the reference design counts on: 100 ms for one
// notification, 200 ms for any batch, with a small spread.
func ReferenceLatency() Latency {
	return Latency{
		One:   Spread{Median: Duration(100 * time.Millisecond), P99: Duration(125 * time.Millisecond)},
		Batch: Spread{Median: Duration(200 * time.Millisecond), P99: Duration(250 * time.Millisecond)},
	}
}

// FixedLatency has every call take the same time.
func FixedLatency(d time.Duration) Latency {
	return Latency{One: Spread{Median: Duration(d)}, Batch: Spread{Median: Duration(d)}}
}

// ParseLatencies reads latencies from JSON and checks them.
func ParseLatencies(text []byte) (Latencies, error) {
	var l Latencies
	if err := parseJSON(text, "the latencies", &l); err != nil {
		return Latencies{}, err
	}
	return l, l.Validate()
}

// Validate says what is wrong with latencies, naming the place.
func (l Latencies) Validate() error {
	if err := l.validate(); err != nil {
		return fmt.Errorf("latencies: %w", err)
	}
	for _, p := range providers() { // in order, so that the same error comes first
		if err := l.Providers[p.String()].validate(); err != nil {
			return fmt.Errorf("latencies of %s: %w", p, err)
		}
	}
	for name := range l.Providers {
		if err := checkProvider(name); err != nil {
			return fmt.Errorf("latencies: %w", err)
		}
	}
	return nil
}

func (l Latency) validate() error {
	if err := l.One.validate(); err != nil {
		return fmt.Errorf("one: %w", err)
	}
	if err := l.Batch.validate(); err != nil {
		return fmt.Errorf("batch: %w", err)
	}
	return nil
}

// maxLatency bounds how long a call takes, maxLatencyBuckets a histogram.
const (
	maxLatency        = 24 * time.Hour
	maxLatencyBuckets = 10_000
)

func (s Spread) validate() error {
	if limit := Duration(maxLatency); s.Median < 0 || s.P99 < 0 || s.Median > limit || s.P99 > limit {
		return fmt.Errorf("median and p99 are %v and %v; accepted is 0s to %v", time.Duration(s.Median), time.Duration(s.P99), maxLatency)
	}
	if len(s.Histogram) == 0 {
		if s.Median == 0 && s.P99 != 0 {
			return errors.New("p99 needs a median above 0")
		}
		return nil
	}
	if s.Median != 0 || s.P99 != 0 {
		return errors.New("a histogram stands in place of median and p99; leave one of them out")
	}
	if len(s.Histogram) > maxLatencyBuckets {
		return fmt.Errorf("the histogram has %d buckets, more than %d", len(s.Histogram), maxLatencyBuckets)
	}
	last, total := Duration(0), uint64(0)
	for i, bucket := range s.Histogram {
		if bucket.UpTo <= last || bucket.UpTo > Duration(maxLatency) {
			return fmt.Errorf("histogram[%d]: up_to is %v; accepted is a time above the %v before it, up to %v", i, time.Duration(bucket.UpTo), time.Duration(last), maxLatency)
		}
		if total+bucket.Count < total {
			return fmt.Errorf("histogram[%d]: the counts add up to more than 64 bits hold", i)
		}
		last, total = bucket.UpTo, total+bucket.Count
	}
	if total == 0 {
		return errors.New("the histogram counts no calls")
	}
	return nil
}

// latencies draw how long calls take, by provider.
type latencies [providerCount]struct{ one, batch spread }

func newLatencies(l Latencies) *latencies {
	var out latencies
	for _, p := range providers() {
		own := l.Providers[p.String()]
		out[p].one = newSpread(firstSet(own.One, l.One))
		out[p].batch = newSpread(firstSet(own.Batch, l.Batch))
	}
	return &out
}

// firstSet is the first spread that says anything; spreads are not comparable.
func firstSet(own, all Spread) Spread {
	if own.Median == 0 && len(own.Histogram) == 0 {
		return all
	}
	return own
}

// of draws the latency of a call from its number, so that a seed gives the same
// latencies again.
func (l *latencies) of(p provider, entries int, seed, number uint64) time.Duration {
	if entries > 1 {
		return l[p].batch.draw(seed, number)
	}
	return l[p].one.draw(seed, number)
}

// spread is a [Spread] made ready for draws.
type spread struct {
	median time.Duration
	sigma  float64 // 0 for a fixed time
	upTo   []Duration
	counts []uint64 // up to each time, together
}

func newSpread(s Spread) spread {
	out := spread{median: time.Duration(s.Median)}
	if s.P99 > s.Median {
		// ln(P99 / median) = 2.3263 sigma, 2.3263 being the normal distribution's
		// 99th percentile.
		out.sigma = math.Log(float64(s.P99)/float64(s.Median)) / 2.3263478740408408
	}
	total := uint64(0)
	for _, bucket := range s.Histogram {
		total += bucket.Count
		out.upTo, out.counts = append(out.upTo, bucket.UpTo), append(out.counts, total)
	}
	return out
}

func (s *spread) draw(seed, number uint64) time.Duration {
	if s.sigma == 0 && len(s.counts) == 0 {
		return s.median
	}
	random := rand.New(rand.NewPCG(seed, number))
	if len(s.counts) == 0 {
		drawn := float64(s.median) * math.Exp(s.sigma*random.NormFloat64())
		return time.Duration(min(drawn, float64(maxLatency))) // however wide the spread
	}
	// The call of that rank, and its place within its bucket.
	rank := random.Uint64N(s.counts[len(s.counts)-1]) + 1
	at, _ := slices.BinarySearch(s.counts, rank)
	low := Duration(0)
	if at > 0 {
		low = s.upTo[at-1]
	}
	return time.Duration(low) + time.Duration(random.Float64()*float64(s.upTo[at]-low))
}
