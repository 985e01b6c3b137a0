package provider

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
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
		{"SES took it", classifySES(200, &sesError{}), pipeline.Sent, ""},
		{"SES, a virus", classifySES(400, &sesError{kind: "MessageRejected", message: []byte("a virus")}), dead, ReasonRejected},
		{"SES, in its sandbox", classifySES(400, &sesError{kind: "MessageRejected", message: []byte("Email address is not verified. The following identities failed")}), kept, ""},
		{"SES, a bad address", classifySES(400, &sesError{kind: "BadRequestException", message: []byte("Missing final '@domain'")}), dead, ReasonRejected},
		{"SES, our domain", classifySES(400, &sesError{kind: "MailFromDomainNotVerifiedException"}), kept, ""},
		{"SES, our account", classifySES(400, &sesError{kind: "AccountSuspendedException"}), kept, ""},
		{"SES, paused", classifySES(400, &sesError{kind: "SendingPausedException"}), kept, ""},
		{"SES, our configuration set", classifySES(404, &sesError{kind: "NotFoundException"}), kept, ""},
		{"SES, throttled", classifySES(429, &sesError{kind: "TooManyRequestsException"}), wait, ""},
		{"SES, throttled by the gateway", classifySES(400, &sesError{kind: "ThrottlingException"}), wait, ""},
		{"SES, a limit", classifySES(400, &sesError{kind: "LimitExceededException"}), wait, ""},
		{"SES, too large", classifySES(413, &sesError{}), dead, ReasonTooLarge},
		{"SES, signature", classifySES(403, &sesError{kind: "SignatureDoesNotMatch"}), kept, ""},
		{"SES, internal", classifySES(500, &sesError{kind: "InternalFailure"}), kept, ""},
		{"SES, not its words", classifySES(400, &sesError{}), kept, ""},
		{"SES' result, taken", classifySESResult("SUCCESS", nil), pipeline.Sent, ""},
		{"SES' result, a virus", classifySESResult("MESSAGE_REJECTED", []byte("a virus")), dead, ReasonRejected},
		{"SES' result, in its sandbox", classifySESResult("MESSAGE_REJECTED", []byte("Email address is not verified.")), kept, ""},
		{"SES' result, our domain", classifySESResult("MAIL_FROM_DOMAIN_NOT_VERIFIED", nil), kept, ""},
		{"SES' result, our configuration set", classifySESResult("CONFIGURATION_SET_NOT_FOUND", nil), kept, ""},
		{"SES' result, our template", classifySESResult("TEMPLATE_NOT_FOUND", nil), kept, ""},
		{"SES' result, our account", classifySESResult("ACCOUNT_SUSPENDED", nil), kept, ""},
		{"SES' result, throttled", classifySESResult("ACCOUNT_THROTTLED", nil), wait, ""},
		{"SES' result, enough for a day", classifySESResult("ACCOUNT_DAILY_QUOTA_EXCEEDED", nil), wait, ""},
		{"SES' result, our pool", classifySESResult("INVALID_SENDING_POOL_NAME", nil), kept, ""},
		{"SES' result, paused", classifySESResult("ACCOUNT_SENDING_PAUSED", nil), kept, ""},
		{"SES' result, a paused set", classifySESResult("CONFIGURATION_SET_SENDING_PAUSED", nil), kept, ""},
		{"SES' result, a parameter", classifySESResult("INVALID_PARAMETER", nil), dead, ReasonRejected},
		{"SES' result, a parameter, in the other spelling", classifySESResult("INVALID_PARAMETER_VALUE", nil), dead, ReasonRejected},
		{"SES' result, for now", classifySESResult("TRANSIENT_FAILURE", nil), kept, ""},
		{"SES' result, failed", classifySESResult("FAILED", nil), kept, ""},
		{"SES' result, unknown", classifySESResult("PIGEON", nil), kept, ""},
		{"APNs took it", classifyAPNs(200, "", "ab"), pipeline.Sent, ""},
		{"APNs, gone", classifyAPNs(410, "Unregistered", "ab"), dead, ReasonUnregistered},
		{"APNs, expired", classifyAPNs(410, "ExpiredToken", "ab"), dead, ReasonUnregistered},
		{"APNs, a bad token", classifyAPNs(400, "BadDeviceToken", "ab"), dead, ReasonUnregistered},
		{"APNs, another's bad token", classifyAPNs(400, "BadDeviceToken", "c:x"), dead, ReasonInvalidAddress},
		{"APNs, no token", classifyAPNs(400, "BadDeviceToken", ""), dead, ReasonInvalidAddress},
		{"APNs, another app's", classifyAPNs(400, "DeviceTokenNotForTopic", "ab"), dead, ReasonUnregistered},
		{"APNs, too large", classifyAPNs(413, "PayloadTooLarge", "ab"), dead, ReasonTooLarge},
		{"APNs, nothing", classifyAPNs(400, "PayloadEmpty", "ab"), dead, ReasonRejected},
		{"APNs, throttled", classifyAPNs(429, "TooManyRequests", "ab"), wait, ""},
		{"APNs, too many provider tokens", classifyAPNs(429, "TooManyProviderTokenUpdates", "ab"), wait, ""},
		{"APNs, an old provider token", classifyAPNs(403, "ExpiredProviderToken", "ab"), kept, ""},
		{"APNs, a wrong provider token", classifyAPNs(403, "InvalidProviderToken", "ab"), kept, ""},
		{"APNs, our topic", classifyAPNs(400, "BadTopic", "ab"), kept, ""},
		{"APNs, our path", classifyAPNs(404, "BadPath", "ab"), kept, ""},
		{"APNs, idle", classifyAPNs(400, "IdleTimeout", "ab"), kept, ""},
		{"APNs, internal", classifyAPNs(500, "InternalServerError", "ab"), kept, ""},
		{"APNs, unavailable", classifyAPNs(503, "ServiceUnavailable", "ab"), kept, ""},
		{"APNs, going down", classifyAPNs(503, "Shutdown", "ab"), kept, ""},
		{"APNs, a proxy's 410", classifyAPNs(410, "", "ab"), kept, ""},
		{"Vonage took it", classifyVonage("0", ""), pipeline.Sent, ""},
		{"Vonage, throttled", classifyVonage("1", ""), wait, ""},
		{"Vonage, no text", classifyVonage("2", "Missing text param"), dead, ReasonRejected},
		{"Vonage, no recipient", classifyVonage("2", "Missing to param"), dead, ReasonInvalidAddress},
		{"Vonage, no sender", classifyVonage("2", "Missing from param"), kept, ""},
		{"Vonage, no key", classifyVonage("2", "Missing api_key"), kept, ""},
		{"Vonage, a bad recipient", classifyVonage("3", "to address is not numeric"), dead, ReasonInvalidAddress},
		{"Vonage, a bad sender", classifyVonage("3", "Invalid value for parameter: from"), kept, ""},
		{"Vonage, credentials", classifyVonage("4", "Bad Credentials"), kept, ""},
		{"Vonage, internal", classifyVonage("5", ""), kept, ""},
		{"Vonage, no network", classifyVonage("6", ""), dead, ReasonInvalidAddress},
		{"Vonage, barred", classifyVonage("7", ""), dead, ReasonUnsubscribed},
		{"Vonage, our account", classifyVonage("8", ""), kept, ""},
		{"Vonage, our credit", classifyVonage("9", ""), kept, ""},
		{"Vonage, too many connections", classifyVonage("10", ""), wait, ""},
		{"Vonage, too long", classifyVonage("12", ""), dead, ReasonTooLarge},
		{"Vonage, our sender", classifyVonage("15", ""), kept, ""},
		{"Vonage, a demo account", classifyVonage("29", ""), kept, ""},
		{"Vonage, given up", classifyVonage("33", ""), dead, ReasonInvalidAddress},
		{"Vonage, not to the United States", classifyVonage("39", ""), dead, ReasonUnroutable},
		{"Vonage, unknown", classifyVonage("77", ""), kept, ""},
		{"Vonage, nothing", classifyVonage("", ""), unknown, ""},
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
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	long, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, base := range []string{"", "127.0.0.1:8090", "ftp://x", "http://", "http://user:secret@x", "http://x?q=1", "http://x#f", "http://[::1", "http://%zz"} {
		bad := Options{BaseURL: base}
		_, err1 := NewSendGrid(SendGridOptions{Options: bad, Key: "k", From: "f@x"})
		_, err2 := NewFCM(FCMOptions{Options: bad, Project: "p", Token: StaticToken("t")})
		_, err3 := NewTwilio(TwilioOptions{Options: bad, Account: "AC", Token: "t", Service: "MG"})
		_, err4 := NewSES(SESOptions{Options: bad, Region: "r", Credentials: StaticCredentials("k", "s"), From: "f@x"})
		_, err5 := NewAPNs(APNsOptions{Options: bad, Key: key, KeyID: "k", TeamID: "t", Topic: "a"})
		_, err6 := NewVonage(VonageOptions{Options: bad, Key: "k", Secret: "s", From: "f"})
		for _, err := range []error{err1, err2, err3, err4, err5, err6} {
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
		"no region":      second(NewSES(SESOptions{Options: good, Credentials: StaticCredentials("k", "s"), From: "f@x"})),
		"no credentials": second(NewSES(SESOptions{Options: good, Region: "r", From: "f@x"})),
		"no address":     second(NewSES(SESOptions{Options: good, Region: "r", Credentials: StaticCredentials("k", "s"), From: "us"})),
		"no signing key": second(NewAPNs(APNsOptions{Options: good, KeyID: "k", TeamID: "t", Topic: "a"})),
		"another curve":  second(NewAPNs(APNsOptions{Options: good, Key: long, KeyID: "k", TeamID: "t", Topic: "a"})),
		"no key id":      second(NewAPNs(APNsOptions{Options: good, Key: key, TeamID: "t", Topic: "a"})),
		"no team":        second(NewAPNs(APNsOptions{Options: good, Key: key, KeyID: "k", Topic: "a"})),
		"no topic":       second(NewAPNs(APNsOptions{Options: good, Key: key, KeyID: "k", TeamID: "t"})),
		"no secret":      second(NewVonage(VonageOptions{Options: good, Key: "k", From: "f"})),
		"no from":        second(NewVonage(VonageOptions{Options: good, Key: "k", Secret: "s"})),
	} {
		if err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func second[T any](_ T, err error) error { return err }
