package provider

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/go-faster/jx"

	"github.com/notifyctl/notifyctl/pipeline"
)

// BenchmarkEncode writes full batches, without sending them; SES' are signed.
// An operation is a batch; ns/message and B/message are a notification's share.
func BenchmarkEncode(b *testing.B) {
	options := Options{BaseURL: "http://127.0.0.1"}
	sendGrid, err1 := NewSendGrid(SendGridOptions{Options: options, Key: "k", From: "f@example.com"})
	fcm, err2 := NewFCM(FCMOptions{Options: options, Project: "p", Token: StaticToken("t")})
	twilio, err3 := NewTwilio(TwilioOptions{Options: options, Account: "AC", Token: "t", Service: "MG"})
	ses, err4 := NewSES(SESOptions{Options: options, Region: "us-east-1", Credentials: StaticCredentials("k", "s"), From: "f@example.com"})
	vonage, err5 := NewVonage(VonageOptions{Options: options, Key: "k", Secret: "s", From: "f"})
	for _, err := range []error{err1, err2, err3, err4, err5} {
		if err != nil {
			b.Fatal(err)
		}
	}
	now := time.Now()
	for _, test := range []struct {
		name   string
		size   int
		encode func(w *jx.Writer, messages []pipeline.Message, part []int)
	}{
		{"sendgrid", sendGrid.MaxBatch(), sendGrid.encode},
		{"fcm", fcm.MaxBatch(), func(w *jx.Writer, messages []pipeline.Message, part []int) { fcm.encodeBatch(w, messages, part, now) }},
		{"twilio", twilio.MaxBatch(), twilio.encodeBatch},
		{"ses", ses.MaxBatch(), func(w *jx.Writer, messages []pipeline.Message, part []int) {
			ses.encodeBulk(w, messages, part)
			if _, err := ses.sign(b.Context(), aws.Credentials{AccessKeyID: "k", SecretAccessKey: "s"}, ses.bulk, &buffer{Writer: *w}); err != nil {
				b.Fatal(err)
			}
		}},
		{"apns", 500, func(w *jx.Writer, messages []pipeline.Message, part []int) {
			for _, i := range part {
				encodeAPNs(w, &messages[i])
			}
		}},
		{"vonage", vonage.MaxBatch(), func(w *jx.Writer, messages []pipeline.Message, part []int) {
			for _, i := range part {
				w.Buf = vonage.appendForm(w.Buf, &messages[i], now)
			}
		}},
	} {
		b.Run(test.name, func(b *testing.B) {
			messages, part := make([]pipeline.Message, test.size), make([]int, test.size)
			for i := range messages {
				part[i] = i
				messages[i] = pipeline.Message{
					Ref: fmt.Sprintf("run-%d", i), To: fmt.Sprintf("user%d@example.com", i), Subject: "Your receipt",
					Body: "<p>Hello Ada, thank you for your order of <b>$17.00</b>. It is on its way.</p>", ExpiresAt: now.Add(time.Hour),
				}
			}
			var w jx.Writer
			b.ReportAllocs()
			for b.Loop() {
				w.Reset()
				test.encode(&w, messages, part)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*test.size), "ns/message")
			b.ReportMetric(float64(len(w.Buf))/float64(test.size), "B/message")
		})
	}
}
