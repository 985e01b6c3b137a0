package ingest_test

import (
	"testing"

	"github.com/notifyctl/notifyctl/pipeline/ingest"
	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

// BenchmarkAccept takes in slices of 100 under a key, over an intake and
// preferences in memory: what is measured is the stage's own.
func BenchmarkAccept(b *testing.B) {
	s := newStage(&scripted{})
	submission := ingest.BenchSubmission()
	report := pipelinetest.PerNotification(b, pipelinetest.BenchSlice)
	for b.Loop() {
		if _, err := s.Accept(b.Context(), submission); err != nil {
			b.Fatal(err)
		}
	}
	report()
}
