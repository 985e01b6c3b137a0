package telemetry

import (
	"fmt"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	// maxLatency is the longest latency told apart; a longer one counts as it.
	maxLatency = time.Hour
	// latencyDigits, significant ones, keep a latency within 1 % and a histogram
	// of an hour in microseconds at 27 KB.
	latencyDigits = 2
	// maxSize is the largest size told apart, of a batch or of a commit.
	maxSize = 100_000
	// sizeDigits keep a size exact up to 2047, which is above every provider's
	// largest batch.
	sizeDigits = 3
)

// Distribution is how recorded values were spread since the process started:
// microseconds for latencies, else a number of notifications or records.
type Distribution struct {
	// Histogram holds the counts. What a snapshot gives out is a copy.
	Histogram *hdrhistogram.Histogram
	Sum       int64
}

func newLatencies() Distribution {
	return Distribution{Histogram: hdrhistogram.New(1, maxLatency.Microseconds(), latencyDigits)}
}

func newSizes() Distribution {
	return Distribution{Histogram: hdrhistogram.New(1, maxSize, sizeDigits)}
}

// record counts a value. One outside the range counts as its nearest end: a
// clock that stepped back must not lose an observation. The owner locks.
func (d *Distribution) record(value int64) {
	value = min(max(value, 1), d.Histogram.HighestTrackableValue())
	if err := d.Histogram.RecordValue(value); err != nil {
		panic(fmt.Sprintf("BUG: recording %d: %v", value, err))
	}
	d.Sum += value
}

// clone copies the distribution, so that it can be read at leisure while the
// original goes on. The owner locks.
func (d *Distribution) clone() Distribution {
	return Distribution{Histogram: d.Histogram.Clone(), Sum: d.Sum}
}

// since is what was recorded after an earlier state of the same distribution; a
// zero one is the start.
func (d Distribution) since(earlier Distribution) Distribution {
	if earlier.Histogram == nil {
		return d
	}
	counts := d.Histogram.Export()
	for i, n := range earlier.Histogram.Export().Counts {
		counts.Counts[i] -= n
	}
	return Distribution{Histogram: hdrhistogram.Import(counts), Sum: d.Sum - earlier.Sum}
}

// metric turns the distribution into a Prometheus histogram with fixed bounds,
// given in the distribution's own unit; scale is that unit in the metric's. A
// value within the recording's 1 % of a bound may count above it, never below.
func (d Distribution) metric(desc *prometheus.Desc, bounds []int64, scale float64, labels ...string) prometheus.Metric {
	bars := d.Histogram.Distribution()
	cumulative := make(map[float64]uint64, len(bounds))
	next, seen := 0, uint64(0)
	for _, bound := range bounds {
		for next < len(bars) && bars[next].To <= bound {
			seen += uint64(bars[next].Count)
			next++
		}
		cumulative[float64(bound)*scale] = seen
	}
	return prometheus.MustNewConstHistogram(desc, uint64(d.Histogram.TotalCount()), float64(d.Sum)*scale, cumulative, labels...)
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
	latency Distribution // us
}

// NewLatencyRecorder makes an empty recorder.
func NewLatencyRecorder() *LatencyRecorder {
	return &LatencyRecorder{latency: newLatencies()}
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
	defer r.mu.Unlock()
	return r.latency.clone()
}

// sizeRecorder records how many things were done at once. It is safe for
// concurrent use.
type sizeRecorder struct {
	mu    sync.Mutex
	sizes Distribution
}

func newSizeRecorder() *sizeRecorder { return &sizeRecorder{sizes: newSizes()} }

func (r *sizeRecorder) record(size int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sizes.record(int64(size))
}

func (r *sizeRecorder) snapshot() Distribution {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sizes.clone()
}
