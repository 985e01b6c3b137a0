package load

import (
	"fmt"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/RoaringBitmap/roaring/v2"
)

const (
	// shards keeps the workers, which all record, out of each other's way.
	shards = 4
	// longest is the longest latency that is told apart: the deadline of a
	// request and the lag of a late one lie below it.
	longest = 2 * time.Minute
	// lateAfter is when a request counts as late: well beyond what timers and
	// the scheduler of an idle machine are off by.
	lateAfter = 10 * time.Millisecond
	// stageFigures is how many significant digits the latencies of stages have.
	stageFigures = 3
)

// sample is what a worker knows of a request that is over.
type sample struct {
	turn
	sent time.Duration // when it was
	done time.Duration // when its answer was read
	held bool          // whether all connections were busy when it was due, or later
	kind Kind
}

// tally counts samples and keeps their latencies, in bounded memory.
type tally struct {
	counts   [kinds]uint64
	late     uint64
	lateHeld uint64
	response *hdrhistogram.Histogram // from the moment it was due, in microseconds
	service  *hdrhistogram.Histogram // from the moment it was sent
}

func newTally(figures int) *tally {
	fresh := func() *hdrhistogram.Histogram { return hdrhistogram.New(1, longest.Microseconds(), figures) }
	return &tally{response: fresh(), service: fresh()}
}

func (t *tally) add(s sample) {
	t.counts[s.kind]++
	if s.sent-s.due > lateAfter {
		t.late++
		if s.held {
			t.lateHeld++
		}
	}
	record(t.response, s.done-s.due)
	record(t.service, s.done-s.sent)
}

// record keeps what lies above the range at its upper end, where it still
// counts as very slow.
func record(h *hdrhistogram.Histogram, d time.Duration) {
	if err := h.RecordValue(min(max(d.Microseconds(), 0), longest.Microseconds())); err != nil {
		panic(fmt.Sprintf("BUG: a latency within the histogram's range was refused: %v", err))
	}
}

func (t *tally) merge(other *tally) {
	for kind, n := range other.counts {
		t.counts[kind] += n
	}
	t.late += other.late
	t.lateHeld += other.lateHeld
	t.response.Merge(other.response)
	t.service.Merge(other.service)
}

func (t *tally) reset() {
	t.counts, t.late, t.lateHeld = [kinds]uint64{}, 0, 0
	t.response.Reset()
	t.service.Reset()
}

// recorder collects the samples of a run: by stage from its start, and those
// of the current second. It is safe for concurrent use, and its memory does
// not grow with the run but for the bitmap of accepted sequences, which is
// compressed.
type recorder struct {
	batch  int
	shards [shards]shard

	mu       sync.Mutex
	accepted *roaring.Bitmap // sequences of notifications
}

type shard struct {
	mu     sync.Mutex
	stages []*tally
	recent *tally // since the last roll
}

func newRecorder(stages, batch int) *recorder {
	r := &recorder{batch: batch, accepted: roaring.New()}
	for i := range r.shards {
		s := &r.shards[i]
		s.recent = newTally(2)
		for range stages {
			s.stages = append(s.stages, newTally(stageFigures))
		}
	}
	return r
}

// add records a sample; stage is the one in which it was due.
func (r *recorder) add(s sample, stage int) {
	shard := &r.shards[s.seq%shards]
	shard.mu.Lock()
	shard.stages[stage].add(s)
	shard.recent.add(s)
	shard.mu.Unlock()
	if s.kind == Accepted {
		first := s.number * uint64(r.batch)
		r.mu.Lock()
		r.accepted.AddRange(first, first+uint64(r.batch))
		r.mu.Unlock()
	}
}

// roll gives what was recorded since the last roll.
func (r *recorder) roll() *tally {
	sum := newTally(2)
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		sum.merge(s.recent)
		s.recent.reset()
		s.mu.Unlock()
	}
	return sum
}

// stage gives what was recorded of a stage so far.
func (r *recorder) stage(i int) *tally {
	sum := newTally(stageFigures)
	for j := range r.shards {
		s := &r.shards[j]
		s.mu.Lock()
		sum.merge(s.stages[i])
		s.mu.Unlock()
	}
	return sum
}

// acceptedSequences gives a copy of the sequences answered 202.
func (r *recorder) acceptedSequences() *roaring.Bitmap {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.accepted.RunOptimize()
	return r.accepted.Clone()
}
