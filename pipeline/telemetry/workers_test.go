package telemetry_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
)

// The times of workers are those that there were, whenever one looks.
func TestWorkersTimeIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := telemetry.New(prometheus.NewRegistry())
		m.WorkersRunning(pipeline.SMS, 4)
		time.Sleep(10 * time.Second)
		m.WorkerBusy(pipeline.SMS)
		m.WorkerBusy(pipeline.SMS)
		time.Sleep(5 * time.Second)
		m.WorkersRunning(pipeline.SMS, 2)
		m.WorkerIdle(pipeline.SMS)
		time.Sleep(time.Second)
		w := m.Snapshot().Workers[2]
		if w.Channel != pipeline.SMS || w.Time != 62*time.Second || w.BusyTime != 11*time.Second || w.Busy != 1 || w.Running != 2 {
			t.Errorf("the workers are %+v", w)
		}
	})
}

// A batch's cost in workers' time, taken and given back.
func BenchmarkWorker(b *testing.B) {
	m := telemetry.New(prometheus.NewRegistry())
	b.ReportAllocs()
	for b.Loop() {
		m.WorkerBusy(pipeline.Push)
		m.WorkerIdle(pipeline.Push)
	}
}

// A settled slice's outcomes, of 1000 notifications.
func BenchmarkEndings(b *testing.B) {
	m := telemetry.New(prometheus.NewRegistry())
	n := &pipeline.Notification{Channel: pipeline.Email, Priority: pipeline.Low, Category: pipeline.Promotional}
	b.ReportAllocs()
	for b.Loop() {
		var e telemetry.Endings
		for range 1000 {
			e.Add(n, pipeline.Delivered)
		}
		m.Ended(&e)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/notification")
}
