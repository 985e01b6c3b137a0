package ingest_test

import (
	"testing"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/ingest"
	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

// BenchmarkAccept takes in slices of 100 under a key, over an intake and
// preferences in memory: what is measured is the stage's own.
func BenchmarkAccept(b *testing.B) { benchmarkAccept(b, ingest.BenchSubmission()) }

// BenchmarkAcceptSingle does the same with slices of one.
func BenchmarkAcceptSingle(b *testing.B) {
	submission := ingest.BenchSubmission()
	submission.Notifications = submission.Notifications[:1]
	benchmarkAccept(b, submission)
}

func benchmarkAccept(b *testing.B, submission pipeline.Submission) {
	s := newStage(&scripted{})
	report := pipelinetest.PerNotification(b, len(submission.Notifications))
	for b.Loop() {
		if _, err := s.Accept(b.Context(), submission); err != nil {
			b.Fatal(err)
		}
	}
	report()
}
