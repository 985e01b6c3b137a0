package telemetry

import (
	"fmt"
	"sync"
	"time"
)

// Stage is a part of a notification's way from acceptance to its durable
// outcome. The stages of one notification add up to its end-to-end time.
type Stage uint8

// The stages, in the order of the way.
const (
	StageQueue  Stage = iota // accepted until fetched; earlier attempts and their waits count here
	StageBatch               // fetched until its batch starts to be sent
	StageSend                // the provider's call
	StageSettle              // answered until the outcome is durable
	numStages
)

// Stages lists the stages, in the order of the way.
func Stages() []Stage { return []Stage{StageQueue, StageBatch, StageSend, StageSettle} }

// String gives the stage's name, as labels and results hold it.
func (s Stage) String() string {
	switch s {
	case StageQueue:
		return "queue"
	case StageBatch:
		return "batch"
	case StageSend:
		return "send"
	case StageSettle:
		return "settle"
	}
	return fmt.Sprintf("stage(%d)", uint8(s))
}

// Passage is when a notification that was sent passed from stage to stage.
type Passage struct {
	Accepted time.Time // the 202
	Fetched  time.Time // handed out by the feed
	Started  time.Time // its batch began to be sent
	Answered time.Time // the provider's answer was read
	Settled  time.Time // the outcome is durable
}

// stages gives the time spent in each stage, a stage that ended before it began,
// by a clock that stepped back, as none.
func (p *Passage) stages() [numStages]time.Duration {
	return [numStages]time.Duration{
		StageQueue:  max(0, p.Fetched.Sub(p.Accepted)),
		StageBatch:  max(0, p.Started.Sub(p.Fetched)),
		StageSend:   max(0, p.Answered.Sub(p.Started)),
		StageSettle: max(0, p.Settled.Sub(p.Answered)),
	}
}

// StageRecorder records the end-to-end latency of one queue's notifications, in
// whole and by stage. It is safe for concurrent use.
type StageRecorder struct {
	mu     sync.Mutex
	total  Distribution // us
	stages [numStages]Distribution
}

func newStageRecorder() *StageRecorder {
	r := &StageRecorder{total: newLatencies()}
	for s := range r.stages {
		r.stages[s] = newLatencies()
	}
	return r
}

// RecordBatch counts the passages of notifications that were settled together.
// A notification counts once, at its outcome.
func (r *StageRecorder) RecordBatch(passages []Passage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range passages {
		var total time.Duration
		for s, d := range passages[i].stages() {
			r.stages[s].record(d.Microseconds())
			total += d
		}
		r.total.record(total.Microseconds())
	}
}

// EndToEndSnapshot is the latency of a queue's notifications, in microseconds.
type EndToEndSnapshot struct {
	Total  Distribution
	Stages [numStages]Distribution // by Stage
}

// Snapshot is what was recorded so far: the total and the stages are of the
// same notifications.
func (r *StageRecorder) Snapshot() EndToEndSnapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	snapshot := EndToEndSnapshot{Total: r.total.clone()}
	for s := range r.stages {
		snapshot.Stages[s] = r.stages[s].clone()
	}
	return snapshot
}
