package pebble

import (
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/notifyctl/notifyctl/pipeline"
)

// BenchmarkReserveFresh asks for a key that nobody has used, in a store whose
// tables hold 200,000 others.
func BenchmarkReserveFresh(b *testing.B) {
	s, err := Open(inMemory(vfs.NewMem()))
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	}()
	n := 0
	claims := func(count int) []pipeline.Claim {
		list := make([]pipeline.Claim, count)
		for i := range list {
			n++
			list[i].Key = keyNumber(n)
			list[i].Stamp, list[i].Entries = pipeline.Stamp{At: time.Now()}, 1
		}
		return list
	}
	for i := range 200 {
		list := claims(1000)
		r, err := s.Reserve(b.Context(), list)
		if err != nil {
			b.Fatal(err)
		}
		admissions := make([]pipeline.Admission, len(list))
		for j := range admissions {
			to := pipeline.Notification{UserID: "ada", Channel: pipeline.Email, Priority: pipeline.High, Category: pipeline.Promotional}
			admissions[j] = pipeline.Admission{
				Record: pipeline.Record{ID: pipeline.IDKey{}.Make(time.Now(), &to, uint32(i*1000+j)), Notification: to},
				Result: pipeline.Result{State: pipeline.Suppressed}, Claim: j,
			}
		}
		if err := r.Commit(b.Context(), admissions); err != nil {
			b.Fatal(err)
		}
		if i%40 == 0 {
			if err := s.flush(); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		r, err := s.Reserve(b.Context(), claims(1))
		if err != nil {
			b.Fatal(err)
		}
		r.Release()
	}
}
