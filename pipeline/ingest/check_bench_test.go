package ingest

import (
	"fmt"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

// BenchSubmission is a slice of [pipelinetest.BenchSlice] under a key, in which
// nothing is wrong.
func BenchSubmission() pipeline.Submission {
	submission := pipeline.Submission{Client: "app", Key: "once", Notifications: make([]pipeline.Notification, pipelinetest.BenchSlice)}
	for i := range submission.Notifications {
		submission.Notifications[i] = pipeline.Notification{
			UserID: fmt.Sprintf("user-%08d", i), Channel: pipeline.SMS, Priority: pipeline.Normal, Category: pipeline.Transactional,
			TemplateID: "otp", Ref: fmt.Sprint("run-", i), To: "+4915112345678",
			Variables: []pipeline.Variable{{Name: "code", Value: "123456"}},
		}
	}
	return submission
}

// BenchmarkValidate checks the fields of slices.
func BenchmarkValidate(b *testing.B) {
	submission := BenchSubmission()
	report := pipelinetest.PerNotification(b, pipelinetest.BenchSlice)
	for b.Loop() {
		c := newChecker(&submission, nil)
		c.checkFields()
		if err := c.invalid(); err != nil {
			b.Fatal(err)
		}
	}
	report()
}
