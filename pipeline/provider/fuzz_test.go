package provider

import (
	"net/http"
	"testing"

	"github.com/go-faster/jx"

	"github.com/notifyctl/notifyctl/pipeline"
)

// The decoders read what anybody may send. Their seeds are in testdata/fuzz.

func FuzzReadSendGridErrors(f *testing.F) {
	f.Fuzz(func(t *testing.T, body []byte) {
		no := readSendGridErrors(body, 10)
		seen := map[int]bool{}
		for _, at := range no.named {
			if at < 0 || at >= 10 || seen[at] {
				t.Fatalf("named %v", no.named)
			}
			seen[at] = true
		}
	})
}

func FuzzReadFCMBatch(f *testing.F) {
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		answers := make([]pipeline.Answer, 5)
		part := []int{4, 2, 0}
		readFCMBatch(contentType, body, true, part, answers)
		if answers[1].Class != 0 || answers[3].Class != 0 {
			t.Fatal("a message of another part was answered")
		}
		answerMissing(answers, part, "missing")
		for _, i := range part {
			if answers[i].Class == 0 || len(answers[i].Error) > maxWords {
				t.Fatalf("the answer is %+v", answers[i])
			}
		}
	})
}

func FuzzReadTwilioBatch(f *testing.F) {
	f.Fuzz(func(t *testing.T, body []byte) {
		answers := make([]pipeline.Answer, 4)
		part := []int{3, 1}
		readTwilioBatch(body, part, answers)
		if answers[0].Class != 0 || answers[2].Class != 0 {
			t.Fatal("a message of another part was answered")
		}
		answerMissing(answers, part, "missing")
		for _, i := range part {
			if a := answers[i]; a.Class == 0 || (a.Reason != "") != (a.Class == pipeline.Permanent) {
				t.Fatalf("the answer is %+v", a)
			}
		}
	})
}

func FuzzReadFCMError(f *testing.F) {
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		checkOne(t, fcmAnswer(status, body, 0))
	})
}

func FuzzReadTwilioError(f *testing.F) {
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		no := readTwilioError(jx.DecodeBytes(body))
		checkOne(t, twilioAnswer(status, &no, 0))
	})
}

func FuzzReadSESResults(f *testing.F) {
	f.Fuzz(func(t *testing.T, body []byte) {
		answers := make([]pipeline.Answer, 4)
		part := []int{3, 1}
		readSESResults(body, part, answers)
		if answers[0].Class != 0 || answers[2].Class != 0 {
			t.Fatal("a message of another part was answered")
		}
		answerMissing(answers, part, "missing")
		for _, i := range part {
			checkOne(t, answers[i])
		}
	})
}

func FuzzReadSESError(f *testing.F) {
	f.Fuzz(func(t *testing.T, status int, kind string, body []byte) {
		no := readSESError(http.Header{"X-Amzn-Errortype": {kind}}, body)
		v := classifySES(status, &no)
		checkOne(t, v.answer(wordsOf(status, no.kind, no.message), 0))
	})
}

func FuzzReadAPNsReason(f *testing.F) {
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		reason := readAPNsReason(body)
		checkOne(t, classifyAPNs(status, reason, "ab").answer(wordsOf(status, reason, nil), 0))
	})
}

func FuzzReadVonageAnswer(f *testing.F) {
	f.Fuzz(func(t *testing.T, body []byte) {
		a := readVonageAnswer(body)
		checkOne(t, a.answer())
		if a.answer().Class == pipeline.Sent && (a.accepted < a.declared || a.failed > 0) {
			t.Fatalf("sent by %+v", a)
		}
	})
}

// checkOne fails unless an answer has a class, a reason when it is permanent,
// and bounded words.
func checkOne(t *testing.T, a pipeline.Answer) {
	t.Helper()
	if a.Class == 0 || (a.Reason != "") != (a.Class == pipeline.Permanent) || (a.Error != "") != (a.Class != pipeline.Sent) || len(a.Error) > maxWords {
		t.Fatalf("the answer is %+v", a)
	}
}
