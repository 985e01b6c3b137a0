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
	const each, commits = 1000, 200
	for i := range commits {
		answerKeys(b, s, i*each, each)
		if i%40 == 0 {
			must(b, s.flush())
		}
	}
	n := each * commits
	b.ReportAllocs()
	for b.Loop() {
		r, err := s.Reserve(b.Context(), []pipeline.Claim{{Key: keyNumber(n), Stamp: pipeline.Stamp{At: time.Now()}, Entries: 1}})
		must(b, err)
		r.Release()
		n++
	}
}
