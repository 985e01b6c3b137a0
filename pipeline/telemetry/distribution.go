package telemetry

import (
	"fmt"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	// significantDigits keeps every recorded value within 1 % and a histogram
	// of an hour in microseconds at 27 KB.
	significantDigits = 2
	// maxLatency is the longest latency told apart; a longer one counts as it.
	maxLatency = time.Hour
	// maxSize is the largest size told apart, of a batch or of a commit.
	maxSize = 1_000_000
)

// distribution counts integer values from 1 up to a highest one. It is not safe
// for concurrent use: its owner locks.
type distribution struct {
	counts *hdrhistogram.Histogram
	sum    int64
	max    int64
}

func newDistribution(highest int64) distribution {
	return distribution{counts: hdrhistogram.New(1, highest, significantDigits)}
}

// record counts a value. One outside the range counts as its nearest end: a
// clock that stepped back must not lose an observation.
func (d *distribution) record(value int64) {
	value = min(max(value, 1), d.counts.HighestTrackableValue())
	if err := d.counts.RecordValue(value); err != nil {
		panic(fmt.Sprintf("BUG: recording %d: %v", value, err))
	}
	d.sum += value
	d.max = max(d.max, value)
}

// clone copies the distribution, so that it can be read at leisure while the
// original goes on.
func (d *distribution) clone() distribution {
	return distribution{counts: d.counts.Clone(), sum: d.sum, max: d.max}
}

// snapshot lists the counts that are not 0.
func (d *distribution) snapshot() Distribution {
	s := Distribution{Count: d.counts.TotalCount(), Sum: d.sum, Max: d.max}
	for _, bar := range d.counts.Distribution() {
		if bar.Count > 0 {
			s.Buckets = append(s.Buckets, Bucket{UpperBound: bar.To, Count: bar.Count})
		}
	}
	return s
}

// Bucket counts the values of one narrow range.
type Bucket struct {
	UpperBound int64 // the highest value that counts here
	Count      int64 // the values in this bucket alone, not cumulative
}

// Distribution is how recorded values were spread, since the process started:
// microseconds for latencies, else a number of notifications or records. The
// difference of two distributions of one recorder is that of the time between.
type Distribution struct {
	Count   int64
	Sum     int64
	Max     int64    // exact, where a bucket's bound is rounded up by at most 1 %
	Buckets []Bucket // ascending, empty ones left out
}

// Quantile is the least value that a share q of the values does not exceed, q
// from 0 to 1; it is rounded up by at most 1 %, and never above Max. Without
// values it is 0.
func (d Distribution) Quantile(q float64) int64 {
	var seen int64
	for _, b := range d.Buckets {
		seen += b.Count
		if float64(seen) >= q*float64(d.Count) {
			return min(b.UpperBound, d.Max)
		}
	}
	return d.Max
}

// metric turns the distribution into a Prometheus histogram with fixed bounds,
// given in the distribution's own unit; scale is that unit in the metric's. A
// bucket that straddles a bound counts above it, so a series is never better
// than what was recorded.
func (d Distribution) metric(desc *prometheus.Desc, bounds []int64, scale float64, labels ...string) prometheus.Metric {
	cumulative := make(map[float64]uint64, len(bounds))
	next, seen := 0, uint64(0)
	for _, bound := range bounds {
		for next < len(d.Buckets) && d.Buckets[next].UpperBound <= bound {
			seen += uint64(d.Buckets[next].Count)
			next++
		}
		cumulative[float64(bound)*scale] = seen
	}
	return prometheus.MustNewConstHistogram(desc, uint64(d.Count), float64(d.Sum)*scale, cumulative, labels...)
}

// latencyBounds are the bounds of every latency histogram, in microseconds:
// from a local answer of 1 ms over the service levels of 500 ms and 10 s to a
// backlog of half an hour.
func latencyBounds() []int64 {
	return []int64{
		1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
		2_500_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000, 300_000_000, 1_800_000_000,
	}
}

// sizeBounds are the bounds of every size histogram; the providers' largest
// batches are 100, 500 and 1000.
func sizeBounds() []int64 { return []int64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000, 20_000} }

// LatencyRecorder records latencies from 1 us to 1 h to two significant digits.
// It is safe for concurrent use.
type LatencyRecorder struct {
	mu      sync.Mutex
	latency distribution // us
}

// NewLatencyRecorder makes an empty recorder.
func NewLatencyRecorder() *LatencyRecorder {
	return &LatencyRecorder{latency: newDistribution(maxLatency.Microseconds())}
}

// Record counts one latency.
func (r *LatencyRecorder) Record(d time.Duration) { r.RecordBatch(d) }

// RecordBatch counts many latencies under one lock.
func (r *LatencyRecorder) RecordBatch(latencies ...time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range latencies {
		r.latency.record(d.Microseconds())
	}
}

// Snapshot is what was recorded so far, in microseconds.
func (r *LatencyRecorder) Snapshot() Distribution {
	r.mu.Lock()
	d := r.latency.clone()
	r.mu.Unlock()
	return d.snapshot()
}

// sizeRecorder records how many things were done at once. It is safe for
// concurrent use.
type sizeRecorder struct {
	mu    sync.Mutex
	sizes distribution
}

func newSizeRecorder() *sizeRecorder { return &sizeRecorder{sizes: newDistribution(maxSize)} }

func (r *sizeRecorder) record(size int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sizes.record(int64(size))
}

func (r *sizeRecorder) snapshot() Distribution {
	r.mu.Lock()
	d := r.sizes.clone()
	r.mu.Unlock()
	return d.snapshot()
}
