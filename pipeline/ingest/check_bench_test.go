package ingest

import (
	"fmt"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline"
)

// BenchmarkValidate checks the fields of slices of 100, in which nothing is
// wrong.
func BenchmarkValidate(b *testing.B) {
	const slice = 100
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
		c := newChecker(&submission)
		c.checkFields()
		if err := c.invalid(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/slice, "ns/notification")
}
