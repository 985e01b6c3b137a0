package delivery

import (
	"testing"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
	"github.com/notifyctl/notifyctl/pipeline/policy"
)

// BenchmarkBatch takes a worker for batches of 100, divides each among the
// channel's providers, and notes how the call ended.
func BenchmarkBatch(b *testing.B) {
	const size = pipelinetest.BenchSlice
	p := poolOf(1)
	queue := pipeline.Queue{Channel: pipeline.Email, Priority: pipeline.Normal}
	deliveries := make([]addressed, size)
	for i := range deliveries {
		deliveries[i] = addressed{Delivery: &pipeline.Delivery{}, to: [maxUpstreams]string{"ada@example.com"}}
	}
	report := pipelinetest.PerNotification(b, size)
	for b.Loop() {
		granted, err := p.take(b.Context(), queue.Priority, nil)
		if err != nil {
			b.Fatal(err)
		}
		division := p.divide(queue, deliveries, &granted)
		if len(division.parts) != 1 || len(division.parts[0].deliveries) != size {
			b.Fatalf("%d parts", len(division.parts))
		}
		p.record(&division.parts[0], policy.CallSucceeded, size)
		p.give(&granted)
	}
	report()
}
