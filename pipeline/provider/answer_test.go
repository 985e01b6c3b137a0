package provider

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

func TestTables(t *testing.T) {
	const dead, kept, wait, unknown = pipeline.Permanent, pipeline.Transient, pipeline.Throttled, pipeline.Ambiguous
	for _, test := range []struct {
		name   string
		got    verdict
		class  pipeline.AnswerClass
		reason string
	}{
		{"SendGrid took it", classifySendGrid(202, &sendGridErrors{}), pipeline.Sent, ""},
		{"SendGrid in its sandbox", classifySendGrid(200, &sendGridErrors{}), pipeline.Sent, ""},
		{"SendGrid, a bad address", classifySendGrid(400, &sendGridErrors{field: "personalizations.0.to.0.email", message: []byte("x")}), dead, ReasonInvalidAddress},
		{"SendGrid, no content", classifySendGrid(400, &sendGridErrors{field: "content", message: []byte("x")}), dead, ReasonRejected},
		{"SendGrid, our sender", classifySendGrid(400, &sendGridErrors{field: "from", message: []byte("x")}), kept, ""},
		{"SendGrid, not its words", classifySendGrid(400, &sendGridErrors{}), kept, ""},
		{"SendGrid, too large", classifySendGrid(413, &sendGridErrors{}), dead, ReasonTooLarge},
		{"SendGrid, throttled", classifySendGrid(429, &sendGridErrors{}), wait, ""},
		{"FCM, gone", classifyFCM(404, &fcmError{status: "NOT_FOUND", code: "UNREGISTERED"}), dead, ReasonUnregistered},
		{"FCM, not found", classifyFCM(404, &fcmError{status: "NOT_FOUND"}), dead, ReasonNotFound},
		{"FCM, a wrong address of ours", classifyFCM(404, &fcmError{}), kept, ""},
		{"FCM, another sender's", classifyFCM(403, &fcmError{status: "PERMISSION_DENIED", code: "SENDER_ID_MISMATCH"}), dead, ReasonSenderMismatch},
		{"FCM, a bad token", classifyFCM(400, &fcmError{status: "INVALID_ARGUMENT", code: "INVALID_ARGUMENT", field: "message.token"}), dead, ReasonInvalidAddress},
		{"FCM, a bad message", classifyFCM(400, &fcmError{status: "INVALID_ARGUMENT"}), dead, ReasonRejected},
		{"FCM, a proxy's 400", classifyFCM(400, &fcmError{}), kept, ""},
		{"FCM, quota", classifyFCM(429, &fcmError{status: "RESOURCE_EXHAUSTED", code: "QUOTA_EXCEEDED"}), wait, ""},
		{"FCM, APNs' certificate", classifyFCM(401, &fcmError{status: "UNAUTHENTICATED", code: "THIRD_PARTY_AUTH_ERROR"}), kept, ""},
		{"FCM, unavailable", classifyFCM(503, &fcmError{status: "UNAVAILABLE", code: "UNAVAILABLE"}), kept, ""},
		{"FCM, internal", classifyFCM(500, &fcmError{status: "INTERNAL", code: "INTERNAL"}), kept, ""},
		{"Twilio, no number", classifyTwilio(400, 21211), dead, ReasonInvalidAddress},
		{"Twilio, STOP", classifyTwilio(400, 21610), dead, ReasonUnsubscribed},
		{"Twilio, region", classifyTwilio(400, 21408), dead, ReasonUnroutable},
		{"Twilio, too long", classifyTwilio(400, 21617), dead, ReasonTooLarge},
		{"Twilio, another refusal", classifyTwilio(400, 21602), dead, ReasonRejected},
		{"Twilio, our sender", classifyTwilio(400, 21606), kept, ""},
		{"Twilio, a proxy's 400", classifyTwilio(400, 0), kept, ""},
		{"Twilio, throttled", classifyTwilio(429, 20429), wait, ""},
		{"Twilio, queue full", classifyTwilio(400, 21611), wait, ""},
		{"Twilio, credentials", classifyTwilio(401, 20003), kept, ""},
		{"a gateway's 502", byStatus(502), unknown, ""},
		{"a gateway's 504", byStatus(504), unknown, ""},
		{"500", byStatus(500), kept, ""},
		{"503", byStatus(503), kept, ""},
		{"a redirect", byStatus(302), kept, ""},
		{"an unknown 4xx", byStatus(418), kept, ""},
	} {
		if test.got != (verdict{test.class, test.reason}) {
			t.Errorf("%s: %v %q, want %v %q", test.name, test.got.class, test.got.reason, test.class, test.reason)
		}
	}
}

func TestClean(t *testing.T) {
	for _, test := range []struct{ words, want string }{
		{"plain", "plain"},
		{"a\x00b\x1b[31mc\r\nd\x7f", "a b [31mc  d "},
		{"\u0085\u2028\u202e\u200b", "    "},
		{"broken \xff\xfe utf", "broken  utf"},
		{"ok \ufffd", "ok \ufffd"},
		{strings.Repeat("x", 300), strings.Repeat("x", 200)},
		{strings.Repeat("x", 199) + "ü", strings.Repeat("x", 199)},
		{"", ""},
	} {
		if got := cleanString(test.words); got != test.want {
			t.Errorf("clean(%q) = %q, want %q", test.words, got, test.want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
		for _, test := range []struct {
			name   string
			header http.Header
			want   time.Duration
		}{
			{"none", http.Header{}, 0},
			{"seconds", http.Header{"Retry-After": {"7"}}, 7 * time.Second},
			{"a date", http.Header{"Retry-After": {in(90 * time.Second)}}, 90 * time.Second},
			{"a date that passed", http.Header{"Retry-After": {in(-time.Hour)}}, 0},
			{"too long", http.Header{"Retry-After": {"4294967295"}}, time.Hour},
			{"negative", http.Header{"Retry-After": {"-7"}}, 0},
			{"no number", http.Header{"Retry-After": {"soon"}}, 0},
			{"a reset", http.Header{"X-Ratelimit-Reset": {"946684860"}}, time.Minute},
			{"a reset that passed", http.Header{"X-Ratelimit-Reset": {"1"}}, 0},
			{"a broken one and a reset", http.Header{"Retry-After": {"soon"}, "X-Ratelimit-Reset": {"946684860"}}, time.Minute},
		} {
			// Virtual time begins at 2000-01-01, Unix time 946684800.
			if got := retryAfter(test.header, "X-RateLimit-Reset"); got != test.want {
				t.Errorf("%s: %v, want %v", test.name, got, test.want)
			}
		}
	})
}

func TestTTL(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	for _, test := range []struct {
		left time.Duration
		want int64
	}{
		{time.Minute, 60},
		{time.Minute + time.Millisecond, 61},
		{time.Millisecond, 1},
		{-time.Hour, 1}, // 0 would mean now or never
		{365 * 24 * time.Hour, 2_419_200},
	} {
		if got, ok := ttlSeconds(now.Add(test.left), now); !ok || got != test.want {
			t.Errorf("%v left: %d, %v, want %d", test.left, got, ok, test.want)
		}
	}
	if _, ok := ttlSeconds(time.Time{}, now); ok {
		t.Error("what has no end has a TTL")
	}
}

// TestBodyOutlivesTheCall: a transport may read and close a body after the call
// has returned; the buffer is not another call's before that.
func TestBodyOutlivesTheCall(t *testing.T) {
	var pool buffers
	b := pool.get()
	b.RawStr("first")
	one, two := b.reader(), b.reader()
	b.release()
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	if err := one.Close(); err != nil { // twice is fine
		t.Fatal(err)
	}
	other := pool.get()
	if other == b {
		t.Fatal("the buffer was handed out while a reader holds it")
	}
	read := make([]byte, 10)
	if n, _ := two.Read(read); string(read[:n]) != "first" {
		t.Errorf("read %q", read[:n])
	}
	if _, err := one.Read(read); err == nil {
		t.Error("a closed body was read")
	}
	if err := two.Close(); err != nil {
		t.Fatal(err)
	}
	if n := b.holders.Load(); n != 0 {
		t.Errorf("%d still hold the buffer", n)
	}
	other.release()
}

func TestReadFrom(t *testing.T) {
	for _, test := range []struct {
		name   string
		size   int
		length int64
		whole  bool
	}{
		{"empty", 0, 0, true},
		{"of unknown length", 5000, -1, true},
		{"of a length", 5000, 5000, true},
		{"longer than it says", 5000, 10, true},
		{"at the limit", 10_000, 10_000, true},
		{"above the limit", 10_001, -1, false},
		{"far above the limit", 100_000, 100_000, false},
	} {
		var pool buffers
		b := pool.get()
		whole := b.readFrom(strings.NewReader(strings.Repeat("x", test.size)), test.length, 10_000)
		if whole != test.whole || len(b.Buf) != min(test.size, 10_000) {
			t.Errorf("%s: %d bytes, whole %v", test.name, len(b.Buf), whole)
		}
	}
}

func TestBadOptions(t *testing.T) {
	good := Options{BaseURL: "http://127.0.0.1:8090/x"}
	for _, base := range []string{"", "127.0.0.1:8090", "ftp://x", "http://", "http://user:secret@x", "http://x?q=1", "http://x#f", "http://[::1", "http://%zz"} {
		bad := Options{BaseURL: base}
		_, err1 := NewSendGrid(SendGridOptions{Options: bad, Key: "k", From: "f@x"})
		_, err2 := NewFCM(FCMOptions{Options: bad, Project: "p", Token: StaticToken("t")})
		_, err3 := NewTwilio(TwilioOptions{Options: bad, Account: "AC", Token: "t", Service: "MG"})
		for _, err := range []error{err1, err2, err3} {
			if err == nil {
				t.Errorf("%q was taken for an address", base)
			} else if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells the password: %v", err)
			}
		}
	}
	for name, err := range map[string]error{
		"no key":         second(NewSendGrid(SendGridOptions{Options: good, From: "f@x"})),
		"no sender":      second(NewSendGrid(SendGridOptions{Options: good, Key: "k"})),
		"no token":       second(NewFCM(FCMOptions{Options: good, Project: "p"})),
		"a path":         second(NewFCM(FCMOptions{Options: good, Project: "p/../q", Token: StaticToken("t")})),
		"a line break":   second(NewFCM(FCMOptions{Options: good, Project: "p\r\nq", Token: StaticToken("t")})),
		"no service":     second(NewTwilio(TwilioOptions{Options: good, Account: "AC", Token: "t", From: "+1500"})),
		"no account":     second(NewTwilio(TwilioOptions{Options: good, Token: "t", Service: "MG"})),
		"a bad callback": second(NewTwilio(TwilioOptions{Options: good, Account: "AC", Token: "t", Service: "MG", Callback: "nowhere"})),
	} {
		if err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func FuzzReadSendGridErrors(f *testing.F) {
	f.Add([]byte(`{"errors":[{"message":"m","field":"personalizations.3.to","help":null}]}`))
	f.Add([]byte(`{"errors":[{"message":1,"field":null},7],"errors":{}}`))
	f.Add([]byte(`<html>`))
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
	f.Add("multipart/mixed; boundary=b", []byte("--b\r\nContent-ID: response-1\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{}\r\n--b--"))
	f.Add("multipart/mixed; boundary=b", []byte("--b\r\n\r\nHTTP/1.1 503 X\r\nRetry-After: 3\r\n\r\n{\"error\":{\"status\":\"UNAVAILABLE\",\"details\":[{\"errorCode\":\"UNAVAILABLE\",\"fieldViolations\":[{\"field\":\"f\"}]}]}}\r\n--b"))
	f.Add("text/html", []byte("<html>"))
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
	f.Add([]byte(`{"messages":[{"sid":"SM1","status":"queued"},{"error":{"code":21211,"message":"m","status":400}}]}`))
	f.Add([]byte(`{"messages":[{"sid":1,"error":null},[]],"messages":[{}]}`))
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
