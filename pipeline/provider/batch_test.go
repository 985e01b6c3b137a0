package provider_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/provider"
)

// part is an answer to one message of an FCM batch.
func part(label string, status int, body string) string {
	if label != "" {
		label = "Content-ID: " + label + "\r\n"
	}
	return fmt.Sprintf("--b\r\nContent-Type: application/http\r\n%s\r\nHTTP/1.1 %d Whatever\r\nContent-Type: application/json\r\n\r\n%s\r\n", label, status, body)
}

const (
	fcmSent = `{"name":"projects/p/messages/1"}`
	fcmGone = `{"error":{"code":404,"status":"NOT_FOUND","message":"Requested entity was not found.","details":[{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"UNREGISTERED"}]}}`
	fcmBusy = `{"error":{"code":503,"status":"UNAVAILABLE","message":"try later"}}`
)

func TestFCMBatchAnswers(t *testing.T) {
	sent, gone, busy, unknown := pipeline.Sent, pipeline.Permanent, pipeline.Transient, pipeline.Ambiguous
	for _, test := range []struct {
		name string
		body string
		want [3]pipeline.AnswerClass
	}{
		{"in order", part("response-0", 200, fcmSent) + part("response-1", 404, fcmGone) + part("response-2", 503, fcmBusy) + "--b--", [...]pipeline.AnswerClass{sent, gone, busy}},
		{"in another order", part("response-2", 503, fcmBusy) + part("response-0", 200, fcmSent) + part("response-1", 404, fcmGone) + "--b--", [...]pipeline.AnswerClass{sent, gone, busy}},
		{"without names", part("", 200, fcmSent) + part("", 404, fcmGone) + part("", 503, fcmBusy) + "--b--", [...]pipeline.AnswerClass{sent, gone, busy}},
		{"with angle brackets", part("<response-1>", 404, fcmGone) + "--b--", [...]pipeline.AnswerClass{unknown, gone, unknown}},
		{"short", part("response-0", 200, fcmSent) + "--b--", [...]pipeline.AnswerClass{sent, unknown, unknown}},
		{"long", part("response-0", 200, fcmSent) + part("response-1", 200, fcmSent) + part("response-2", 200, fcmSent) + part("response-3", 404, fcmGone) + "--b--", [...]pipeline.AnswerClass{sent, sent, sent}},
		{"named twice, the first counts", part("response-0", 200, fcmSent) + part("response-0", 404, fcmGone) + "--b--", [...]pipeline.AnswerClass{sent, unknown, unknown}},
		{"a name that is none", part("response-x", 200, fcmSent) + "--b--", [...]pipeline.AnswerClass{unknown, unknown, unknown}},
		{"no end", part("response-0", 200, fcmSent), [...]pipeline.AnswerClass{sent, unknown, unknown}},
		{"no status", "--b\r\nContent-ID: response-0\r\n\r\nHello\r\n\r\n{}\r\n--b--", [...]pipeline.AnswerClass{unknown, unknown, unknown}},
		{"empty", "", [...]pipeline.AnswerClass{unknown, unknown, unknown}},
		{"an epilogue", part("response-0", 200, fcmSent) + "--b--\r\n" + part("response-1", 404, fcmGone), [...]pipeline.AnswerClass{sent, unknown, unknown}},
	} {
		t.Run(test.name, func(t *testing.T) {
			url := startStub(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "multipart/mixed; boundary=b")
				_, _ = io.WriteString(w, test.body)
			})
			for i, a := range newFCM(t, provider.Options{BaseURL: url}, provider.Batch).Send(t.Context(), messages(pipeline.Push, 3)) {
				if a.Class != test.want[i] {
					t.Errorf("answer %d is %v (%q), want %v", i, a.Class, a.Error, test.want[i])
				}
			}
		})
	}
}

// TestCutAnswers: what an answer says before it breaks off or grows too large
// counts, the rest is ambiguous.
func TestCutAnswers(t *testing.T) {
	twilio := `{"messages":[{"sid":"SM1","status":"queued"},{"sid":"SM`
	for _, test := range []struct {
		name    string
		channel pipeline.Channel
		content string
		body    string
		length  int // what the header promises
	}{
		{"fcm cut", pipeline.Push, "multipart/mixed; boundary=b", part("response-0", 200, fcmSent) + "--b\r\nContent-ID: response-1\r\n\r\nHTTP/1.1 404", 4096},
		{"fcm too large", pipeline.Push, "multipart/mixed; boundary=b", part("response-0", 200, fcmSent) + "--b\r\nContent-ID: response-1\r\n\r\nHTTP/1.1 404 Not Found\r\n\r\n" + strings.Repeat(" ", 2<<20) + "\r\n--b--", 0},
		{"twilio cut", pipeline.SMS, "application/json", twilio, 4096},
		{"twilio too large", pipeline.SMS, "application/json", twilio + strings.Repeat("0", 2<<20) + `"}]}`, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			url := startStub(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", test.content)
				if test.length > 0 {
					w.Header().Set("Content-Length", fmt.Sprint(test.length))
				}
				_, _ = io.WriteString(w, test.body)
			})
			client := newFCM(t, provider.Options{BaseURL: url}, provider.Batch)
			if test.channel == pipeline.SMS {
				client = newTwilio(t, provider.Options{BaseURL: url}, provider.Batch)
			}
			answers := client.Send(t.Context(), messages(test.channel, 3))
			if answers[0].Class != pipeline.Sent || answers[1].Class != pipeline.Ambiguous || answers[2].Class != pipeline.Ambiguous {
				t.Errorf("the answers are %+v", answers)
			}
		})
	}
}

func TestTwilioBatchAnswers(t *testing.T) {
	url := startStub(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"messages":[{"sid":"SM1","status":"queued"},
			{"error":{"code":21610,"message":"opted\u0000 out\u001b[31m","more_info":"","status":400}},
			{"error":{"code":20429,"message":"slow down","status":429}},
			{"error":{"code":30001,"status":503}},
			{"status":"queued"}, 7]}`)
	})
	answers := newTwilio(t, provider.Options{BaseURL: url}, provider.Batch).Send(t.Context(), messages(pipeline.SMS, 7))
	want := []pipeline.AnswerClass{pipeline.Sent, pipeline.Permanent, pipeline.Throttled, pipeline.Transient, pipeline.Ambiguous, pipeline.Ambiguous, pipeline.Ambiguous}
	for i, a := range answers {
		if a.Class != want[i] {
			t.Errorf("answer %d is %+v, want %v", i, a, want[i])
		}
	}
	if answers[1].Reason != provider.ReasonUnsubscribed || answers[1].Error != "400 21610: opted  out [31m" {
		t.Errorf("the answer is %+v", answers[1])
	}
}

// TestMissingBatchEndpoint: the real services have none, which must not cost a
// device its token.
func TestMissingBatchEndpoint(t *testing.T) {
	url := startStub(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, fcmGone)
	})
	for _, client := range []sender{newFCM(t, provider.Options{BaseURL: url}, provider.Batch), newTwilio(t, provider.Options{BaseURL: url}, provider.Batch)} {
		answers := client.Send(t.Context(), messages(client.Channel(), 3))
		onlyClass(t, answers, pipeline.Transient)
		if !strings.Contains(answers[0].Error, "single") {
			t.Errorf("the words do not say what to do: %q", answers[0].Error)
		}
	}
}

// TestFCMWire reads both wires with the standard library.
func TestFCMWire(t *testing.T) {
	sent := messages(pipeline.Push, 2)
	sent[0].Priority = pipeline.High
	sent[0].Body = "a\r\n--notifyctl_7d1f9b5c3e8a--\r\n\"quoted\"" // the boundary does not end the batch
	sent[1].ExpiresAt = time.Now().Add(90 * time.Second)
	type message struct {
		Message struct {
			Token        string
			Notification struct{ Title, Body string }
			Data         map[string]string
			Android      struct{ Priority, TTL string }
		}
	}
	var got []message
	read := func(body io.Reader) {
		var m message
		if err := json.NewDecoder(body).Decode(&m); err != nil {
			t.Error(err)
		}
		got = append(got, m)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/fcm/batch" || r.Header.Get("Authorization") != "Bearer token" {
			t.Errorf("%s with %q", r.URL.Path, r.Header.Get("Authorization"))
		}
		_, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil {
			t.Error(err)
		}
		reader := multipart.NewReader(r.Body, parameters["boundary"])
		for {
			p, err := reader.NextPart()
			if err != nil {
				break
			}
			inner, err := io.ReadAll(p)
			if err != nil {
				t.Error(err)
			}
			head, body, _ := bytes.Cut(inner, []byte("\r\n\r\n"))
			if !bytes.HasPrefix(head, []byte("POST /v1/projects/project-1/messages:send HTTP/1.1\r\n")) {
				t.Errorf("the inner request is %q", head)
			}
			read(bytes.NewReader(body))
		}
	}))
	t.Cleanup(server.Close)
	newFCM(t, provider.Options{BaseURL: server.URL}, provider.Batch).Send(t.Context(), sent)
	url := startStubWithBody(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/fcm/v1/projects/project-1/messages:send" || r.ProtoMajor != 2 {
			t.Errorf("%s over %s", r.URL.Path, r.Proto)
		}
		read(r.Body)
	})
	single := newFCM(t, provider.Options{BaseURL: url}, provider.Single)
	for i := range sent {
		single.Send(t.Context(), sent[i:i+1])
	}
	if len(got) != 4 {
		t.Fatalf("%d messages came, want each on each wire", len(got))
	}
	for i, m := range got {
		want := &sent[i%2]
		if m.Message.Token != want.To || m.Message.Notification.Title != want.Subject || m.Message.Notification.Body != want.Body ||
			m.Message.Data["notification_id"] != want.ID.String() || m.Message.Data["notification_ref"] != want.Ref {
			t.Errorf("message %d is %+v", i, m)
		}
	}
	if a := got[0].Message.Android; a.Priority != "HIGH" || a.TTL != "" {
		t.Errorf("urgent without an end: %+v", a)
	}
	if a := got[1].Message.Android; a.Priority != "NORMAL" || a.TTL != "90s" {
		t.Errorf("with an end: %+v", a)
	}
}

// TestTwilioWire reads both wires with the standard library.
func TestTwilioWire(t *testing.T) {
	sent := messages(pipeline.SMS, 2)
	sent[0].Body = "50% off & more + ü=😀\n"
	sent[0].Ref = "a_b-c"
	check := func(i int, to, service, body, callback string) {
		u, err := url.Parse(callback)
		if err != nil {
			t.Error(err)
			return
		}
		if to != sent[i].To || service != "MG1" || body != sent[i].Body ||
			u.Query().Get("notification_id") != sent[i].ID.String() || u.Query().Get("notification_ref") != sent[i].Ref {
			t.Errorf("message %d is to %q, %q, %q, %q", i, to, service, body, callback)
		}
	}
	stub := startStubWithBody(t, func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "AC1" || password != "token" {
			t.Errorf("credentials are %q, %q", user, password)
		}
		switch r.URL.Path {
		case "/twilio/2010-04-01/Accounts/AC1/Messages.json":
			at := 0
			if r.FormValue("To") != sent[0].To {
				at = 1
			}
			check(at, r.FormValue("To"), r.FormValue("MessagingServiceSid"), r.FormValue("Body"), r.FormValue("StatusCallback"))
			w.WriteHeader(http.StatusCreated)
		case "/twilio/2010-04-01/Accounts/AC1/Messages/Batch.json":
			var batch struct {
				MessagingServiceSid string
				Messages            []struct{ To, Body, StatusCallback string }
			}
			if err := json.NewDecoder(r.Body).Decode(&batch); err != nil || len(batch.Messages) != 2 {
				t.Errorf("%d messages, %v", len(batch.Messages), err)
			}
			for i, m := range batch.Messages {
				check(i, m.To, batch.MessagingServiceSid, m.Body, m.StatusCallback)
			}
		default:
			t.Errorf("an unknown path %s", r.URL.Path)
		}
	})
	onlyClass(t, newTwilio(t, provider.Options{BaseURL: stub}, provider.Single).Send(t.Context(), sent), pipeline.Sent)
	newTwilio(t, provider.Options{BaseURL: stub}, provider.Batch).Send(t.Context(), sent)
}

// TestTooLongForTheProvider: the guilty message is dead, its neighbours are not.
func TestTooLongForTheProvider(t *testing.T) {
	everyWire(t, func(t *testing.T, w wire, client sender, _ *mockproviders.Server) {
		if w.channel == pipeline.Email { // megabytes are not too long
			return
		}
		sent := messages(w.channel, 5)
		sent[2].Body = strings.Repeat("ü", 4100)
		answers := client.Send(t.Context(), sent)
		for i, a := range answers {
			want := pipeline.Sent
			if i == 2 {
				want = pipeline.Permanent
			}
			if a.Class != want {
				t.Errorf("answer %d is %+v", i, a)
			}
		}
	})
}
