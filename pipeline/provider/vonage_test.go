package provider_test

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/provider"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

// TestVonageWire reads the requests with the standard library.
func TestVonageWire(t *testing.T) {
	sent := messages(pipeline.SMS, 4)
	sent[0].Body = "50% off & more + [€] =\n"
	sent[0].Ref = strings.Repeat("r", 64) // as long as one may be
	sent[1].Body, sent[1].Ref = "я 😀", ""
	sent[2].ExpiresAt = time.Now().Add(time.Hour)
	sent[3].ExpiresAt = time.Now().Add(time.Second)
	forms := make(chan map[string]string, len(sent))
	base := startStubWithBody(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/vonage/sms/json" || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
			t.Errorf("%s of %q", r.URL, r.Header.Get("Content-Type"))
		}
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		form := map[string]string{}
		for name := range r.PostForm {
			form[name] = r.PostForm.Get(name)
		}
		forms <- form
		_, _ = io.WriteString(w, vonageSent)
	})
	onlyClass(t, newVonage(t, provider.Options{BaseURL: base}).Send(t.Context(), sent), pipeline.Sent)
	close(forms)
	got := map[string]map[string]string{}
	for form := range forms {
		got["+"+form["to"]] = form
		if form["api_key"] != "key" || form["api_secret"] != "secret&" || form["from"] != "15005550000" {
			t.Errorf("the account is %v", form)
		}
	}
	for i := range sent {
		m := &sent[i]
		form, reference := got[m.To], m.ID.String()
		if m.Ref != "" {
			reference += "." + m.Ref
		}
		if form["text"] != m.Body || form["client-ref"] != reference || len(form["client-ref"]) > catalog.VonageReferenceCharacters {
			t.Errorf("message %d is %v", i, form)
		}
		unicode := ""
		if i == 1 {
			unicode = "unicode"
		}
		if form["type"] != unicode {
			t.Errorf("message %d is of type %q, want %q", i, form["type"], unicode)
		}
	}
	if ttl := got[sent[0].To]["ttl"]; ttl != "" {
		t.Errorf("without an end: a TTL of %s ms", ttl)
	}
	if ttl := got[sent[2].To]["ttl"]; len(ttl) != 7 || !strings.HasPrefix(ttl, "359") && ttl != "3600000" {
		t.Errorf("an hour left: a TTL of %s ms", ttl)
	}
	if ttl := got[sent[3].To]["ttl"]; ttl != "20000" { // the shortest
		t.Errorf("a second left: a TTL of %s ms", ttl)
	}
}

const (
	vonageOK   = `{"to":"15000000000","message-id":"0C000000217B7F02","status":"0","remaining-balance":"15.5","message-price":"0.03","network":"23410"}`
	vonageSent = `{"message-count":"1","messages":[` + vonageOK + `]}`
)

// vonageParts is an answer that declares a number of parts.
func vonageParts(count string, parts ...string) string {
	return `{"message-count":"` + count + `","messages":[` + strings.Join(parts, ",") + `]}`
}

func TestVonageAnswers(t *testing.T) {
	busy := `{"status":"1","error-text":"Throughput Rate Exceeded - please wait [ 50 ] and retry"}`
	barred := `{"status":"7","error-text":"Number barred: 15000000000"}`
	internal := `{"status":"5","error-text":"Internal Error"}`
	for _, test := range []struct {
		name   string
		status int
		body   string
		class  pipeline.AnswerClass
		reason string
	}{
		{"taken", 200, vonageSent, pipeline.Sent, ""},
		{"taken in three parts", 200, vonageParts("3", vonageOK, vonageOK, vonageOK), pipeline.Sent, ""},
		{"more parts than it says", 200, vonageParts("1", vonageOK, vonageOK), pipeline.Sent, ""},
		{"throttled", 200, vonageParts("1", busy), pipeline.Throttled, ""},
		{"internal", 200, vonageParts("1", internal), pipeline.Transient, ""},
		{"barred", 200, vonageParts("1", barred), pipeline.Permanent, provider.ReasonUnsubscribed},
		{"the second part is barred", 200, vonageParts("2", vonageOK, barred), pipeline.Permanent, provider.ReasonUnsubscribed},
		{"a part is throttled, another barred", 200, vonageParts("2", busy, barred), pipeline.Permanent, provider.ReasonUnsubscribed},
		{"a part is taken, another throttled", 200, vonageParts("2", vonageOK, busy), pipeline.Ambiguous, ""},
		{"a part is throttled, another taken", 200, vonageParts("2", busy, vonageOK), pipeline.Ambiguous, ""},
		{"all parts are throttled", 200, vonageParts("2", busy, busy), pipeline.Throttled, ""},
		{"a part is missing", 200, vonageParts("2", vonageOK), pipeline.Ambiguous, ""},
		{"a part is missing, another throttled", 200, vonageParts("2", busy), pipeline.Ambiguous, ""},
		{"a part is missing, another barred", 200, vonageParts("2", barred), pipeline.Permanent, provider.ReasonUnsubscribed},
		{"a part that is none", 200, vonageParts("1", vonageOK, "null"), pipeline.Ambiguous, ""},
		{"a part without a status", 200, vonageParts("1", `{"to":"1"}`), pipeline.Ambiguous, ""},
		{"a status that is no text", 200, vonageParts("1", `{"status":0}`), pipeline.Ambiguous, ""},
		{"no part", 200, vonageParts("0"), pipeline.Ambiguous, ""},
		{"cut between parts", 200, `{"message-count":"2","messages":[` + vonageOK + `,`, pipeline.Ambiguous, ""},
		{"cut, and it never said how many", 200, `{"messages":[` + vonageOK + `,{"status":"`, pipeline.Ambiguous, ""},
		{"too large", 200, vonageParts("2", vonageOK, `{"network":"`+strings.Repeat("1", 1<<20)+`","status":"0"}`), pipeline.Ambiguous, ""},
		{"HTML", 200, "<html>hello</html>", pipeline.Ambiguous, ""},
		{"empty", 200, "", pipeline.Ambiguous, ""},
		{"a success that is none", 202, vonageSent, pipeline.Ambiguous, ""},
		{"by status", 429, "", pipeline.Throttled, ""},
		{"out of service", 503, "<html>", pipeline.Transient, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			base := startStub(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			})
			a := newVonage(t, provider.Options{BaseURL: base}).Send(t.Context(), messages(pipeline.SMS, 1))[0]
			checkAnswer(t, a)
			if a.Class != test.class || a.Reason != test.reason {
				t.Errorf("the answer is %+v, want %v %q", a, test.class, test.reason)
			}
			if strings.Contains(a.Error, "15000000000") {
				t.Errorf("the words tell the number: %q", a.Error)
			}
		})
	}
}

// TestVonageSendsConcurrently: as many calls at a time as there are
// connections.
func TestVonageSendsConcurrently(t *testing.T) {
	const limit = 8
	var running, most atomic.Int64
	full := make(chan struct{})
	base := startStub(t, func(w http.ResponseWriter, _ *http.Request) {
		if n := running.Add(1); n == limit && most.Swap(n) == 0 {
			close(full)
		} else if n > limit {
			t.Errorf("%d calls at a time", n)
		}
		<-full
		running.Add(-1)
		_, _ = io.WriteString(w, vonageSent)
	})
	client := newVonage(t, provider.Options{BaseURL: base, Connections: limit})
	onlyClass(t, client.Send(t.Context(), messages(pipeline.SMS, 100)), pipeline.Sent)
}
