package mockproviders_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/mockproviders"
)

// vonageAnswer is an answer of the SMS API.
type vonageAnswer struct {
	Count    string `json:"message-count"`
	Messages []struct {
		To        string `json:"to"`
		ID        string `json:"message-id"`
		Status    string `json:"status"`
		Text      string `json:"error-text"`
		ClientRef string `json:"client-ref"`
	} `json:"messages"`
}

// sms sends a form, and gives the answer.
func (m mock) sms(form url.Values, changes ...request) vonageAnswer {
	m.t.Helper()
	w := m.post(vonagePath, form.Encode(), 200, "", changes...)
	var answer vonageAnswer
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		m.t.Fatal(err)
	}
	if fmt.Sprint(len(answer.Messages)) != answer.Count || len(answer.Messages) == 0 {
		m.t.Fatalf("%s messages are counted in %s", answer.Count, w.Body)
	}
	return answer
}

func TestVonage(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(url.Values)
		status string // of the first message
		parts  int
	}{
		{"one", func(url.Values) {}, "0", 1},
		{"with a plus", func(f url.Values) { f.Set("to", "+447700900000") }, "0", 1},
		{"signed", func(f url.Values) { f.Del("api_secret"); f.Set("sig", "x") }, "0", 1},
		{"two parts", func(f url.Values) { f.Set("text", strings.Repeat("x", 161)) }, "0", 2},
		{"the longest", func(f url.Values) { f.Set("text", strings.Repeat("x", 3200)) }, "0", 21},
		{"too long", func(f url.Values) { f.Set("text", strings.Repeat("x", 3201)) }, "12", 1},
		{"no key", func(f url.Values) { f.Del("api_key") }, "2", 1},
		{"no secret", func(f url.Values) { f.Del("api_secret") }, "2", 1},
		{"no recipient", func(f url.Values) { f.Del("to") }, "2", 1},
		{"a bad recipient", func(f url.Values) { f.Set("to", "ada") }, "3", 1},
		{"no sender", func(f url.Values) { f.Del("from") }, "2", 1},
		{"no text", func(f url.Values) { f.Del("text") }, "2", 1},
		{"the longest reference", func(f url.Values) { f.Set("client-ref", "id."+strings.Repeat("x", 97)) }, "0", 1},
		{"too long a reference", func(f url.Values) { f.Set("client-ref", strings.Repeat("x", 101)) }, "3", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMock(t, mockproviders.Options{})
			form := url.Values{"api_key": {"k"}, "api_secret": {"s"}, "to": {"447700900000"}, "from": {"Us"}, "text": {"Hi & bye"}, "client-ref": {"id1.run-4"}}
			test.change(form)
			answer := m.sms(form)
			if len(answer.Messages) != test.parts || answer.Messages[0].Status != test.status {
				t.Fatalf("answered %+v", answer)
			}
			accepted := test.status == "0"
			if taken := m.sends() == 1; taken != accepted {
				t.Errorf("the ledger counts %d", m.sends())
			}
			ids := map[string]bool{}
			for _, part := range answer.Messages {
				ids[part.ID] = true
				if accepted && (part.ClientRef != form.Get("client-ref") || part.To != "447700900000" || part.Text != "") || !accepted && (part.Text == "" || part.ID != "") {
					t.Errorf("the part is %+v", part)
				}
			}
			if len(ids) != test.parts {
				t.Errorf("%d parts have %d ids", test.parts, len(ids))
			}
		})
	}
}

func TestVonageNames(t *testing.T) {
	for reference, want := range map[string][2]string{
		"id1.run-4": {"id1", "run-4"},
		"id1":       {"id1", ""},
		"id1.a.b":   {"id1", "a.b"},
		"id1.":      {"id1", ""},
	} {
		m := newMock(t, mockproviders.Options{})
		m.sms(url.Values{"api_key": {"k"}, "api_secret": {"s"}, "to": {"447700900000"}, "from": {"Us"}, "text": {"x"}, "client-ref": {reference}})
		if known := m.Ledger().Lookup(want[0]); len(known.Sends) != 1 || known.Ref != want[1] || known.Sends[0].Provider != "vonage" {
			t.Errorf("of %q the ledger says %+v", reference, known)
		}
	}
}

func TestVonageCredentials(t *testing.T) {
	form := url.Values{"to": {"447700900000"}, "from": {"Us"}, "text": {"x"}}
	m := newMock(t, mockproviders.Options{})
	for _, credentials := range []struct {
		change request
		status string
	}{
		{func(r *http.Request) { r.SetBasicAuth("k", "s") }, "0"},
		{header("Authorization", "Bearer jwt"), "0"},
		{func(r *http.Request) { r.SetBasicAuth("k", "") }, "2"},
		{header("Authorization", "Bearer "), "2"},
	} {
		if answer := m.sms(form, credentials.change); answer.Messages[0].Status != credentials.status {
			t.Errorf("answered %+v, want the status %s", answer, credentials.status)
		}
	}
}

func TestVonageJSON(t *testing.T) {
	m := newMock(t, mockproviders.Options{})
	asJSON := header("Content-Type", "application/json; charset=utf-8")
	m.post(vonagePath, `{"api_key":"k","api_secret":"s","to":447700900000,"from":"Us","text":"x","client-ref":"id.r","status-report-req":true}`, 200, `"client-ref":"id.r"}]}`, asJSON)
	m.post(vonagePath, `{"api_key":"k"`, 200, `"status":"3"`, asJSON)
	if m.sends() != 1 {
		t.Errorf("the ledger counts %d", m.sends())
	}
}

func TestVonageErrors(t *testing.T) {
	form := url.Values{"api_key": {"k"}, "api_secret": {"s"}, "to": {"447700900000"}, "from": {"Us"}, "text": {"x"}}
	for fault, want := range map[string]string{
		`"status":429`:            "1",
		`"status":500`:            "5",
		`"status":401`:            "4",
		`"status":402`:            "9",
		`"status":400`:            "6",
		`"status":404`:            "33",
		`"status":403`:            "7",
		`"status":400,"code":"8"`: "8",
	} {
		m := newMock(t, mockproviders.Options{Faults: script(t, `{"faults":[{"provider":"vonage","fault":"status",`+fault+`}]}`)})
		if answer := m.sms(form); answer.Messages[0].Status != want || answer.Messages[0].Text == "" || m.sends() != 0 {
			t.Errorf("%s: answered %+v, want the status %s", fault, answer, want)
		}
	}
	m := newMock(t, mockproviders.Options{Faults: script(t, `{"faults":[{"fault":"outage"}]}`)})
	m.post(vonagePath, form.Encode(), 503, "Service Unavailable") // its gateway's
}
