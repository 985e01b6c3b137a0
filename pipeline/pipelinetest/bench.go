package pipelinetest

import (
	"runtime"
	"testing"
)

// BenchSlice is how many notifications an operation of a benchmark handles: as
// many as a usual request holds.
const BenchSlice = 100

// PerNotification begins to measure what operations on slices of n take of the
// processor and the heap, and gives what reports it: ns, B and allocs a
// notification. It is called right before the loop, and the report after it.
func PerNotification(b *testing.B, n int) (report func()) {
	b.Helper()
	b.ReportAllocs()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	return func() {
		b.Helper()
		runtime.ReadMemStats(&after)
		notifications := float64(b.N) * float64(n)
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/notifications, "ns/notification")
		b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/notifications, "B/notification")
		b.ReportMetric(float64(after.Mallocs-before.Mallocs)/notifications, "allocs/notification")
	}
}
