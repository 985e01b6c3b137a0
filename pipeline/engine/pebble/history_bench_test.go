package pebble

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// BenchmarkHistory keeps what has ended, in commits of 1000 notifications of a
// user each, on a disk. The processor's time is that of the whole process, so
// it has what the store does behind its commits; run it for millions of
// notifications to have all of that:
//
//	go test -run '^$' -bench '^BenchmarkHistory$' -benchtime 10000x ./pipeline/engine/pebble
func BenchmarkHistory(b *testing.B) {
	h := newBenchHistory(b)
	began := processorTime(b)
	for b.Loop() {
		h.commit(b)
	}
	b.ReportMetric(float64(processorTime(b)-began)/float64(h.n), "cpu-ns/notification")
	b.ReportMetric(float64(b.Elapsed())/float64(h.n), "ns/notification")
	m := h.store.db.Metrics()
	written := m.WAL.BytesWritten + m.Total().TableBytesFlushed + m.Total().TableBytesCompacted + m.Total().TableBytesIngested
	b.ReportMetric(float64(written)/float64(h.n), "written-B/notification")
}

// BenchmarkUserHistory lists all of a user's, of four million notifications.
func BenchmarkUserHistory(b *testing.B) {
	h := newBenchHistory(b)
	for h.n < 4<<20 {
		h.commit(b)
	}
	user, rows := 0, 0
	b.ResetTimer()
	for b.Loop() {
		user++
		err := h.store.userRows(b.Context(), pipeline.UserHash(h.names[user*104_729%len(h.names)]), pipeline.ID{}, highestID(), func(pipeline.ID, string) (bool, error) {
			rows++
			return true, nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows)/float64(b.N), "rows/op")
}

// benchHistory commits what has ended, a thousand at a time.
type benchHistory struct {
	store       *Store
	refs, names []string
	ids         *pipeline.IDMinter
	admissions  []pipeline.Admission
	n           int
}

func newBenchHistory(b *testing.B) *benchHistory {
	cfg := inMemory(nil)
	cfg.Dir = b.TempDir()
	s, err := Open(cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	const commit, users = 1000, 1_000_000
	h := &benchHistory{
		store: s, refs: make([]string, commit), names: make([]string, users),
		ids: pipeline.NewIDMinter(pipeline.IDKey{1}), admissions: make([]pipeline.Admission, commit),
	}
	for i := range h.refs {
		h.refs[i] = fmt.Sprintf("run-bench-%d", i)
	}
	for i := range h.names {
		h.names[i] = fmt.Sprintf("u%d", i)
	}
	return h
}

func (h *benchHistory) commit(b *testing.B) {
	now, first := time.Now(), h.ids.Reserve(len(h.admissions))
	for i := range h.admissions {
		h.n++
		to := pipeline.Notification{
			Ref: h.refs[i], UserID: h.names[h.n*7919%len(h.names)], Channel: pipeline.Email, Priority: pipeline.High, Category: pipeline.Promotional,
		}
		// Accepted up to 20 ms ago, as many as end out of turn at 50,000/s when
		// each takes up to 300 ms.
		at := now.Add(-time.Duration(h.n%20) * time.Millisecond)
		h.admissions[i] = pipeline.Admission{
			Record: pipeline.Record{ID: h.ids.Make(at, &to, first+uint32(i)), Notification: to},
			Result: pipeline.Result{State: pipeline.Suppressed, Reason: "opted_out_of_category"}, Claim: -1,
		}
	}
	r, err := h.store.Reserve(b.Context(), nil)
	if err == nil {
		err = r.Commit(b.Context(), h.admissions)
		r.Release()
	}
	if err != nil {
		b.Fatal(err)
	}
}

// processorTime is what the process has used so far.
func processorTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
