// Left out of fuzzing, for which everything below would be built with
// instruments: the validator is large.

//go:build !fuzzing

package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/gateway"
)

// described is the description as far as the tests read it.
type described struct {
	Paths map[string]map[string]struct {
		Responses map[string]any
	}
	Components struct {
		Schemas map[string]struct {
			Required   []string
			Properties map[string]any
		}
	}
}

func description(t *testing.T) (described, validator.Validator) {
	t.Helper()
	got := newWorld(nil).call("GET", "/openapi.json", "")
	var d described
	if err := json.Unmarshal(got.Body.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	document, err := libopenapi.NewDocument(got.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	v, errs := validator.NewValidator(document)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if ok, faults := v.ValidateDocument(); !ok {
		for _, f := range faults {
			t.Error(f)
		}
	}
	return d, v
}

// The properties that the description names are those of the wire types, and
// what is always there is required.
func TestDescriptionNamesTheFieldsOfTheWireTypes(t *testing.T) {
	d, _ := description(t)
	for _, value := range []any{
		api.Notification{},
		api.Result{},
		api.Entry{},
		api.Attempt{},
		api.NotificationList{},
		api.Preference{},
		api.Template{},
		api.DeadLetter{},
		api.DeadLetterList{},
		api.Replays{},
		api.Replay{},
		api.ReshardRequest{},
		api.Readiness{},
		api.Problem{},
		api.Status{},
		api.Dependency{},
		api.Account{},
		api.Queue{},
		api.Space{},
		api.Workers{},
		api.Region{},
		api.Gateway{},
		api.Scaling{},
		api.ScaledGroup{},
		api.ScalingEvent{},
		api.Shards{},
		api.Reshard{},
		api.Provider{},
		api.Traffic{},
		api.EndToEnd{},
		api.Stages{},
		api.Cache{},
		api.Resources{},
		api.Group{},
		api.Reading{},
		api.Target{},
	} {
		wire := reflect.TypeOf(value)
		schema, ok := d.Components.Schemas[wire.Name()]
		if !ok {
			t.Errorf("no schema of %s", wire.Name())
			continue
		}
		var names, always []string
		for _, f := range reflect.VisibleFields(wire) {
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			if f.Anonymous || name == "-" {
				continue
			}
			names = append(names, name)
			if options == "" {
				always = append(always, name)
			}
		}
		if got := slices.Sorted(maps.Keys(schema.Properties)); !slices.Equal(got, slices.Sorted(slices.Values(names))) {
			t.Errorf("%s has the properties %v, its type %v", wire.Name(), got, names)
		}
		for _, name := range always {
			if !slices.Contains(schema.Required, name) {
				t.Errorf("%s: %s is always there, and not required", wire.Name(), name)
			}
		}
	}
}

// exercise is one way to an answer.
type exercise struct {
	operation string // "POST /v1/notifications", as it is described
	target    string // empty: the path with its parameters filled in
	body      string
	status    int
	world     func(*world)
	config    func(*gateway.Config)
	request   func(*http.Request)
}

// bodies are what each operation takes.
func bodies() map[string]string {
	return map[string]string{
		"POST /v1/notifications":           one,
		"PUT /v1/users/{user}/preferences": `{"channels": {"sms": {"transactional": true, "promotional": false, "addresses": ["+4915112345678"]}}}`,
		"PUT /v1/templates/{id}/{version}": `{"subject": "Hello", "body": "Hello,\n{{name}}"}`,
		"POST /v1/deadletters/replay":      `{"ids": ["` + deadID().String() + `"]}`,
		"POST /v1/reshard":                 `{"to": 4}`,
	}
}

// target fills in the parameters of a path.
func target(path string) string {
	return strings.NewReplacer(
		"/v1/notifications/{id}", "/v1/notifications/"+deadID().String(), "{user}", "u1",
		"/v1/templates/{id}/{version}", "/v1/templates/hello/1", "{run}", "r1",
	).Replace(path)
}

// everywhere are the answers that every operation has, or every one with a body.
func everywhere(d described) []exercise {
	var all []exercise
	for path, operations := range d.Paths {
		for method := range operations {
			operation := strings.ToUpper(method) + " " + path
			add := func(e exercise) {
				e.operation = operation
				if e.body == "" {
					e.body = bodies()[operation]
				}
				all = append(all, e)
			}
			open := path == "/healthz" || path == "/readyz"
			add(exercise{status: 421, request: func(r *http.Request) { r.Host = "evil.example" }})
			add(exercise{status: 403, request: header("Origin", "http://evil.example")})
			if !open {
				add(exercise{status: 401, request: func(r *http.Request) { r.Header.Del("Authorization") }})
				add(exercise{status: 401, request: bearer("guessed")})
				add(exercise{status: 429, request: bearer("limited"), world: exhaust})
			}
			if !open && path != "/openapi.json" {
				add(exercise{status: 403, request: bearer("none")})
				add(exercise{status: 500, world: func(w *world) { w.bug = true }})
			}
			if strings.HasPrefix(path, "/v1/") {
				add(exercise{status: 422, request: func(r *http.Request) { r.URL.RawQuery = "dry_run=1" }})
			}
			if _, has := bodies()[operation]; !has {
				continue
			}
			add(exercise{status: 400, body: `{"to": 1, "to": 1}`})
			add(exercise{status: 408, request: func(r *http.Request) {
				r.Body = io.NopCloser(readFunc(func([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }))
			}})
			add(exercise{status: 413, body: strings.Repeat(" ", gateway.MaxBody+1)})
			add(exercise{status: 415, request: func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }})
			add(exercise{status: 415, request: header("Content-Encoding", "gzip")})
			add(exercise{status: 422, body: `[]`})
			add(exercise{status: 422, body: `{"x": 1}`})
			add(exercise{status: 503, world: func(w *world) { w.err = pipeline.ErrUnavailable }})
		}
	}
	return all
}

// exercises are the answers of one operation each.
func exercises() []exercise {
	broken := errors.New("away")
	fail := func(err error) func(*world) { return func(w *world) { w.err = err } }
	ended := pipeline.Entry{
		ID: deadID(), State: pipeline.Dead, Ref: "r1-5", UserID: "u1", Reason: "unregistered", EndedAt: epoch(), ReplayOf: deadID(),
		Attempts: []pipeline.Attempt{{Provider: "fcm", At: epoch(), Class: pipeline.Permanent, Error: "UNREGISTERED"}},
	}
	known := func(w *world) {
		w.history.entries[deadID()] = ended
		w.users.entries = []pipeline.Entry{ended, ended, {ID: deadID(), State: pipeline.Queued}}
		w.dead.letters = []pipeline.DeadLetter{
			{Entry: ended, Queue: pipeline.Queue{Channel: pipeline.Push, Priority: pipeline.Low}, ReplayedBy: deadID()},
			{Entry: pipeline.Entry{State: pipeline.Dead, Reason: pipeline.ReasonUndecodable, EndedAt: epoch()}, Queue: pipeline.Queue{Channel: pipeline.Push, Priority: pipeline.Low}},
		}
	}
	written := func(w *world) {
		w.templates.put = []pipeline.Template{{ID: "hello", Version: 1, Subject: "Hello", Body: "Hello,\n{{name}}"}}
	}
	return []exercise{
		{operation: "POST /v1/notifications", status: 202},
		{operation: "POST /v1/notifications", status: 202, body: `{"notifications": [` + one + `,` + full + `]}`, request: header("Idempotency-Key", "k")},
		{operation: "POST /v1/notifications", status: 202, world: func(w *world) { w.ingester.accept = everyStatus }, body: `{"notifications": [` + strings.Repeat(one+",", 4) + one + `]}`},
		{operation: "POST /v1/notifications", status: 409, world: fail(&pipeline.ClaimError{Err: pipeline.ErrRunning})},
		{operation: "POST /v1/notifications", status: 422, world: fail(&pipeline.ClaimError{Err: pipeline.ErrConflict})},
		{operation: "POST /v1/notifications", status: 503, world: fail(pipeline.ErrFull)},
		{operation: "POST /v1/notifications", status: 503, world: fail(pipeline.ErrAmbiguous)},
		{operation: "POST /v1/notifications", status: 503, world: fail(pipeline.ErrUnavailable)},
		{operation: "GET /v1/notifications/{id}", status: 200, world: known},
		{operation: "GET /v1/notifications/{id}", status: 404},
		{operation: "GET /v1/notifications/{id}", status: 404, target: "/v1/notifications/made-up"},
		{operation: "GET /v1/notifications/{id}", status: 503, world: fail(broken)},
		{operation: "GET /v1/users/{user}/notifications", status: 200},
		{operation: "GET /v1/users/{user}/notifications", status: 200, world: known, target: "/v1/users/u1/notifications?limit=2&from=2026-01-01T00:00:00Z&to=2026-12-31T00:00:00Z"},
		{operation: "GET /v1/users/{user}/notifications", status: 404, target: "/v1/users/a%00b/notifications"},
		{operation: "GET /v1/users/{user}/notifications", status: 422, target: "/v1/users/u1/notifications?limit=0"},
		{operation: "GET /v1/users/{user}/notifications", status: 422, target: "/v1/users/u1/notifications?cursor=x"},
		{operation: "GET /v1/users/{user}/notifications", status: 503, world: fail(broken)},
		{operation: "GET /v1/users/{user}/preferences", status: 200},
		{operation: "GET /v1/users/{user}/preferences", status: 404, target: "/v1/users/a%00b/preferences"},
		{operation: "GET /v1/users/{user}/preferences", status: 503, world: fail(broken)},
		{operation: "PUT /v1/users/{user}/preferences", status: 204},
		{operation: "PUT /v1/users/{user}/preferences", status: 404, target: "/v1/users/a%00b/preferences"},
		{operation: "DELETE /v1/users/{user}", status: 204},
		{operation: "DELETE /v1/users/{user}", status: 404, target: "/v1/users/a%00b"},
		{operation: "DELETE /v1/users/{user}", status: 503, world: fail(broken)},
		{operation: "DELETE /v1/users/{user}", status: 503, world: func(w *world) { w.users.err = pipeline.ErrFull }},
		{operation: "GET /v1/templates/{id}/{version}", status: 200, world: written},
		{operation: "GET /v1/templates/{id}/{version}", status: 404},
		{operation: "GET /v1/templates/{id}/{version}", status: 404, target: "/v1/templates/hello/first"},
		{operation: "GET /v1/templates/{id}/{version}", status: 422, target: "/v1/templates/hello/1?lang=de"},
		{operation: "GET /v1/templates/{id}/{version}", status: 503, world: fail(broken)},
		{operation: "PUT /v1/templates/{id}/{version}", status: 201},
		{operation: "PUT /v1/templates/{id}/{version}", status: 200, world: written},
		{operation: "PUT /v1/templates/{id}/{version}", status: 404, target: "/v1/templates/hello/0"},
		{operation: "PUT /v1/templates/{id}/{version}", status: 409, world: written, body: `{"body": "other"}`},
		{operation: "PUT /v1/templates/{id}/{version}", status: 422, world: fail(&pipeline.TemplateError{Part: "body", Err: broken})},
		{operation: "PUT /v1/templates/{id}/{version}", status: 422, world: fail(&pipeline.TemplateError{Part: "id", Err: broken})},
		{operation: "GET /v1/deadletters", status: 200},
		{operation: "GET /v1/deadletters", status: 200, world: known, target: "/v1/deadletters?channel=push&reason=unregistered&limit=1"},
		{operation: "GET /v1/deadletters", status: 422, target: "/v1/deadletters?channel=fax"},
		{operation: "GET /v1/deadletters", status: 503, world: fail(broken)},
		{operation: "POST /v1/deadletters/replay", status: 202},
		{operation: "POST /v1/deadletters/replay", status: 202, body: `{"filter": {"channel": "push", "from": "2026-01-01T00:00:00Z"}}`},
		{operation: "POST /v1/deadletters/replay", status: 409, world: fail(&pipeline.ClaimError{Err: pipeline.ErrRunning})},
		{operation: "POST /v1/deadletters/replay", status: 422, world: fail(&pipeline.NotReplayableError{Detail: "none"})},
		{operation: "POST /v1/deadletters/replay", status: 422, world: fail(pipeline.ErrConflict)},
		{operation: "POST /v1/deadletters/replay", status: 503, world: fail(pipeline.ErrAmbiguous)},
		{operation: "POST /v1/reshard", status: 202},
		{operation: "POST /v1/reshard", status: 404, config: func(c *gateway.Config) { c.Resharder = nil }},
		{operation: "POST /v1/reshard", status: 409, world: fail(pipeline.ErrResharding)},
		{operation: "POST /v1/reshard", status: 409, world: fail(pipeline.ErrShardsInUse)},
		{operation: "POST /v1/reshard", status: 422, world: fail(&pipeline.ShardsError{To: 4, Detail: "too many"})},
		{operation: "GET /v1/runs/{run}/outcomes", status: 200},
		{operation: "GET /v1/runs/{run}/outcomes", status: 404, target: "/v1/runs/r2/outcomes"},
		{operation: "GET /v1/runs/{run}/outcomes", status: 503, world: fail(broken)},
		{operation: "GET /v1/status", status: 200},
		{operation: "GET /v1/status", status: 503, world: fail(broken)},
		{operation: "GET /v1/status/stream", status: 200, request: gone},
		{operation: "GET /v1/status/stream", status: 503, world: fail(broken)},
		{operation: "GET /openapi.json", status: 200},
		{operation: "GET /healthz", status: 200},
		{operation: "GET /readyz", status: 200},
		{operation: "GET /readyz", status: 503, world: fail(broken)},
		{operation: "GET /metrics", status: 200},
	}
}

// full is a notification with every field.
const full = `{"ref": "r", "user_id": "u1", "channel": "email", "priority": "low", "category": "promotional", "template_id": "welcome",
	"template_version": 1, "locale": "de-AT", "variables": {"a": "x", "b": 1.5, "c": true}, "to": "ada@example.com", "expires_at": "2030-01-01T00:00:00Z"}`

func everyStatus(_ context.Context, s pipeline.Submission) ([]pipeline.Receipt, error) {
	var receipts []pipeline.Receipt
	for i, state := range []pipeline.State{pipeline.Queued, pipeline.Suppressed, pipeline.Expired, pipeline.RateDropped, pipeline.Dead} {
		receipts = append(receipts, pipeline.Receipt{
			ID: ids().Make(epoch(), &s.Notifications[i], uint32(i)), Result: pipeline.Result{State: state, Reason: "why"}, Replayed: i > 0,
		})
	}
	return receipts, nil
}

// gone is a client that left before it was answered.
func gone(r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	cancel()
	*r = *r.WithContext(ctx)
}

// exhaust uses up the limit of the limited key.
func exhaust(w *world) {
	for w.call("GET", "/metrics", "", bearer("limited")).Code == 200 {
		continue
	}
}

// Every answer that is described is given, every answer that is given is
// described, and each is as its schema says.
func TestDescriptionAgainstTheHandlers(t *testing.T) {
	d, v := description(t)
	missing := map[string]bool{} // "GET /v1/status 200"
	for path, operations := range d.Paths {
		for method, o := range operations {
			for status := range o.Responses {
				missing[strings.ToUpper(method)+" "+path+" "+status] = true
			}
		}
	}
	for _, e := range append(everywhere(d), exercises()...) {
		name := fmt.Sprintf("%s %d", e.operation, e.status)
		got, request := e.run(t)
		if got.Code != e.status {
			t.Errorf("%s: answered %d %s", name, got.Code, got.Body)
			continue
		}
		if _, described := missing[name]; !described {
			t.Errorf("%s is not described", name)
		}
		missing[name] = false
		if ok, faults := v.ValidateHttpResponse(request, got.Result()); !ok {
			for _, f := range faults {
				t.Errorf("%s: %s %s", name, f.Message, f.Reason)
				for _, s := range f.SchemaValidationErrors {
					t.Errorf("  %s", s.Reason)
				}
			}
		}
		if e.status < 300 {
			if ok, faults := v.ValidateHttpRequest(request); !ok {
				t.Errorf("%s: the request is not as described: %v", name, faults)
			}
		}
	}
	for path, operations := range d.Paths {
		got := newWorld(nil).call("BREW", target(path), "")
		wantProblem(t, got, 405, api.CodeMethod)
		for method := range operations {
			missing[strings.ToUpper(method)+" "+path+" 405"] = false
			if !strings.Contains(got.Header().Get("Allow"), strings.ToUpper(method)) {
				t.Errorf("%s: Allow is %s", path, got.Header().Get("Allow"))
			}
		}
	}
	for name, is := range missing {
		if is {
			t.Errorf("%s is described, and nothing here leads to it", name)
		}
	}
}

// run gives the answer, and the request as it can be validated.
func (e *exercise) run(t *testing.T) (*httptest.ResponseRecorder, *http.Request) {
	t.Helper()
	w := newWorld(func(c *gateway.Config) {
		keys, err := gateway.ParseKeys("keys", keyFile("all:send,send_to,read,admin", "none:send_to", "limited:send,send_to,read,admin,limit=1/s"))
		if err != nil {
			t.Fatal(err)
		}
		c.Keys = keys
		if e.config != nil {
			e.config(c)
		}
	})
	method, path, _ := strings.Cut(e.operation, " ")
	to, body := e.target, e.body
	if to == "" {
		to = target(path)
	}
	if body == "" {
		body = bodies()[e.operation]
	}
	changes := []func(*http.Request){bearer("all")}
	if e.request != nil {
		changes = append(changes, e.request)
	}
	var got *httptest.ResponseRecorder
	synctest.Test(t, func(*testing.T) { // the time stands, so that no limit fills
		if e.world != nil {
			e.world(w)
		}
		got = w.call(method, to, body, changes...)
	})
	request := httptest.NewRequest(method, "http://localhost:8080"+to, strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer all")
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	return got, request
}
