package provider

import (
	"fmt"
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

// BenchmarkDecode reads the answers to full batches, all of them sent and all
// of them refused. SendGrid's has no body when a batch is sent. An operation is
// a batch; ns/message is a notification's share.
func BenchmarkDecode(b *testing.B) {
	const fcmGone = `{"error":{"code":404,"message":"Requested entity was not found.","status":"NOT_FOUND","details":[` +
		`{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"UNREGISTERED"}]}}`
	const twilioGone = `{"error":{"code":21610,"message":"Attempt to send to unsubscribed recipient",` +
		`"more_info":"https://www.twilio.com/docs/errors/21610","status":400}}`
	readFCM := func(body []byte, part []int, answers []pipeline.Answer) {
		readFCMBatch("multipart/mixed; boundary=batch_0", body, true, part, answers)
	}
	for _, test := range []struct {
		name string
		body []byte
		size int
		want pipeline.AnswerClass
		read func(body []byte, part []int, answers []pipeline.Answer)
	}{
		{"fcm sent", fcmAnswers(200, `{"name":"projects/p/messages/0123456789abcdef"}`), catalog.FCMBatch, pipeline.Sent, readFCM},
		{"fcm refused", fcmAnswers(404, fcmGone), catalog.FCMBatch, pipeline.Permanent, readFCM},
		{"twilio sent", twilioAnswers(`{"sid":"SM0123456789abcdef0123456789abcdef","status":"queued"}`), catalog.TwilioBatch, pipeline.Sent, readTwilioBatch},
		{"twilio refused", twilioAnswers(twilioGone), catalog.TwilioBatch, pipeline.Permanent, readTwilioBatch},
	} {
		b.Run(test.name, func(b *testing.B) {
			answers, part := make([]pipeline.Answer, test.size), make([]int, test.size)
			for i := range part {
				part[i] = i
			}
			b.ReportAllocs()
			for b.Loop() {
				clear(answers)
				test.read(test.body, part, answers)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*test.size), "ns/message")
			for i, a := range answers {
				if a.Class != test.want {
					b.Fatalf("answer %d is %+v", i, a)
				}
			}
		})
	}
}

// fcmAnswers is the answer to a full batch, each with the same response.
func fcmAnswers(status int, response string) []byte {
	var body strings.Builder
	for i := range catalog.FCMBatch {
		fmt.Fprintf(&body, "--batch_0\r\nContent-Type: application/http\r\nContent-ID: response-%d\r\n\r\nHTTP/1.1 %d Whatever\r\n"+
			"Content-Type: application/json; charset=UTF-8\r\n\r\n%s\r\n", i, status, response)
	}
	return []byte(body.String() + "--batch_0--\r\n")
}

// twilioAnswers is the answer to a full batch, each with the same result.
func twilioAnswers(result string) []byte {
	return []byte(`{"messages":[` + result + strings.Repeat(","+result, catalog.TwilioBatch-1) + `]}`)
}
