package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/gateway"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
)

func TestSubmitAnswersInOrder(t *testing.T) {
	w := newWorld(nil)
	w.ingester.accept = func(_ context.Context, s pipeline.Submission) ([]pipeline.Receipt, error) {
		return []pipeline.Receipt{
			{ID: ids().Make(epoch(), &s.Notifications[0], 1), Result: pipeline.Result{State: pipeline.Queued}},
			{ID: ids().Make(epoch(), &s.Notifications[1], 2), Result: pipeline.Result{State: pipeline.Suppressed, Reason: `opted "out"`}},
			{ID: ids().Make(epoch(), &s.Notifications[2], 3), Result: pipeline.Result{State: pipeline.Expired}, Replayed: true},
		}, nil
	}
	got := w.call("POST", "/v1/notifications", `{"notifications": [`+one+`,`+one+`,`+one+`]}`, header("Idempotency-Key", "k1"))
	var accepted api.Accepted
	if err := json.Unmarshal(got.Body.Bytes(), &accepted); err != nil || got.Code != 202 || got.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("got %d %s, %v", got.Code, got.Body, err)
	}
	s := w.ingester.submissions()[0]
	want := []api.Result{
		{ID: ids().Make(epoch(), &s.Notifications[0], 1).String(), Status: "accepted"},
		{ID: ids().Make(epoch(), &s.Notifications[1], 2).String(), Status: "suppressed", Reason: `opted "out"`},
		{ID: ids().Make(epoch(), &s.Notifications[2], 3).String(), Status: "expired", Replayed: true},
	}
	if !slices.Equal(accepted.Results, want) {
		t.Errorf("got %+v, want %+v", accepted.Results, want)
	}
	if s.Key != "k1" || s.Client != "" || s.Keys != nil {
		t.Errorf("ingest got %+v", s)
	}
	if w.observer.submitted != 3 || len(w.observer.refused) != 0 || w.observer.requests["/v1/notifications Accepted"] != 1 || w.observer.answering != 0 {
		t.Errorf("observed %+v", w.observer)
	}
}

func TestSubmitReportsAllFaultsTogether(t *testing.T) {
	w := newWorld(nil)
	w.ingester.accept = func(_ context.Context, s pipeline.Submission) ([]pipeline.Receipt, error) {
		// As ingest does: its own faults behind those of decoding, also of the same field.
		return nil, &pipeline.InvalidError{Faults: append(s.Faults,
			pipeline.Fault{Entry: 1, Field: "channel", Detail: "is required"},
			pipeline.Fault{Entry: 0, Field: "variables/name", Detail: "template welcome needs this variable"})}
	}
	body := `{"notifications": [` + one + `, {"user_id": "u2", "channel": "fax", "template_id": "welcome"}]}`
	p := wantProblem(t, w.call("POST", "/v1/notifications", body), 422, api.CodeInvalid)
	if len(p.Errors) != 2 || p.Errors[0].Pointer != "/notifications/1/channel" || !strings.Contains(p.Errors[0].Detail, "push, email or sms") ||
		p.Errors[1].Pointer != "/notifications/0/variables/name" {
		t.Errorf("got %+v", p.Errors)
	}
	if w.observer.refused[telemetry.RefusedInvalid] != 2 {
		t.Errorf("observed %+v", w.observer.refused)
	}
	p = wantProblem(t, w.call("POST", "/v1/notifications", `{"channel": "fax"}`), 422, api.CodeInvalid)
	if p.Errors[0].Pointer != "/channel" {
		t.Errorf("got %+v", p.Errors)
	}
}

func TestSubmitRefusesByItself(t *testing.T) {
	big := `{"user_id": "` + strings.Repeat("u", gateway.MaxBody) + `"}`
	cases := []struct {
		name    string
		body    string
		changes []func(*http.Request)
		status  int
		code    string
	}{
		{"malformed JSON", `{`, nil, 400, api.CodeMalformed},
		{"no body", "", []func(*http.Request){header("Content-Type", "application/json")}, 400, api.CodeMalformed},
		{"a form", one, []func(*http.Request){func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }}, 415, api.CodeMediaType},
		{"plain text", one, []func(*http.Request){func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }}, 415, api.CodeMediaType},
		{"no type", one, []func(*http.Request){func(r *http.Request) { r.Header.Del("Content-Type") }}, 415, api.CodeMediaType},
		{"a bad type", one, []func(*http.Request){func(r *http.Request) { r.Header.Set("Content-Type", "application/json; ;") }}, 415, api.CodeMediaType},
		{"another encoding", one, []func(*http.Request){func(r *http.Request) { r.Header.Set("Content-Type", "application/json; charset=latin1") }}, 415, api.CodeMediaType},
		{"a compressed body", one, []func(*http.Request){header("Content-Encoding", "gzip")}, 415, api.CodeMediaType},
		{"a large body", big, nil, 413, api.CodeTooLarge},
		{"a large body of unknown length", big, []func(*http.Request){func(r *http.Request) { r.ContentLength = -1 }}, 413, api.CodeTooLarge},
		{"many entries", `{"notifications": [` + strings.Repeat("{},", 1000) + `{}]}`, nil, 413, api.CodeTooLarge},
		{"a short body", one, []func(*http.Request){func(r *http.Request) { r.ContentLength++ }}, 400, api.CodeMalformed},
		{"an empty list", `{"notifications": []}`, nil, 422, api.CodeInvalid},
		{"a bad key", one, []func(*http.Request){header("Idempotency-Key", "a b")}, 422, api.CodeInvalid},
		{"an empty key", one, []func(*http.Request){header("Idempotency-Key", "")}, 422, api.CodeInvalid},
		{"a long key", one, []func(*http.Request){header("Idempotency-Key", strings.Repeat("k", 256))}, 422, api.CodeInvalid},
		{"two keys", one, []func(*http.Request){header("Idempotency-Key", "a"), header("Idempotency-Key", "b")}, 422, api.CodeInvalid},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(nil)
			wantProblem(t, w.call("POST", "/v1/notifications", c.body, c.changes...), c.status, c.code)
			if got := w.ingester.submissions(); len(got) > 0 {
				t.Errorf("ingest got %+v", got)
			}
		})
	}
}

func TestSubmitTakesJSONInItsSpellings(t *testing.T) {
	for _, contentType := range []string{"application/json", "Application/JSON", "application/json; charset=utf-8", `application/json;charset="UTF-8"`} {
		got := newWorld(nil).call("POST", "/v1/notifications", one, func(r *http.Request) { r.Header.Set("Content-Type", contentType) })
		if got.Code != 202 {
			t.Errorf("%s: %d %s", contentType, got.Code, got.Body)
		}
	}
}

func TestKeyOnRequestAndEntry(t *testing.T) {
	w := newWorld(nil)
	body := `{"notifications": [` + one + `, {"user_id": "u2", "channel": "sms", "template_id": "otp", "idempotency_key": "k2"}]}`
	p := wantProblem(t, w.call("POST", "/v1/notifications", body, header("Idempotency-Key", "k1")), 422, api.CodeInvalid)
	if len(p.Errors) != 1 || p.Errors[0].Pointer != "/notifications/1/idempotency_key" {
		t.Errorf("got %+v", p.Errors)
	}
}

func TestIngestsRefusals(t *testing.T) {
	cases := []struct {
		name    string
		err     error
		status  int
		code    string
		pointer string
		refusal telemetry.Refusal
	}{
		{"conflict", &pipeline.ClaimError{Claim: 1, Err: pipeline.ErrConflict}, 422, api.CodeConflict, "/notifications/2/idempotency_key", telemetry.RefusedConflict},
		{"running", &pipeline.ClaimError{Claim: 0, Err: pipeline.ErrRunning}, 409, api.CodeRunning, "/notifications/0/idempotency_key", telemetry.RefusedRunning},
		{"full", errors.Join(errors.New("x"), pipeline.ErrFull), 503, api.CodeAdmission, "", telemetry.RefusedAdmission},
		{"unavailable", pipeline.ErrUnavailable, 503, api.CodeUnavailable, "", telemetry.RefusedUnavailable},
		{"ambiguous", pipeline.ErrAmbiguous, 503, api.CodeAmbiguous, "", telemetry.RefusedAmbiguous},
		{"a deadline", context.DeadlineExceeded, 503, api.CodeUnavailable, "", telemetry.RefusedUnavailable},
		{"anything else", errors.New("secret-host:5432 is down"), 500, api.CodeInternal, "", telemetry.RefusedInternal},
	}
	keyed := func(key string) string {
		return `{"user_id": "u", "channel": "sms", "template_id": "otp", "idempotency_key": "` + key + `"}`
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(nil)
			w.ingester.accept = func(context.Context, pipeline.Submission) ([]pipeline.Receipt, error) { return nil, c.err }
			got := w.call("POST", "/v1/notifications", `{"notifications": [`+keyed("a")+`,`+one+`,`+keyed("b")+`]}`)
			p := wantProblem(t, got, c.status, c.code)
			if c.pointer == "" && len(p.Errors) > 0 || c.pointer != "" && (len(p.Errors) != 1 || p.Errors[0].Pointer != c.pointer) {
				t.Errorf("got %+v", p.Errors)
			}
			if w.observer.refused[c.refusal] != 3 {
				t.Errorf("observed %+v", w.observer.refused)
			}
			if strings.Contains(got.Body.String(), "secret") {
				t.Errorf("the answer tells of our insides: %s", got.Body)
			}
			if c.status >= 500 && !strings.Contains(w.logs.String(), c.err.Error()) && !strings.Contains(w.logs.String(), "x\\n") {
				t.Errorf("the log does not say why: %s", w.logs)
			}
		})
	}
}
