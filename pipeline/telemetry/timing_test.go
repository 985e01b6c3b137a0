package telemetry_test

import (
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
	"github.com/prometheus/client_golang/prometheus"
)

// What telemetry adds to a notification on the hot path: its five latencies, in
// a batch of 100.
func BenchmarkPassage(b *testing.B) {
	recorder := telemetry.New(prometheus.NewRegistry()).EndToEnd(pipeline.Queue{Channel: pipeline.Email, Priority: pipeline.Low})
	now := time.Now()
	batch := make([]telemetry.Passage, 100)
	for i := range batch {
		accepted := now.Add(time.Duration(i) * time.Millisecond)
		fetched := accepted.Add(3 * time.Millisecond)
		batch[i] = telemetry.Passage{
			Accepted: accepted, Fetched: fetched, Started: fetched.Add(200 * time.Millisecond),
			Answered: fetched.Add(400 * time.Millisecond), Settled: fetched.Add(450 * time.Millisecond),
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		recorder.RecordBatch(batch)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(batch)), "ns/notification")
}

// What one status snapshot costs a server that has been busy.
func BenchmarkSnapshot(b *testing.B) {
	m := telemetry.New(prometheus.NewRegistry())
	for range 100 {
		record(m)
	}
	b.ReportAllocs()
	for b.Loop() {
		m.Snapshot()
	}
}
