package mockproviders_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/mockproviders"
)

// mock is a server under test.
type mock struct {
	*mockproviders.Server
	t testing.TB
}

func newMock(t testing.TB, o mockproviders.Options) mock {
	t.Helper()
	server, err := mockproviders.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return mock{server, t}
}

// request changes a request before it is sent.
type request func(*http.Request)

func header(name, value string) request {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func host(name string) request { return func(r *http.Request) { r.Host = name } }

// do sends a request with the credentials that its path asks for.
func (m mock) do(method, path, body string, changes ...request) *httptest.ResponseRecorder {
	m.t.Helper()
	r := httptest.NewRequestWithContext(m.t.Context(), method, "http://127.0.0.1"+path, strings.NewReader(body))
	switch {
	case strings.HasPrefix(path, "/twilio"):
		r.SetBasicAuth("AC1", "token")
	case strings.HasPrefix(path, "/ses"):
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20261126/us-east-1/ses/aws4_request, SignedHeaders=host;x-amz-date, Signature=00")
	case strings.HasPrefix(path, "/vonage"):
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	case strings.HasPrefix(path, "/apns"):
		r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0
		r.Header.Set("Authorization", "bearer token")
		r.Header.Set("Apns-Topic", "com.example.app")
	case !strings.HasPrefix(path, "/_mock"):
		r.Header.Set("Authorization", "Bearer token")
	}
	for _, change := range changes {
		change(r)
	}
	w := httptest.NewRecorder()
	m.ServeHTTP(w, r)
	return w
}

// post sends a body and fails unless it is answered as wanted: a status, and a
// text in the body.
func (m mock) post(path, body string, status int, want string, changes ...request) *httptest.ResponseRecorder {
	m.t.Helper()
	w := m.do(http.MethodPost, path, body, changes...)
	checkResponse(m.t, w, status, want)
	return w
}

func checkResponse(t testing.TB, w *httptest.ResponseRecorder, status int, want string) {
	t.Helper()
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	if w.Code != status || !strings.Contains(string(body), want) {
		t.Errorf("answered %d %s, want %d with %q", w.Code, body, status, want)
	}
}

const (
	sendGridPath    = "/sendgrid/v3/mail/send"
	fcmPath         = "/fcm/v1/projects/p/messages:send"
	fcmBatchPath    = "/fcm/batch"
	sesPath         = "/ses/v2/email/outbound-emails"
	sesBulkPath     = "/ses/v2/email/outbound-bulk-emails"
	apnsPath        = "/apns/3/device/00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0"
	vonagePath      = "/vonage/sms/json"
	twilioPath      = "/twilio/2010-04-01/Accounts/AC1/Messages.json"
	twilioBatchPath = "/twilio/2010-04-01/Accounts/AC1/Messages/Batch.json"
)

// sends is how many notifications the mocks accepted.
func (m mock) sends() uint64 { return m.Ledger().Totals().Total.Sends }
