package ingest_test

import (
	"fmt"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline"
)

// BenchmarkAccept takes in slices of 100 under a key, over an intake and
// preferences in memory: what is measured is the stage's own.
func BenchmarkAccept(b *testing.B) {
	const slice = 100
	s := newStage(&scripted{})
	submission := pipeline.Submission{Client: "app", Key: "once", Notifications: make([]pipeline.Notification, slice)}
	for i := range submission.Notifications {
		submission.Notifications[i] = pipeline.Notification{
			UserID: fmt.Sprintf("user-%08d", i), Channel: pipeline.SMS, Priority: pipeline.Normal, Category: pipeline.Transactional,
			TemplateID: "otp", Ref: fmt.Sprint("run-", i), To: "+4915112345678",
			Variables: []pipeline.Variable{{Name: "code", Value: "123456"}},
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Accept(b.Context(), submission); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/slice, "ns/notification")
}
