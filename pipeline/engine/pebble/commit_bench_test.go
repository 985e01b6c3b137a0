package pebble

import (
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/notifyctl/notifyctl/pipeline"
)

// BenchmarkCommit queues slices of 100, of a user each.
func BenchmarkCommit(b *testing.B) {
	s, err := Open(inMemory(vfs.NewMem()))
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	}()
	const slice = 100
	admissions := make([]pipeline.Admission, slice)
	sequence := uint32(0)
	b.ReportAllocs()
	for b.Loop() {
		now := time.Now()
		for i := range admissions {
			to := pipeline.Notification{
				UserID: fmt.Sprint("user-", i), Channel: pipeline.SMS, Priority: pipeline.Normal, Category: pipeline.Transactional,
				TemplateID: "otp", To: "+4915112345678", Variables: []pipeline.Variable{{Name: "code", Value: "123456"}},
			}
			sequence++
			admissions[i] = pipeline.Admission{
				Record: pipeline.Record{ID: pipeline.IDKey{}.Make(now, &to, sequence), Notification: to},
				Result: pipeline.Result{State: pipeline.Queued}, Claim: -1,
			}
		}
		r, err := s.Reserve(b.Context(), nil)
		if err != nil {
			b.Fatal(err)
		}
		if err := r.Commit(b.Context(), admissions); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/slice, "ns/notification")
}
