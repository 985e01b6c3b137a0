package telemetry

import (
	"fmt"
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// workerSeries counts a channel's workers, and the time of all of them and of
// those that are busy: two moments of it give how busy they were in between,
// which no gauge that is looked at now and then does.
type workerSeries struct {
	mu sync.Mutex
	WorkerSnapshot
	since time.Time // until when the times are counted
}

// change counts the time until now, then changes the numbers.
func (w *workerSeries) change(f func(s *WorkerSnapshot)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count()
	f(&w.WorkerSnapshot)
}

func (w *workerSeries) count() {
	now := time.Now()
	if !w.since.IsZero() {
		passed := now.Sub(w.since)
		w.Time += passed * time.Duration(w.Running)
		w.BusyTime += passed * time.Duration(w.Busy)
	}
	w.since = now
}

func (w *workerSeries) snapshot(c pipeline.Channel) WorkerSnapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count()
	s := w.WorkerSnapshot
	s.Channel = c
	return s
}

func (m *Metrics) worker(c pipeline.Channel) *workerSeries {
	if c == 0 || int(c) >= numChannels {
		panic(fmt.Sprintf("BUG: metrics of an unknown channel %v", c))
	}
	return &m.workers[c]
}

// WorkersDesired sets how many workers a channel should have.
func (m *Metrics) WorkersDesired(c pipeline.Channel, n int) {
	m.worker(c).change(func(s *WorkerSnapshot) { s.Desired = int64(n) })
}

// WorkersRunning sets how many workers a channel has, busy or not.
func (m *Metrics) WorkersRunning(c pipeline.Channel, n int) {
	m.worker(c).change(func(s *WorkerSnapshot) { s.Running = int64(n) })
}

// WorkerBusy says that a worker of a channel took a batch; WorkerIdle follows.
func (m *Metrics) WorkerBusy(c pipeline.Channel) {
	m.worker(c).change(func(s *WorkerSnapshot) { s.Busy++ })
}

// WorkerIdle says that a worker of a channel is done with its batch.
func (m *Metrics) WorkerIdle(c pipeline.Channel) {
	m.worker(c).change(func(s *WorkerSnapshot) { s.Busy-- })
}

// OverBudget counts retries of a channel that were put off since the retry
// budget was spent.
func (m *Metrics) OverBudget(c pipeline.Channel, n int) {
	m.worker(c).change(func(s *WorkerSnapshot) { s.OverBudget += int64(n) })
}
