package provider_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/provider"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

func TestEveryMessageArrivesOnce(t *testing.T) {
	everyWire(t, func(t *testing.T, w wire, client sender, mock *mockproviders.Server) {
		sent := messages(w.channel, client.MaxBatch()+7)
		answers := client.Send(t.Context(), sent)
		if len(answers) != len(sent) {
			t.Fatalf("%d answers to %d messages", len(answers), len(sent))
		}
		onlyClass(t, answers, pipeline.Sent)
		run := mock.Ledger().Run("run")
		if got := run.Sequences().GetCardinality(); got != uint64(len(sent)) {
			t.Errorf("the ledger holds %d of %d messages", got, len(sent))
		}
		for _, m := range sent {
			known := mock.Ledger().Lookup(m.ID.String())
			if len(known.Sends) != 1 || known.Sends[0].Provider != client.Name() || known.Ref != m.Ref {
				t.Fatalf("the ledger says of %s: %+v", m.ID, known)
			}
		}
		totals := mock.Ledger().Totals()
		if want := (mockproviders.Count{Sends: uint64(len(sent)), Unique: uint64(len(sent))}); totals.Total != want || totals.Providers[client.Name()] != want {
			t.Errorf("totals are %+v, want %+v", totals, want)
		}
	})
}

func TestNoMessages(t *testing.T) {
	everyWire(t, func(t *testing.T, _ wire, client sender, mock *mockproviders.Server) {
		if answers := client.Send(t.Context(), nil); len(answers) != 0 {
			t.Errorf("%d answers to no message", len(answers))
		}
		if sends := mock.Ledger().Totals().Total.Sends; sends != 0 {
			t.Errorf("%d sends", sends)
		}
	})
}

// TestPartialFailure has one recipient refused: its neighbours are sent.
func TestPartialFailure(t *testing.T) {
	everyWire(t, func(t *testing.T, w wire, client sender, mock *mockproviders.Server) {
		const guilty = 13
		refused := refusals()[client.Name()]
		setFaults(t, mock, mockproviders.Fault{Kind: mockproviders.Status, Status: refused.status, Code: refused.code, To: faulty(w.channel, guilty)})
		answers := client.Send(t.Context(), messages(w.channel, 40))
		for i, a := range answers {
			want := pipeline.Sent
			if i == guilty {
				want = pipeline.Permanent
			}
			if a.Class != want {
				t.Errorf("answer %d is %v (%q)", i, a.Class, a.Error)
			}
		}
		if answers[guilty].Reason != refused.reason {
			t.Errorf("the reason is %q, want %q", answers[guilty].Reason, refused.reason)
		}
		if sends := mock.Ledger().Totals().Total; sends.Sends != 39 || sends.Duplicates != 0 {
			t.Errorf("the provider accepted %+v of 39", sends)
		}
	})
}

// refusal is how a provider refuses a recipient for good.
type refusal struct {
	status       int
	code, reason string
}

func refusals() map[string]refusal {
	return map[string]refusal{
		catalog.SendGrid: {http.StatusBadRequest, "", provider.ReasonInvalidAddress},
		catalog.SES:      {http.StatusBadRequest, "BadRequestException", provider.ReasonRejected},
		catalog.FCM:      {http.StatusNotFound, "", provider.ReasonUnregistered},
		catalog.APNs:     {http.StatusGone, "", provider.ReasonUnregistered},
		catalog.Twilio:   {http.StatusBadRequest, "", provider.ReasonUnsubscribed},
		catalog.Vonage:   {http.StatusForbidden, "", provider.ReasonUnsubscribed},
	}
}

func TestThrottled(t *testing.T) {
	everyWire(t, func(t *testing.T, w wire, client sender, mock *mockproviders.Server) {
		setFaults(t, mock, mockproviders.Fault{Kind: mockproviders.Status, Status: http.StatusTooManyRequests, RetryAfter: mockproviders.Duration(2 * time.Second)})
		answers := client.Send(t.Context(), messages(w.channel, 5))
		onlyClass(t, answers, pipeline.Throttled)
		want := 2 * time.Second
		if w.name == "vonage" { // which says so in its words, the mock always the same
			want = time.Second
		}
		for _, a := range answers {
			if a.RetryAfter != want || a.Error == "" {
				t.Errorf("the answer is %+v", a)
			}
		}
	})
}

// TestThrottledEntry has one entry of a batch throttled, with its own wait.
func TestThrottledEntry(t *testing.T) {
	everyWire(t, func(t *testing.T, w wire, client sender, mock *mockproviders.Server) {
		setFaults(t, mock, mockproviders.Fault{
			Kind: mockproviders.Status, Status: http.StatusTooManyRequests,
			RetryAfter: mockproviders.Duration(3 * time.Second), To: faulty(w.channel, 1),
		})
		answers := client.Send(t.Context(), messages(w.channel, 3))
		want := 3 * time.Second
		switch w.name {
		case "ses": // whose results ask for no wait
			want = 0
		case "vonage":
			want = time.Second
		}
		if answers[1].Class != pipeline.Throttled || answers[1].RetryAfter != want {
			t.Errorf("the answer is %+v", answers[1])
		}
		if w.name != "sendgrid" { // which answers by call alone
			if answers[0].Class != pipeline.Sent || answers[2].Class != pipeline.Sent {
				t.Errorf("the neighbours' answers are %+v and %+v", answers[0], answers[2])
			}
		}
	})
}

func TestOutageKeepsEveryMessage(t *testing.T) {
	everyWire(t, func(t *testing.T, w wire, client sender, mock *mockproviders.Server) {
		setFaults(t, mock, mockproviders.Fault{Kind: mockproviders.Outage})
		onlyClass(t, client.Send(t.Context(), messages(w.channel, 20)), pipeline.Transient)
		if sends := mock.Ledger().Totals().Total.Sends; sends != 0 {
			t.Errorf("the provider accepted %d", sends)
		}
		setFaults(t, mock)
		onlyClass(t, client.Send(t.Context(), messages(w.channel, 20)), pipeline.Sent)
	})
}

func TestFirstAttemptsFail(t *testing.T) {
	everyWire(t, func(t *testing.T, w wire, client sender, mock *mockproviders.Server) {
		setFaults(t, mock, mockproviders.Fault{Kind: mockproviders.Status, Status: http.StatusServiceUnavailable, Attempts: 2})
		sent := messages(w.channel, 4)
		onlyClass(t, client.Send(t.Context(), sent), pipeline.Transient)
		onlyClass(t, client.Send(t.Context(), sent), pipeline.Transient)
		onlyClass(t, client.Send(t.Context(), sent), pipeline.Sent)
	})
}

func TestResetsAreAmbiguous(t *testing.T) {
	for _, test := range []struct {
		kind     mockproviders.FaultKind
		accepted uint64
	}{
		{mockproviders.ResetBefore, 0},
		{mockproviders.ResetAfter, 6},
	} {
		t.Run(string(test.kind), func(t *testing.T) {
			everyWire(t, func(t *testing.T, w wire, client sender, mock *mockproviders.Server) {
				setFaults(t, mock, mockproviders.Fault{Kind: test.kind})
				onlyClass(t, client.Send(t.Context(), messages(w.channel, 6)), pipeline.Ambiguous)
				if sends := mock.Ledger().Totals().Total.Sends; sends != test.accepted {
					t.Errorf("the provider accepted %d, want %d", sends, test.accepted)
				}
			})
		})
	}
}

func TestHTMLFromAGatewayIsAmbiguous(t *testing.T) {
	everyWire(t, func(t *testing.T, w wire, client sender, mock *mockproviders.Server) {
		setFaults(t, mock, mockproviders.Fault{Kind: mockproviders.HTML502})
		answers := client.Send(t.Context(), messages(w.channel, 3))
		onlyClass(t, answers, pipeline.Ambiguous)
		if strings.Contains(answers[0].Error, "<") {
			t.Errorf("the words are HTML: %q", answers[0].Error)
		}
	})
}

func TestNothingListens(t *testing.T) {
	for _, w := range wires() {
		t.Run(w.name, func(t *testing.T) {
			client := w.make(t, provider.Options{
				BaseURL: "http://127.0.0.1:1",
				Dial:    refuse,
			})
			answers := client.Send(t.Context(), messages(w.channel, 5))
			onlyClass(t, answers, pipeline.Transient)
			if !strings.Contains(answers[0].Error, errRefused.Error()) {
				t.Errorf("the words are %q", answers[0].Error)
			}
		})
	}
}

// TestCallerGivesUp sends nothing once the caller's context has ended.
func TestCallerGivesUp(t *testing.T) {
	everyWire(t, func(t *testing.T, w wire, client sender, mock *mockproviders.Server) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("shutting down"))
		answers := client.Send(ctx, messages(w.channel, client.MaxBatch()+1))
		onlyClass(t, answers, pipeline.Unsent)
		if sends := mock.Ledger().Totals().Total.Sends; sends != 0 {
			t.Errorf("the provider accepted %d", sends)
		}
	})
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, w := range wires() {
		t.Run(w.name, func(t *testing.T) {
			followed := false
			url := startStub(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/elsewhere" {
					followed = true
					return
				}
				http.Redirect(w, r, "/elsewhere", http.StatusPermanentRedirect)
			})
			onlyClass(t, w.make(t, provider.Options{BaseURL: url}).Send(t.Context(), messages(w.channel, 2)), pipeline.Transient)
			if followed {
				t.Error("the redirect was followed")
			}
		})
	}
}

// TestCredentialsAreTheCallsFault: wrong credentials kill no notification.
func TestCredentialsAreTheCallsFault(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed} {
		for _, w := range wires() {
			t.Run(fmt.Sprint(w.name, " ", status), func(t *testing.T) {
				url := startStub(t, func(w http.ResponseWriter, _ *http.Request) {
					http.Error(w, "<html>no</html>", status)
				})
				onlyClass(t, w.make(t, provider.Options{BaseURL: url}).Send(t.Context(), messages(w.channel, 3)), pipeline.Transient)
			})
		}
	}
}

// TestAnyAnswerIsUnderstood answers with arbitrary bytes: there is one answer a
// message, of a class, with clean words.
func TestAnyAnswerIsUnderstood(t *testing.T) {
	statuses := []int{200, 201, 202, 204, 299, 301, 304, 400, 401, 403, 404, 408, 410, 413, 418, 429, 500, 501, 502, 503, 504, 599}
	bodies := rapid.OneOf(
		rapid.SliceOfN(rapid.Byte(), 0, 300),
		rapid.Map(rapid.StringMatching(`\{"(errors|error|messages|code|message)":(\[\]|\{\}|\[\{\}\]|\[\{"message":"x","field":"personalizations\.[0-9]{1,6}\.to"\}\]|"[^"\\]{0,300}"|[0-9]{1,20}|\[\{"sid":"SM"\},\{"error":\{"code":21610\}\}\])\}?|`+
			`\{"(reason|message-count|__type)":("Unregistered"|"[0-9]{1,6}"|[0-9]{1,3}|null)(,"messages":\[\{"status":"[0-9]{0,2}"(,"error-text":"[a-z ]{0,300}")?\}\])?\}|`+
			`\{"BulkEmailEntryResults":\[(\{"Status":"(SUCCESS|FAILED|INVALID_PARAMETER)?","Error":"[a-z@ 0-9]{0,60}"\},){0,14}(null|7)?\]?\}?`),
			func(s string) []byte { return []byte(s) }),
	)
	for _, w := range wires() {
		t.Run(w.name, func(t *testing.T) {
			var status int
			var contentType string
			var body []byte
			url := startStub(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", contentType)
				w.WriteHeader(status)
				_, _ = w.Write(body)
			})
			client := w.make(t, provider.Options{BaseURL: url})
			rapid.Check(t, func(t *rapid.T) {
				status = rapid.SampledFrom(statuses).Draw(t, "status")
				contentType = rapid.SampledFrom([]string{"application/json", "text/html", "multipart/mixed", "multipart/mixed; boundary=b"}).Draw(t, "type")
				body = bodies.Draw(t, "body")
				sent := messages(w.channel, rapid.IntRange(0, 12).Draw(t, "messages"))
				answers := client.Send(context.Background(), sent)
				if len(answers) != len(sent) {
					t.Fatalf("%d answers to %d messages", len(answers), len(sent))
				}
				for _, a := range answers {
					checkAnswer(t, a)
				}
			})
		})
	}
}

func checkAnswer(t rapid.TB, a pipeline.Answer) {
	switch {
	case a.Class < pipeline.Sent || a.Class > pipeline.Ambiguous && a.Class != pipeline.Unsent:
		t.Fatalf("the class is %v", a.Class)
	case (a.Reason != "") != (a.Class == pipeline.Permanent):
		t.Fatalf("the reason of %v is %q", a.Class, a.Reason)
	case (a.Error == "") != (a.Class == pipeline.Sent):
		t.Fatalf("the words of %v are %q", a.Class, a.Error)
	case len(a.Error) > 200 || !utf8.ValidString(a.Error) || strings.ContainsFunc(a.Error, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }):
		t.Fatalf("the words are not clean: %q", a.Error)
	case a.RetryAfter < 0:
		t.Fatalf("the wait is %v", a.RetryAfter)
	}
}
