package gateway_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/gateway"
)

func TestUserNotificationsGoOnByCursor(t *testing.T) {
	w := newWorld(nil)
	for i := range 5 {
		n := pipeline.Notification{UserID: "u1", Channel: pipeline.SMS, Priority: pipeline.High}
		w.users.entries = append(w.users.entries, pipeline.Entry{ID: ids().Make(epoch(), &n, uint32(i)), State: pipeline.Delivered})
	}
	var got []string
	target := "/v1/users/u1/notifications?limit=2&from=2026-01-01T00:00:00Z"
	for next := ""; ; {
		var page api.NotificationList
		answer := w.call("GET", target+next, "")
		if err := json.Unmarshal(answer.Body.Bytes(), &page); err != nil || answer.Code != 200 {
			t.Fatalf("%d %s: %v", answer.Code, answer.Body, err)
		}
		for _, e := range page.Notifications {
			got = append(got, e.ID)
		}
		if page.NextCursor == "" {
			break
		}
		next = "&cursor=" + page.NextCursor
	}
	var want []string
	for _, e := range w.users.entries {
		want = append(want, e.ID.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if w.call("GET", "/v1/users/u1/notifications", ""); w.users.pages[len(w.users.pages)-1].Limit != 50 {
		t.Errorf("without a limit it asked for %+v", w.users.pages[len(w.users.pages)-1])
	}
}

func TestBadQueries(t *testing.T) {
	w := newWorld(nil)
	for query, want := range map[string]string{
		"limit=0": "limit: want 1 to 200", "limit=201": "limit", "limit=1e1": "limit", "limit=+5": "limit", "limit=05": "limit",
		"limit=99999999999999999999": "limit", "from=yesterday": "from: want a time", "to=2026-13-01T00:00:00Z": "to: want a time",
		"from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z": "from: is not before to",
		"cursor=x": "cursor", "cursor=" + strings.Repeat("a", 300): "cursor: over 256 bytes",
		"limit=1&limit=2": "limit: stands more than once", "page=2": `"page": is unknown`, "limit=%zz": "not well-formed", "limit=1;x": "not well-formed",
		"cursor=%00": "cursor: must be text", "cursor=%ff": "cursor: must be text", strings.Repeat("a=b&", 2000): "over 4096 bytes",
		"limit=0&from=x": "from: want a time of RFC 3339, as in 2026-11-24T12:00:00Z; limit: want 1 to 200",
	} {
		p := wantProblem(t, w.call("GET", "/v1/users/u1/notifications?"+query, ""), 422, api.CodeInvalid)
		if !strings.Contains(p.Detail, want) {
			t.Errorf("%.60s: %s", query, p.Detail)
		}
	}
	for _, query := range []string{"channel=fax", "reason=" + strings.Repeat("r", 65), "locale=de"} {
		wantProblem(t, w.call("GET", "/v1/deadletters?"+query, ""), 422, api.CodeInvalid)
	}
	if len(w.dead.filters) > 0 {
		t.Errorf("dead letters were asked for by %v", w.dead.filters)
	}
}

func TestEraseForgetsBoth(t *testing.T) {
	w := newWorld(nil)
	w.call("PUT", "/v1/users/u1/preferences", `{"channels": {"sms": {"transactional": false, "promotional": false, "addresses": []}}}`)
	for range 2 {
		if got := w.call("DELETE", "/v1/users/u1", ""); got.Code != 204 || got.Body.Len() > 0 {
			t.Fatalf("%d %s", got.Code, got.Body)
		}
	}
	if len(w.preferences.set) > 0 || !slices.Equal(w.users.erased, []string{"u1", "u1"}) {
		t.Errorf("left %v, erased %v", w.preferences.set, w.users.erased)
	}
}

func TestReplayFaults(t *testing.T) {
	w := newWorld(nil)
	id := deadID().String()
	for body, pointers := range map[string]string{
		`{}`: "", `[]`: "", `{"ids": ["` + id + `"], "filter": {}}`: "", `{"ids": []}`: "/ids", `{"ids": {}}`: "/ids",
		`{"ids": ["x", 5, "` + id + `", "` + id + `"]}`: "/ids/0 /ids/1 /ids/3",
		`{"filter": []}`: "/filter", `{"filter": {"channel": "fax", "x": 1, "reason": ""}}`: "/filter/channel /filter/x /filter/reason",
		`{"filter": {"from": "now", "to": 5}}`:                                       "/filter/from /filter/to",
		`{"filter": {"from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}}`: "/filter/from",
	} {
		p := wantProblem(t, w.call("POST", "/v1/deadletters/replay", body), 422, api.CodeInvalid)
		var got []string
		for _, f := range p.Errors {
			got = append(got, f.Pointer)
		}
		if strings.Join(got, " ") != pointers {
			t.Errorf("%s: %q, want %q", body, got, pointers)
		}
	}
	many := `{"ids": [` + strings.Repeat(`"`+id+`",`, 1000) + `"` + id + `"]}`
	wantProblem(t, w.call("POST", "/v1/deadletters/replay", many), 413, api.CodeTooLarge)
	if len(w.replayer.got) > 0 {
		t.Errorf("asked for %v", w.replayer.got)
	}
}

func keyed(t *testing.T, lines ...string) func(*gateway.Config) {
	t.Helper()
	keys, err := gateway.ParseKeys("keys", keyFile(lines...))
	if err != nil {
		t.Fatal(err)
	}
	return func(c *gateway.Config) { c.Keys = keys }
}

func TestAnAddressOfItsOwnTakesItsScope(t *testing.T) {
	w := newWorld(keyed(t, "plain:send", "any:send,send_to"))
	addressed := `{"user_id": "u1", "channel": "email", "template_id": "welcome", "to": "ada@example.com"}`
	wantProblem(t, w.call("POST", "/v1/notifications", `{"notifications": [`+one+`,`+addressed+`]}`, bearer("plain")), 403, api.CodeForbidden)
	for _, c := range []struct{ body, key string }{{one, "plain"}, {addressed, "any"}} {
		if got := w.call("POST", "/v1/notifications", c.body, bearer(c.key)); got.Code != 202 {
			t.Errorf("%s: %d %s", c.key, got.Code, got.Body)
		}
	}
	var clients []string
	for _, s := range w.ingester.submissions() {
		clients = append(clients, s.Client)
	}
	if !slices.Equal(clients, []string{"plain", "any"}) {
		t.Errorf("ingest got submissions of %q", clients)
	}
	if !strings.Contains(w.logs.String(), "client=plain") || strings.Contains(w.logs.String(), "Bearer") {
		t.Errorf("logged %s", w.logs)
	}
}

func TestOneClientsLimitIsNotAnothers(t *testing.T) {
	w := newWorld(keyed(t, "a:send,limit=1/s", "b:send,limit=1/s"))
	full := `{"notifications": [` + strings.Repeat(one+",", 999) + one + `]}`
	if got := w.call("POST", "/v1/notifications", full, bearer("a")); got.Code != 202 {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	p := wantProblem(t, w.call("POST", "/v1/notifications", full, bearer("a")), 429, api.CodeRate)
	if p.Detail == "" || len(w.ingester.submissions()) != 1 {
		t.Errorf("got %+v", p)
	}
	if got := w.call("POST", "/v1/notifications", one, bearer("b")); got.Code != 202 {
		t.Errorf("the other: %d %s", got.Code, got.Body)
	}
}

func TestKeysAreAskedForBeforeAnythingElse(t *testing.T) {
	w := newWorld(keyed(t, "a:read"))
	for _, path := range []string{"/", "/v1/nothing", "/v1/status", "/metrics", "/openapi.json", "/healthz/x", "/readyz/"} {
		got := w.call("GET", path, "")
		wantProblem(t, got, 401, api.CodeUnauthorized)
		if got.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s: no challenge", path)
		}
	}
	for _, value := range []string{"", "a", "Basic a", "Bearer", "Bearer ", "Bearer b", "Bearer a b", "Bearer a, Bearer a"} {
		wantProblem(t, w.call("GET", "/v1/status", "", header("Authorization", value)), 401, api.CodeUnauthorized)
	}
	wantProblem(t, w.call("GET", "/v1/status", "", bearer("a"), header("Authorization", "Bearer a")), 401, api.CodeUnauthorized)
	for _, value := range []string{"Bearer a", "bearer a", "BEARER  a"} {
		if got := w.call("GET", "/v1/status", "", header("Authorization", value)); got.Code != 200 {
			t.Errorf("%s: %d", value, got.Code)
		}
	}
}

// stream is an open stream of the status.
type stream struct {
	status      int
	contentType string
	lines       *bufio.Reader
	close       func() error
}

func openStream(t *testing.T, address string) stream {
	t.Helper()
	response, err := http.Get("http://" + address + "/v1/status/stream")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return stream{response.StatusCode, response.Header.Get("Content-Type"), bufio.NewReader(response.Body), response.Body.Close}
}

func TestStreamEndsWhenTheServerDrains(t *testing.T) {
	w := newWorld(nil)
	s, address := listen(t, w)
	opened := openStream(t, address)
	if opened.contentType != "text/event-stream" {
		t.Errorf("answered %d, %s", opened.status, opened.contentType)
	}
	lines := opened.lines
	for n := range 2 { // the second comes a second later
		event, err := lines.ReadString('\n')
		data, err2 := lines.ReadString('\n')
		_, err3 := lines.ReadString('\n')
		var status api.Status
		data, isData := strings.CutPrefix(data, "data: ")
		if err != nil || err2 != nil || err3 != nil || event != "event: status\n" || !isData || json.Unmarshal([]byte(data), &status) != nil || !status.Ready {
			t.Fatalf("event %d: %q %q, %v %v", n, event, data, err, err2)
		}
	}
	if err := s.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rest, err := lines.ReadString(0); rest != "" && !strings.HasPrefix(rest, "event: status\n") {
		t.Errorf("behind the drain came %q, %v", rest, err)
	}
	wantProblem(t, w.call("GET", "/v1/status/stream", ""), 503, api.CodeDraining)
}

func TestStreamsAreBounded(t *testing.T) {
	w := newWorld(nil)
	_, address := listen(t, w)
	var streams []stream
	for i := range 64 {
		s := openStream(t, address)
		if _, err := s.lines.ReadString('\n'); err != nil || s.status != 200 {
			t.Fatalf("stream %d: %d, %v", i, s.status, err)
		}
		streams = append(streams, s)
	}
	wantProblem(t, w.call("GET", "/v1/status/stream", ""), 503, api.CodeStreams)
	if err := streams[0].close(); err != nil {
		t.Fatal(err)
	}
	// The server notices by the next event, which the others get as well.
	for range 10 {
		if openStream(t, address).status == 200 {
			return
		}
		for range 3 { // lines
			if _, err := streams[1].lines.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Error("a stream that is gone keeps its place")
}

func TestTemplateFaults(t *testing.T) {
	w := newWorld(nil)
	for body, pointers := range map[string]string{
		`{}`: "/body", `{"body": 1}`: "/body", `{"body": "a\u0000"}`: "/body", `{"body": "b", "subject": "a\nb"}`: "/subject",
		`{"body": "b", "id": "other", "version": 2, "locale": "de", "x": 1}`: "/id /version /locale /x",
		`{"body": "b", "version": "1"}`:                                      "/version",
	} {
		p := wantProblem(t, w.call("PUT", "/v1/templates/hello/1", body), 422, api.CodeInvalid)
		var got []string
		for _, f := range p.Errors {
			got = append(got, f.Pointer)
		}
		if strings.Join(got, " ") != pointers {
			t.Errorf("%s: %q, want %q", body, got, pointers)
		}
	}
	same := `{"id": "hello", "version": 1, "locale": "de", "subject": "s", "body": "a\n\tb"}`
	if got := w.call("PUT", "/v1/templates/hello/1?locale=de", same); got.Code != 201 || !strings.Contains(got.Body.String(), `"body":"a\n\tb"`) {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if want := (pipeline.Template{ID: "hello", Version: 1, Locale: "de", Subject: "s", Body: "a\n\tb"}); len(w.templates.put) != 1 || w.templates.put[0] != want {
		t.Errorf("put %+v", w.templates.put)
	}
	for _, version := range []string{"0", "-1", "1.0", "x", "4294967296", "01"} {
		wantProblem(t, w.call("GET", fmt.Sprintf("/v1/templates/hello/%s", version), ""), 404, api.CodeNotFound)
	}
}
