package provider_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/provider"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
)

// BenchmarkSend sends full batches to a mock in the same process, so that a
// message's time is that of client, both HTTP stacks, loopback and mock
// together.
func BenchmarkSend(b *testing.B) {
	for _, w := range wires() {
		b.Run(w.name, func(b *testing.B) {
			_, url := startMock(b, mockproviders.Options{})
			metrics := telemetry.New(prometheus.NewRegistry()).Provider(w.name)
			client := w.make(b, provider.Options{BaseURL: url, Metrics: metrics})
			sent := messages(w.channel, client.MaxBatch())
			client.Send(b.Context(), sent) // opens the connections
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				for _, a := range client.Send(b.Context(), sent) {
					if a.Class != pipeline.Sent {
						b.Fatalf("not sent: %+v", a)
					}
				}
			}
			b.StopTimer()
			perMessage := float64(b.Elapsed().Nanoseconds()) / float64(b.N*len(sent))
			b.ReportMetric(perMessage, "ns/message")
		})
	}
}
