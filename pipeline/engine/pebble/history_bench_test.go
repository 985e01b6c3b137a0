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
	cfg := inMemory(nil)
	cfg.Dir = b.TempDir()
	s, err := Open(cfg)
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	}()
	const commit, users = 1000, 1_000_000
	refs, names := make([]string, commit), make([]string, users)
	for i := range refs {
		refs[i] = fmt.Sprintf("run-bench-%d", i)
	}
	for i := range names {
		names[i] = fmt.Sprintf("u%d", i)
	}
	ids := pipeline.NewIDMinter(pipeline.IDKey{1})
	admissions := make([]pipeline.Admission, commit)
	n := 0
	began := processorTime(b)
	for b.Loop() {
		now, first := time.Now(), ids.Reserve(commit)
		for i := range admissions {
			n++
			to := pipeline.Notification{
				Ref: refs[i], UserID: names[n*7919%users], Channel: pipeline.Email, Priority: pipeline.High, Category: pipeline.Promotional,
			}
			admissions[i] = pipeline.Admission{
				Record: pipeline.Record{ID: ids.Make(now, &to, first+uint32(i)), Notification: to},
				Result: pipeline.Result{State: pipeline.Suppressed, Reason: "opted_out_of_category"}, Claim: -1,
			}
		}
		r, err := s.Reserve(b.Context(), nil)
		if err == nil {
			err = r.Commit(b.Context(), admissions)
			r.Release()
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(processorTime(b)-began)/float64(n), "cpu-ns/notification")
	b.ReportMetric(float64(b.Elapsed())/float64(n), "ns/notification")
	m := s.db.Metrics()
	written := m.WAL.BytesWritten + m.Total().TableBytesFlushed + m.Total().TableBytesCompacted + m.Total().TableBytesIngested
	b.ReportMetric(float64(written)/float64(n), "written-B/notification")
}

// processorTime is what the process has used so far.
func processorTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
