package telemetry_test

import (
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"pgregory.net/rapid"
)

// histogram reads one histogram of a registry.
func histogram(t *rapid.T, g prometheus.Gatherer, name string, labels map[string]string) *dto.Histogram {
	families, err := g.Gather()
	if err != nil {
		t.Fatalf("gathering: %v", err)
	}
	for _, f := range families {
		for _, metric := range f.GetMetric() {
			matched := 0
			for _, l := range metric.GetLabel() {
				if labels[l.GetName()] == l.GetValue() {
					matched++
				}
			}
			if f.GetName() == name && matched == len(labels) {
				return metric.GetHistogram()
			}
		}
	}
	t.Fatalf("no histogram %s%v", name, labels)
	return nil
}

// The buckets of the exported histogram never count a latency below its bound
// that is above it, and misplace upwards by 1 % at most.
func TestExportedLatenciesLieInTheirBuckets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		latencies := rapid.SliceOfN(rapid.Int64Range(0, 2*time.Hour.Microseconds()), 1, 50).Draw(t, "us")
		reg := prometheus.NewRegistry()
		m := telemetry.New(reg)
		for _, us := range latencies {
			m.Request("GET /x", 200, time.Duration(us)*time.Microsecond)
		}
		h := histogram(t, reg, "notifyctl_api_request_duration_seconds", map[string]string{"route": "GET /x"})
		if h.GetSampleCount() != uint64(len(latencies)) {
			t.Fatalf("count %d, want %d", h.GetSampleCount(), len(latencies))
		}
		for _, b := range h.GetBucket() {
			var below, surely uint64
			for _, us := range latencies {
				if seconds := float64(us) / 1e6; seconds <= b.GetUpperBound() {
					below++
					if seconds*1.01 <= b.GetUpperBound() {
						surely++
					}
				}
			}
			if n := b.GetCumulativeCount(); n > below || n < surely {
				t.Fatalf("%d within %v s, want %d to %d", n, b.GetUpperBound(), surely, below)
			}
		}
	})
}

// Providers' largest batches are bounds of the histogram, and a full batch must
// not count above them.
func TestBatchSizesAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(1, 1000), 1, 50).Draw(t, "sizes")
		q := pipeline.Queue{Channel: pipeline.SMS, Priority: pipeline.Normal}
		reg := prometheus.NewRegistry()
		m := telemetry.New(reg)
		for _, size := range sizes {
			m.Batch(q, size)
		}
		h := histogram(t, reg, "notifyctl_delivery_batch_size_notifications", map[string]string{"channel": "sms", "priority": "normal"})
		sum := 0
		for _, size := range sizes {
			sum += size
		}
		if h.GetSampleSum() != float64(sum) {
			t.Fatalf("sum %v, want %d", h.GetSampleSum(), sum)
		}
		for _, b := range h.GetBucket() {
			var within uint64
			for _, size := range sizes {
				if float64(size) <= b.GetUpperBound() {
					within++
				}
			}
			if b.GetCumulativeCount() != within {
				t.Fatalf("%d batches up to %v, want %d", b.GetCumulativeCount(), b.GetUpperBound(), within)
			}
		}
	})
}

// A notification's stages add up to its end-to-end time, whatever the clocks
// did in between.
func TestStagesAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := pipeline.Queue{Channel: pipeline.Push, Priority: pipeline.High}
		m := telemetry.New(prometheus.NewRegistry())
		gap := rapid.Int64Range(-1e6, 60e6) // us
		passages := make([]telemetry.Passage, rapid.IntRange(1, 20).Draw(t, "n"))
		for i := range passages {
			at := time.UnixMilli(1_800_000_000_000)
			step := func(name string) time.Time {
				at = at.Add(time.Duration(gap.Draw(t, name)) * time.Microsecond)
				return at
			}
			passages[i] = telemetry.Passage{
				Accepted: at, Fetched: step("fetched"), Started: step("started"), Answered: step("answered"), Settled: step("settled"),
			}
		}
		m.EndToEnd(q).RecordBatch(passages)

		way := m.EndToEnd(q).Snapshot()
		if n := way.Total.Histogram.TotalCount(); n != int64(len(passages)) {
			t.Fatalf("%d recorded, want %d", n, len(passages))
		}
		var sum int64
		for _, s := range telemetry.Stages() {
			if n := way.Stages[s].Histogram.TotalCount(); n != int64(len(passages)) {
				t.Fatalf("%d recorded of stage %v, want %d", n, s, len(passages))
			}
			sum += way.Stages[s].Sum
		}
		// A stage of no time counts as 1 us, the least that is told apart.
		if allowed := int64(len(passages) * len(telemetry.Stages())); sum < way.Total.Sum-allowed || sum > way.Total.Sum+allowed {
			t.Fatalf("stages add up to %d us, the whole is %d us", sum, way.Total.Sum)
		}
	})
}

// A snapshot is a copy: what is recorded later does not change it.
func TestSnapshotsStandStill(t *testing.T) {
	r := telemetry.NewLatencyRecorder()
	r.RecordBatch(time.Millisecond, 2*time.Millisecond)
	before := r.Snapshot()
	r.Record(time.Second)
	if n := before.Histogram.TotalCount(); n != 2 || before.Sum != 3000 {
		t.Errorf("an earlier snapshot became %d values of %d us", n, before.Sum)
	}
	if after := r.Snapshot(); after.Histogram.TotalCount() != 3 {
		t.Errorf("%d values, want 3", after.Histogram.TotalCount())
	}
}

func TestLatenciesOutOfRangeCountAtTheEnds(t *testing.T) {
	r := telemetry.NewLatencyRecorder()
	r.RecordBatch(-time.Second, 0, 3*time.Hour)
	s := r.Snapshot()
	if low, high := s.Histogram.Min(), s.Histogram.Max(); low != 1 || time.Duration(high)*time.Microsecond < time.Hour {
		t.Errorf("from %d to %d us, want from 1 us to an hour", low, high)
	}
	if s.Histogram.TotalCount() != 3 {
		t.Errorf("%d values, want 3", s.Histogram.TotalCount())
	}
}
