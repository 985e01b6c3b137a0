package pebble

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

// benchWay takes slices the whole way through a store in memory: reserved under a
// key and committed, handed out, and settled as delivered. That one slice is on its way at a time makes a commit for each: what is
// measured is the work, not what a group of commits saves.
type benchWay struct {
	store *Store
	lease pipeline.Lease
	ids   *pipeline.IDMinter
	keys  uint64
}

func newBenchWay(b *testing.B) *benchWay {
	s, err := Open(inMemory(vfs.NewMem()))
	if err != nil {
		b.Fatal(err)
	}
	w := &benchWay{store: s, ids: pipeline.NewIDMinter(pipeline.IDKey{1})}
	if w.lease, err = s.Acquire(b.Context(), pipeline.Email); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return w
}

// slice makes the next slice, with its key.
func (w *benchWay) slice() ([]pipeline.Claim, []pipeline.Admission) {
	w.keys++
	now := time.Now()
	claims := make([]pipeline.Claim, 1)
	binary.LittleEndian.PutUint64(claims[0].Key[:], w.keys*0x9e3779b97f4a7c15)
	claims[0].Stamp, claims[0].Entries = pipeline.Stamp{At: now}, pipelinetest.BenchSlice
	first := w.ids.Reserve(pipelinetest.BenchSlice)
	admissions := make([]pipeline.Admission, pipelinetest.BenchSlice)
	for i := range admissions {
		n := pipeline.Notification{
			Ref: fmt.Sprintf("run-bench-%d", i), UserID: fmt.Sprintf("u%d", i*7919), Channel: pipeline.Email, Priority: pipeline.High, Category: pipeline.Transactional,
			TemplateID: "otp", TemplateVersion: 1, To: "ada@example.com", Variables: []pipeline.Variable{{Name: "code", Value: "123456"}},
		}
		id := w.ids.Make(now, &n, first+uint32(i))
		admissions[i] = pipeline.Admission{Record: pipeline.Record{ID: id, Notification: n}, Result: pipeline.Result{State: pipeline.Queued}, Claim: 0}
	}
	return claims, admissions
}

func (w *benchWay) intake(b *testing.B, claims []pipeline.Claim, admissions []pipeline.Admission) {
	r, err := w.store.Reserve(b.Context(), claims)
	if err == nil {
		err = r.Commit(b.Context(), admissions)
		r.Release()
	}
	if err != nil {
		b.Fatal(err)
	}
}

func (w *benchWay) fetch(b *testing.B) []*pipeline.Delivery {
	var all []*pipeline.Delivery
	for len(all) < pipelinetest.BenchSlice {
		some, err := w.lease.Fetch(b.Context(), pipeline.High, pipelinetest.BenchSlice-len(all))
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, some...)
	}
	return all
}

func (w *benchWay) settle(b *testing.B, deliveries []*pipeline.Delivery) {
	facts := make([]pipeline.Fact, len(deliveries))
	now := time.Now()
	for i, d := range deliveries {
		facts[i] = pipeline.Fact{Delivery: d, State: pipeline.Delivered, At: now, Attempt: pipeline.Attempt{Provider: "ses", Class: pipeline.Sent, At: now}}
	}
	if err := w.store.Settle(b.Context(), w.lease, facts); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkWay has the whole way of a slice, and the time of each of its steps.
func BenchmarkWay(b *testing.B) {
	w := newBenchWay(b)
	var intake, feed, settlement time.Duration
	report := pipelinetest.PerNotification(b, pipelinetest.BenchSlice)
	for b.Loop() {
		claims, admissions := w.slice()
		began := time.Now()
		w.intake(b, claims, admissions)
		committed := time.Now()
		deliveries := w.fetch(b)
		fetched := time.Now()
		w.settle(b, deliveries)
		intake, feed, settlement = intake+committed.Sub(began), feed+fetched.Sub(committed), settlement+time.Since(fetched)
	}
	report()
	for name, took := range map[string]time.Duration{"intake": intake, "feed": feed, "settlement": settlement} {
		b.ReportMetric(float64(took.Nanoseconds())/float64(b.N)/pipelinetest.BenchSlice, name+"-ns/notification")
	}
}
