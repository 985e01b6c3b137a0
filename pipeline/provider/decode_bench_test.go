package provider

import (
	"fmt"
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

// BenchmarkDecode reads the answers to full batches, all of them sent and all
// of them refused; APNs' and Vonage's are answers to single messages, as many
// as a batch of their primary has. SendGrid's and APNs' have no body when they
// are sent. An operation is a batch; ns/message is a notification's share.
func BenchmarkDecode(b *testing.B) {
	const fcmGone = `{"error":{"code":404,"message":"Requested entity was not found.","status":"NOT_FOUND","details":[` +
		`{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"UNREGISTERED"}]}}`
	const twilioGone = `{"error":{"code":21610,"message":"Attempt to send to unsubscribed recipient",` +
		`"more_info":"https://www.twilio.com/docs/errors/21610","status":400}}`
	readFCM := func(body []byte, part []int, answers []pipeline.Answer) {
		readFCMBatch("multipart/mixed; boundary=batch_0", body, true, part, answers)
	}
	readAPNs := func(body []byte, part []int, answers []pipeline.Answer) {
		for _, i := range part {
			reason := readAPNsReason(body)
			answers[i] = classifyAPNs(410, reason, "ab").answer(wordsOf(410, reason, nil), 0)
		}
	}
	readVonage := func(body []byte, part []int, answers []pipeline.Answer) {
		for _, i := range part {
			answers[i] = readVonageAnswer(body).answer()
		}
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
		{"ses sent", sesAnswers(`{"Status":"SUCCESS","MessageId":"0102018b0123456789abcdef-01234567-89ab-cdef-0123-456789abcdef-000000"}`), catalog.SESDestinations, pipeline.Sent, readSESResults},
		{"ses refused", sesAnswers(`{"Status":"MESSAGE_REJECTED","Error":"Message to ada@example.com contains a virus"}`), catalog.SESDestinations, pipeline.Permanent, readSESResults},
		{"apns refused", []byte(`{"reason":"Unregistered","timestamp":1454402113000}`), catalog.FCMBatch, pipeline.Permanent, readAPNs},
		{"vonage sent", vonageAnswers(`"status":"0","remaining-balance":"15.53590000","message-price":"0.03330000","network":"23410"`), catalog.TwilioBatch, pipeline.Sent, readVonage},
		{"vonage refused", vonageAnswers(`"status":"7","error-text":"Number barred: 15000000000"`), catalog.TwilioBatch, pipeline.Permanent, readVonage},
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

// sesAnswers is the answer to a full bulk call, each with the same result.
func sesAnswers(result string) []byte {
	return []byte(`{"BulkEmailEntryResults":[` + result + strings.Repeat(","+result, catalog.SESDestinations-1) + `]}`)
}

// vonageAnswers is the answer to a text of two parts, each with the same result.
func vonageAnswers(result string) []byte {
	part := `{"to":"15000000000","message-id":"0C000000217B7F02",` + result + `}`
	return []byte(`{"message-count":"2","messages":[` + part + "," + part + `]}`)
}
