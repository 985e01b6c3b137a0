package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/gateway"
)

// wantProblem reads the problem of an answer and checks its form.
func wantProblem(t *testing.T, got *httptest.ResponseRecorder, status int, code string) api.Problem {
	t.Helper()
	var p api.Problem
	if err := json.Unmarshal(got.Body.Bytes(), &p); err != nil {
		t.Fatalf("%d %q: %v", got.Code, got.Body, err)
	}
	if got.Code != status || p.Status != status || p.Code != code || p.Title != http.StatusText(status) || p.Type == "" || p.Detail == "" {
		t.Errorf("got %d, %+v; want %d %s", got.Code, p, status, code)
	}
	if ct := got.Header().Get("Content-Type"); ct != api.ProblemType {
		t.Errorf("a problem of type %s", ct)
	}
	if (got.Header().Get("Retry-After") != "") != (status == 503 || status == 429) {
		t.Errorf("%d with Retry-After %q", status, got.Header().Get("Retry-After"))
	}
	return p
}

const one = `{"user_id": "u1", "channel": "email", "template_id": "welcome"}`

func TestAPanicIsOneAnswer(t *testing.T) {
	w := newWorld(nil)
	w.ingester.accept = func(context.Context, pipeline.Submission) ([]pipeline.Receipt, error) { panic("BUG: x") }
	wantProblem(t, w.call("POST", "/v1/notifications", one), 500, api.CodeInternal)
	if !strings.Contains(w.logs.String(), "BUG: x") || w.observer.requests["/v1/notifications Internal Server Error"] != 1 {
		t.Errorf("logged %s, observed %v", w.logs, w.observer.requests)
	}
}

func TestAdmissionBoundsWhatIsInProgress(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	fill := func(t *testing.T, w *world) {
		w.ingester.accept = func(context.Context, pipeline.Submission) ([]pipeline.Receipt, error) {
			entered <- struct{}{}
			<-leave
			return nil, pipeline.ErrFull
		}
		done := make(chan struct{})
		go func() { defer close(done); w.call("POST", "/v1/notifications", one) }()
		<-entered
		t.Cleanup(func() {
			leave <- struct{}{}
			<-done
			w.ingester.accept = nil
			if got := w.call("POST", "/v1/notifications", one); got.Code != 202 {
				t.Errorf("its place was not given back: %d %s", got.Code, got.Body)
			}
		})
	}
	unread := func(r *http.Request) {
		r.Body = io.NopCloser(readFunc(func([]byte) (int, error) { t.Error("the body was read"); return 0, io.EOF }))
	}
	t.Run("requests", func(t *testing.T) {
		w := newWorld(func(c *gateway.Config) { c.MaxRequests = 1 })
		fill(t, w)
		wantProblem(t, w.call("POST", "/v1/notifications", one, unread), 503, api.CodeAdmission)
		if got := w.call("GET", "/healthz", ""); got.Code != 200 {
			t.Errorf("overloaded, it is called dead: %d", got.Code)
		}
	})
	t.Run("bytes", func(t *testing.T) {
		w := newWorld(func(c *gateway.Config) { c.MaxBodyBytes = int64(len(one)) + 10 })
		fill(t, w)
		wantProblem(t, w.call("POST", "/v1/notifications", one, unread), 503, api.CodeAdmission)
		wantProblem(t, w.call("POST", "/v1/notifications", one, unread, func(r *http.Request) { r.ContentLength = -1 }), 503, api.CodeAdmission)
	})
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func TestPathsAndMethods(t *testing.T) {
	w := newWorld(nil)
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/", 404, ""},
		{"GET", "/v1", 404, ""},
		{"GET", "/v1/status/", 404, ""},
		{"GET", "//v1/status", 404, ""},
		{"GET", "/v1/../v1/status", 404, ""},
		{"POST", "/v1/nothing", 404, ""},
		{"GET", "/v1/notifications/a/b", 404, ""},
		{"GET", "/V1/status", 404, ""},
		{"GET", "/v1/notifications", 405, "POST"},
		{"DELETE", "/v1/notifications", 405, "POST"},
		{"OPTIONS", "/v1/notifications", 405, "POST"},
		{"POST", "/v1/status", 405, "GET, HEAD"},
		{"POST", "/v1/notifications/x", 405, "GET, HEAD"},
		{"PATCH", "/v1/users/u/preferences", 405, "GET, HEAD, PUT"},
		{"BREW", "/healthz", 405, "GET, HEAD"},
	} {
		got := w.call(c.method, c.path, "")
		code := api.CodeNotFound
		if c.status == 405 {
			code = api.CodeMethod
		}
		wantProblem(t, got, c.status, code)
		if got.Header().Get("Allow") != c.allow {
			t.Errorf("%s %s: Allow %q, want %q", c.method, c.path, got.Header().Get("Allow"), c.allow)
		}
	}
	if got := w.call("HEAD", "/v1/status", ""); got.Code != 200 {
		t.Errorf("HEAD: %d", got.Code)
	}
	if got := w.call("GET", "/metrics", ""); got.Code != 200 || got.Body.String() != "metrics" {
		t.Errorf("metrics: %d %s", got.Code, got.Body)
	}
}

func TestForeignPagesAreRefused(t *testing.T) {
	w := newWorld(func(c *gateway.Config) { c.Hosts = []string{"Notify.Internal:8443"} })
	host := func(host string) func(*http.Request) { return func(r *http.Request) { r.Host = host } }
	for _, h := range []string{"evil.example", "evil.example:8080", "localhost.evil.example", "", "192.0.2.1", "[2001:db8::1]:80", "a b", "127.0.0.1.evil"} {
		wantProblem(t, w.call("GET", "/v1/status", "", host(h)), 421, api.CodeMisdirected)
		wantProblem(t, w.call("POST", "/v1/notifications", one, host(h)), 421, api.CodeMisdirected)
	}
	for _, h := range []string{"localhost", "LOCALHOST:1", "localhost.", "127.0.0.1", "127.0.0.1:8080", "[::1]:8080", "[::1]", "notify.internal"} {
		if got := w.call("GET", "/v1/status", "", host(h)); got.Code != 200 {
			t.Errorf("Host %s: %d", h, got.Code)
		}
	}
	for _, origin := range []string{"http://evil.example", "null", "https://localhost:8080", "http://localhost:3000", "http://localhost", ""} {
		wantProblem(t, w.call("POST", "/v1/notifications", one, header("Origin", origin)), 403, api.CodeForbidden)
	}
	wantProblem(t, w.call("GET", "/healthz", "", header("Origin", "http://localhost:8080"), header("Origin", "http://evil.example")), 403, api.CodeForbidden)
	if got := w.call("POST", "/v1/notifications", one, header("Origin", "http://localhost:8080")); got.Code != 202 {
		t.Errorf("our own page: %d", got.Code)
	}
	if got := w.ingester.submissions(); len(got) != 1 {
		t.Errorf("ingest got %d submissions", len(got))
	}
}

func TestRequestIDs(t *testing.T) {
	w := newWorld(nil)
	if got := w.call("GET", "/healthz", "", header("X-Request-Id", "abc-1.2")).Header().Get("X-Request-Id"); got != "abc-1.2" {
		t.Errorf("got %q", got)
	}
	if !strings.Contains(w.logs.String(), "request_id=abc-1.2") {
		t.Errorf("logged %s", w.logs)
	}
	seen := map[string]bool{}
	for _, id := range []string{"", "a b", "a\nb", "é", strings.Repeat("x", 129)} {
		got := w.call("GET", "/healthz", "", header("X-Request-Id", id)).Header().Get("X-Request-Id")
		if got == "" || got == id || seen[got] {
			t.Errorf("%q became %q", id, got)
		}
		seen[got] = true
	}
}

func TestLogsNameNobody(t *testing.T) {
	w := newWorld(nil)
	w.call("POST", "/v1/notifications", `{"user_id": "u1", "channel": "email", "to": "ada@example.com", "template_id": "welcome"}`)
	w.call("POST", "/v1/notifications", `{"user_id": 1, "to": "ada@example.com", "channel": "ada@example.com"}`)
	w.call("GET", "/v1/users/ada@example.com/preferences", "")
	w.call("GET", "/ada@example.com", "")
	if strings.Contains(w.logs.String(), "ada") {
		t.Errorf("logged %s", w.logs)
	}
}

func TestNotificationByID(t *testing.T) {
	w := newWorld(nil)
	n := pipeline.Notification{UserID: "u1", Channel: pipeline.Email, Priority: pipeline.High}
	queued, dead, unknown := ids().Make(epoch(), &n, 1), ids().Make(epoch(), &n, 2), ids().Make(epoch(), &n, 3)
	w.history.entries[queued] = pipeline.Entry{ID: queued, State: pipeline.Queued}
	w.history.entries[dead] = pipeline.Entry{
		ID: dead, State: pipeline.Dead, Ref: "r-1", UserID: "u1", Reason: "unregistered", EndedAt: epoch().Add(time.Second).Local(), ReplayOf: queued,
		Attempts: []pipeline.Attempt{{Provider: "sendgrid", At: epoch().Add(time.Second), Class: pipeline.Permanent, Error: "gone"}},
	}
	got := w.call("GET", "/v1/notifications/"+queued.String(), "")
	want := `{"id":"` + queued.String() + `","channel":"email","priority":"high","state":"queued","accepted_at":"2026-11-24T12:00:00Z","attempts":[]}`
	if got.Code != 200 || got.Body.String() != want {
		t.Errorf("got %d %s, want %s", got.Code, got.Body, want)
	}
	got = w.call("GET", "/v1/notifications/"+dead.String(), "")
	want = `{"id":"` + dead.String() + `","ref":"r-1","user_id":"u1","channel":"email","priority":"high","state":"dead","accepted_at":"2026-11-24T12:00:00Z",` +
		`"ended_at":"2026-11-24T12:00:01Z","reason":"unregistered","replay_of":"` + queued.String() + `",` +
		`"attempts":[{"provider":"sendgrid","at":"2026-11-24T12:00:01Z","result":"permanent","error":"gone"}]}`
	if got.Code != 200 || got.Body.String() != want {
		t.Errorf("got %d %s, want %s", got.Code, got.Body, want)
	}
	made := pipeline.IDKey{9}.Make(epoch(), &n, 1).String()
	for _, id := range []string{unknown.String(), made, "x", strings.ToUpper(queued.String()), "%00", strings.Repeat("0", 26)} {
		wantProblem(t, w.call("GET", "/v1/notifications/"+id, ""), 404, api.CodeNotFound)
	}
	w.history.err = errors.New("disk on fire")
	p := wantProblem(t, w.call("GET", "/v1/notifications/"+queued.String(), ""), 503, api.CodeUnavailable)
	if strings.Contains(p.Detail, "fire") || !strings.Contains(w.logs.String(), "disk on fire") {
		t.Errorf("answered %s, logged %s", p.Detail, w.logs)
	}
}

func TestRunOutcomes(t *testing.T) {
	w := newWorld(nil)
	got := w.call("GET", "/v1/runs/r1/outcomes", "")
	var out api.RunOutcomes
	if err := json.Unmarshal(got.Body.Bytes(), &out); err != nil || got.Code != 200 || out.Run != "r1" || !out.Outcomes["delivered"].Equals(roaring.BitmapOf(1, 2, 5)) {
		t.Errorf("got %d %s, %v", got.Code, got.Body, err)
	}
	wantProblem(t, w.call("GET", "/v1/runs/r2/outcomes", ""), 404, api.CodeNotFound)
}

func TestReadinessNamesWhatFails(t *testing.T) {
	var broken error
	w := newWorld(func(c *gateway.Config) {
		c.Checks = map[string]func(context.Context) error{
			"store":     func(context.Context) error { return broken },
			"templates": func(context.Context) error { return nil },
		}
	})
	read := func(status int) api.Readiness {
		t.Helper()
		got := w.call("GET", "/readyz", "")
		var r api.Readiness
		if err := json.Unmarshal(got.Body.Bytes(), &r); err != nil || got.Code != status {
			t.Fatalf("got %d %s, %v", got.Code, got.Body, err)
		}
		return r
	}
	if r := read(200); r.Status != "ready" || r.Checks["store"] != "ok" || r.Checks["templates"] != "ok" {
		t.Errorf("got %+v", r)
	}
	broken = errors.New("opening")
	if r := read(503); r.Status != "failing" || r.Checks["store"] != "opening" || r.Checks["templates"] != "ok" {
		t.Errorf("got %+v", r)
	}
	broken = fmt.Errorf("caches: %w", &gateway.DegradedError{Err: errors.New("refused"), Without: "limits grant all"})
	if r := read(200); r.Status != "ready" || r.Checks["store"] != "caches: degraded: limits grant all; refused" {
		t.Errorf("got %+v", r)
	}
	broken = errors.New("opening")
	var s api.Status
	if got := w.call("GET", "/v1/status", ""); json.Unmarshal(got.Body.Bytes(), &s) != nil || s.Ready || s.Draining || s.Version != "v1" {
		t.Errorf("got %s", got.Body)
	}
}

// A process without an ingester has the interface of a worker.
func TestAWorkerTellsOfItselfAlone(t *testing.T) {
	w := newWorld(func(c *gateway.Config) {
		c.Ingester, c.Replayer, c.History, c.Users, c.DeadLetters, c.Preferences, c.Templates, c.Resharder = nil, nil, nil, nil, nil, nil, nil, nil
	})
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/v1/status"} {
		if got := w.call("GET", path, ""); got.Code != 200 {
			t.Errorf("GET %s was answered %d %s", path, got.Code, got.Body)
		}
	}
	wantProblem(t, w.call("POST", "/v1/status", ""), 405, api.CodeMethod)
	for _, path := range []string{"/v1/notifications", "/v1/users/ada/notifications", "/v1/deadletters", "/v1/reshard", "/openapi.json"} {
		got := w.call("GET", path, "")
		wantProblem(t, got, 404, api.CodeNotFound)
		if !strings.Contains(got.Body.String(), "no such path of a worker") {
			t.Errorf("GET %s does not say whose path it is: %s", path, got.Body)
		}
	}
}

func TestPreferences(t *testing.T) {
	w := newWorld(nil)
	const path = "/v1/users/u%2F1/preferences"
	got := w.call("GET", path, "")
	want := `{"user_id":"u/1","channels":{"email":{"transactional":true,"promotional":true,"addresses":[]},"push":{"transactional":true,"promotional":true,"addresses":[]},"sms":{"transactional":true,"promotional":true,"addresses":[]}}}`
	if got.Code != 200 || got.Body.String() != want {
		t.Errorf("got %d %s, want %s", got.Code, got.Body, want)
	}
	got = w.call("PUT", path, `{"user_id": "u/1", "channels": {"email": {"transactional": true, "promotional": false, "addresses": ["a@b.example", "c@d.example"]}}}`)
	if got.Code != 204 || got.Body.Len() > 0 {
		t.Fatalf("got %d %s", got.Code, got.Body)
	}
	want = strings.Replace(want, `"email":{"transactional":true,"promotional":true,"addresses":[]}`, `"email":{"transactional":true,"promotional":false,"addresses":["a@b.example","c@d.example"]}`, 1)
	if got = w.call("GET", path, ""); got.Body.String() != want {
		t.Errorf("got %s, want %s", got.Body, want)
	}
	w.preferences.err = errors.New("locked")
	wantProblem(t, w.call("GET", path, ""), 503, api.CodeUnavailable)
	wantProblem(t, w.call("PUT", path, `{"channels": {}}`), 503, api.CodeUnavailable)
}

func TestPreferencesRefuse(t *testing.T) {
	w := newWorld(nil)
	full := func(addresses string) string {
		return `{"channels": {"sms": {"transactional": true, "promotional": true, "addresses": ` + addresses + `}}}`
	}
	for _, c := range []struct {
		body     string
		status   int
		pointers string
	}{
		{`{`, 400, ""},
		{`{"channels": {}, "channels": {}}`, 400, ""},
		{`{"channels": {}} x`, 400, ""},
		{`{"channels": {"sms": {}, "sms": {}}}`, 400, ""},
		{`{"channels": {"sms": {"promotional": true, "promotional": false}}}`, 400, ""},
		{`[]`, 422, ""},
		{`{}`, 422, "/channels"},
		{`{"channels": []}`, 422, "/channels"},
		{`{"channels": {}, "x": {}}`, 422, "/x"},
		{`{"user_id": "u2", "channels": {}}`, 422, "/user_id"},
		{`{"user_id": 1, "channels": {}}`, 422, "/user_id"},
		{`{"channels": {"fax": {}}}`, 422, "/channels/fax"},
		{`{"channels": {"sms": null}}`, 422, "/channels/sms"},
		{`{"channels": {"sms": {"promotional": false}}}`, 422, "/channels/sms/transactional /channels/sms/addresses"},
		{`{"channels": {"sms": {"transactional": 1, "promotional": "x", "addresses": {}, "y": 1}}}`, 422, "/channels/sms/transactional /channels/sms/promotional /channels/sms/addresses /channels/sms/y"},
		{full(`["+4915112345678", "nope", 5, "+491\u0000"]`), 422, "/channels/sms/addresses/1 /channels/sms/addresses/2 /channels/sms/addresses/3"},
		{full(`["` + strings.Repeat(`+4915112345678","`, 16) + `+4915112345678"]`), 422, "/channels/sms/addresses"},
	} {
		got := w.call("PUT", "/v1/users/u1/preferences", c.body)
		code := api.CodeInvalid
		if c.status == 400 {
			code = api.CodeMalformed
		}
		p := wantProblem(t, got, c.status, code)
		var pointers []string
		for _, e := range p.Errors {
			pointers = append(pointers, e.Pointer)
		}
		if strings.Join(pointers, " ") != c.pointers {
			t.Errorf("%s: got %q, want %s", c.body, pointers, c.pointers)
		}
	}
	wantProblem(t, w.call("PUT", "/v1/users/u1/preferences", "x=1", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }), 415, api.CodeMediaType)
	for _, user := range []string{"%00", "%FF", strings.Repeat("u", 129)} {
		wantProblem(t, w.call("GET", "/v1/users/"+user+"/preferences", ""), 404, api.CodeNotFound)
		wantProblem(t, w.call("PUT", "/v1/users/"+user+"/preferences", `{"channels": {}}`), 404, api.CodeNotFound)
	}
	if len(w.preferences.set) > 0 {
		t.Errorf("set %+v", w.preferences.set)
	}
}

// The client of the api package understands this gateway.
func TestClientAgainstGateway(t *testing.T) {
	w := newWorld(nil)
	s := httptest.NewServer(w)
	defer s.Close()
	c, err := api.NewClient(s.URL, api.ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	accepted, err := c.Submit(t.Context(), []api.Notification{{UserID: "u1", Channel: "push", TemplateID: "otp", Variables: map[string]string{"code": "1"}, ExpiresAt: epoch()}}, "k")
	if err != nil || len(accepted.Results) != 1 || accepted.Results[0].Status != "accepted" {
		t.Fatalf("got %+v, %v", accepted, err)
	}
	if _, err := c.Notification(t.Context(), accepted.Results[0].ID); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("got %v", err)
	}
	if r, err := c.Ready(t.Context()); err != nil || r.Status != "ready" {
		t.Errorf("got %+v, %v", r, err)
	}
	if err := c.SetPreferences(t.Context(), "u1", api.Preferences{UserID: "u1", Channels: api.ChannelPreferences{SMS: &api.Preference{Transactional: true, Addresses: []string{}}}}); err != nil {
		t.Error(err)
	}
	if p, err := c.Preferences(t.Context(), "u1"); err != nil || p.Channels.SMS.Promotional || !p.Channels.Email.Promotional {
		t.Errorf("got %+v, %v", p, err)
	}
	if s, err := c.Status(t.Context()); err != nil || !s.Ready {
		t.Errorf("got %+v, %v", s, err)
	}
}

// BenchmarkSubmit answers requests as load runs send them; the time is of one
// notification.
func BenchmarkSubmit(b *testing.B) {
	entry := `{"ref":"run-20261124-1","user_id":"user-00000001","channel":"email","priority":"normal","category":"transactional",` +
		`"template_id":"receipt","variables":{"name":"Ada Lovelace","amount":"EUR 12.50"},"to":"user00000001@load.example","expires_at":"2026-11-25T12:00:00Z"}`
	benchmarkSubmit(b, `{"notifications":[`+strings.Repeat(entry+",", 99)+entry+`]}`, 100)
}

// BenchmarkSubmitSingle answers requests of one notification.
func BenchmarkSubmitSingle(b *testing.B) {
	benchmarkSubmit(b, `{"user_id":"user-0000001","channel":"email","to":"ada@example.com","template_id":"welcome","variables":{"name":"Ada"}}`, 1)
}

func benchmarkSubmit(b *testing.B, body string, notifications int) {
	w := newWorld(func(c *gateway.Config) { c.Logger = slog.New(slog.DiscardHandler) })
	w.ingester.accept = func(_ context.Context, s pipeline.Submission) ([]pipeline.Receipt, error) {
		receipts := make([]pipeline.Receipt, len(s.Notifications))
		for i := range receipts {
			receipts[i].State = pipeline.Queued
		}
		return receipts, nil
	}
	b.ReportAllocs()
	for b.Loop() {
		w.ingester.got = nil
		if got := w.call("POST", "/v1/notifications", body, header("Idempotency-Key", "k")); got.Code != 202 {
			b.Fatal(got.Body)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(notifications), "ns/notification")
}
