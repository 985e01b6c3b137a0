package gateway

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// bodiesOfDocuments seed the fuzzing of every decoder of a body that is one
// object.
func bodiesOfDocuments() []string {
	id := pipeline.IDKey{1}.Make(time.UnixMilli(1_700_000_000_000), &pipeline.Notification{Channel: pipeline.Push, Priority: pipeline.High}, 1).String()
	return []string{
		`{}`, `[]`, `null`, ``, `{"to": 4}`, `{"to": 4, "to": 5}`, `{"to": 1e9}`, `{"x": [[[[{"a": {}}]]]]}`,
		`{"subject": "s", "body": "a\n{{name}}", "id": "hello", "version": 1, "locale": "de"}`,
		`{"ids": ["` + id + `"]}`, `{"ids": ["` + id + `", "` + id + `", 1, null]}`,
		`{"filter": {"channel": "push", "reason": "unregistered", "from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"}}`,
		`{"filter": {"channel": 1}, "ids": {}}`, "{\"body\": \"\xff\"}", `{"body": "\ud800"}`,
	}
}

func FuzzDecodeDocuments(f *testing.F) {
	for _, body := range bodiesOfDocuments() {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var to uint32
		var replay pipeline.Replay
		text := pipeline.Template{ID: "hello", Version: 1}
		for name, decode := range map[string]func() ([]pipeline.Fault, error){
			"a template": func() ([]pipeline.Fault, error) { return decodeTemplate(data, &text) },
			"a replay":   func() ([]pipeline.Fault, error) { return decodeReplay(data, pipeline.IDKey{1}, &replay) },
			"a reshard":  func() ([]pipeline.Fault, error) { return decodeReshard(data, &to) },
		} {
			faults, err := decode()
			var m *malformedError
			if err != nil && !errors.As(err, &m) && !errors.Is(err, errTooMany) {
				t.Fatalf("%s: %v", name, err)
			}
			if len(faults) > maxFaults {
				t.Fatalf("%s: %d faults", name, len(faults))
			}
			if err != nil || len(faults) > 0 {
				continue
			}
			switch {
			case name == "a reshard" && to == 0:
				t.Fatal("a reshard to no shards")
			case name == "a replay" && (len(replay.IDs) > pipeline.MaxReplay || len(replay.Filter.Reason) > maxReason):
				t.Fatalf("a replay of %+v", replay)
			}
		}
	})
}

func FuzzQuery(f *testing.F) {
	for _, query := range []string{
		"", "limit=50&cursor=abc&from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z&channel=push&reason=x", "limit=0", "a=%zz", "a;b", "from=%00", "limit=1&limit=2",
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL = &url.URL{Path: "/", RawQuery: raw}
		q := newQuery(r, "from", "to", "limit", "cursor", "channel", "reason")
		page, reason := q.page(), q.text("reason", maxReason)
		q.channel()
		if q.problem() != nil {
			return
		}
		if page.Limit < 1 || page.Limit > pipeline.MaxPage || len(page.After) > maxCursor || len(reason) > maxReason || !isText(reason) {
			t.Fatalf("%q gave %+v, %q", raw, page, reason)
		}
	})
}
