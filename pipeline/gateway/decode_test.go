package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
)

func TestDecodeOne(t *testing.T) {
	b, err := decodeBody([]byte(` {"ref": "r-1", "user_id": "u1", "channel": "email", "priority": "high", "category": "promotional",
		"template_id": "welcome", "template_version": 3, "locale": "de-AT", "variables": {"b": 1.50, "a": "x\u00e9\"", "c": true},
		"to": "ada@example.com", "expires_at": "2026-11-24T13:00:00.1234+01:00", "idempotency_key": "k1"} `))
	if err != nil {
		t.Fatal(err)
	}
	want := pipeline.Notification{
		Ref: "r-1", UserID: "u1", Channel: pipeline.Email, Priority: pipeline.High, Category: pipeline.Promotional,
		TemplateID: "welcome", TemplateVersion: 3, Locale: "de-AT",
		Variables: []pipeline.Variable{{Name: "a", Value: `xé"`}, {Name: "b", Value: "1.50"}, {Name: "c", Value: "true"}},
		To:        "ada@example.com", ExpiresAt: time.Date(2026, 11, 24, 12, 0, 0, 123e6, time.UTC),
	}
	if b.list || len(b.Faults)+len(b.root) > 0 || !reflect.DeepEqual(b.Notifications, []pipeline.Notification{want}) || !slices.Equal(b.Keys, []string{"k1"}) {
		t.Fatalf("got %+v", b)
	}
}

func TestDecodeListFillsInDefaults(t *testing.T) {
	b, err := decodeBody([]byte(`{"notifications": [{"user_id": "u1", "channel": "sms"}, {"user_id": "u2", "idempotency_key": "k"}, {}]}`))
	if err != nil || !b.list || len(b.Faults)+len(b.root) > 0 {
		t.Fatalf("got %+v, %v", b, err)
	}
	want := []pipeline.Notification{
		{UserID: "u1", Channel: pipeline.SMS, Priority: pipeline.Normal, Category: pipeline.Transactional},
		{UserID: "u2", Priority: pipeline.Normal, Category: pipeline.Transactional},
		{Priority: pipeline.Normal, Category: pipeline.Transactional},
	}
	if !reflect.DeepEqual(b.Notifications, want) || !slices.Equal(b.Keys, []string{"", "k", ""}) {
		t.Fatalf("got %+v, %q", b.Notifications, b.Keys)
	}
}

func TestMalformedBodies(t *testing.T) {
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	for name, data := range map[string]string{
		"nothing": "", "spaces": "  ", "a word": "nope", "a byte order mark": "\xef\xbb\xbf{}", "cut short": `{"user_id": "u`,
		"an open object": `{"user_id": "u"`, "a trailing comma": `{"user_id": "u",}`, "a trailing comma in a list": `{"notifications": [{},]}`,
		"no comma": `{"user_id": "u" "to": "x"}`, "a comment": `{} // x`, "single quotes": `{'user_id': 'u'}`,
		"something behind": `{} {}`, "a brace behind": `{}}`, "a NUL behind": "{}\x00",
		"invalid UTF-8": "{\"user_id\": \"\xff\"}", "invalid UTF-8 behind": "{}\xc0",
		"a raw control character": "{\"user_id\": \"a\nb\"}", "a bad escape": `{"user_id": "\x"}`, "a short escape": `{"user_id": "\u12"}`,
		"half a surrogate pair": `{"user_id": "\ud800"}`, "two high surrogates": `{"user_id": "\ud800\ud800"}`, "the low half first": `{"user_id": "\uDC00\ud800"}`,
		"a half pair in an unknown field": `{"x": "\ud800x"}`,
		"a key twice":                     `{"user_id": "a", "user_id": "b"}`, "a key twice, escaped": `{"user_id": "a", "us\u0065r_id": "b"}`,
		"a key twice in a list": `{"notifications": [{"to": "a", "to": "b"}]}`, "the list twice": `{"notifications": [], "notifications": []}`,
		"an unknown key twice": `{"x": 1, "x": 2}`, "a variable twice": `{"variables": {"a": "1", "b": "2", "a": "3"}}`,
		"a key twice beside a list": `{"x": 1, "notifications": [], "x": 2}`,
		"deep nesting":              `{"x": ` + deep + `}`, "deep nesting as a text": `{"user_id": ` + deep + `}`, "deep nesting as the body": deep,
		"a key twice in an unknown field": `{"x": [{"a": {"b": 1, "b": 2}}]}`, "a key twice where a text belongs": `{"user_id": {"a": 1, "\u0061": 2}}`,
		"very deep nesting": strings.Repeat("[", 1<<20), "a bad number": `{"template_version": 01}`, "a lone minus": `{"x": -}`, "a bad literal": `{"x": nul}`,
	} {
		t.Run(name, func(t *testing.T) {
			b, err := decodeBody([]byte(data))
			var m *malformedError
			if !errors.As(err, &m) || m.detail == "" || len(m.detail) > 200 {
				t.Fatalf("got %+v, %v", b, err)
			}
		})
	}
}

func TestTooManyEntries(t *testing.T) {
	list := func(n int) []byte { return []byte(`{"notifications": [` + strings.Repeat("{},", n-1) + `{}]}`) }
	if b, err := decodeBody(list(1000)); err != nil || len(b.Notifications) != 1000 {
		t.Errorf("1000 entries: %v", err)
	}
	if _, err := decodeBody(list(1001)); !errors.Is(err, errTooMany) {
		t.Errorf("1001 entries: %v", err)
	}
}

func TestFaultsPointAtTheirFields(t *testing.T) {
	number := strings.Repeat("9", 400)
	for _, c := range []struct{ data, want string }{
		{`[]`, ``},
		{`"x"`, ``},
		{`null`, ``},
		{number, ``},
		{`{"notifications": []}`, `/notifications`},
		{`{"notifications": {}}`, `/notifications`},
		{`{"notifications": null}`, `/notifications`},
		{`{"notifications": [1, {}, []]}`, `/notifications/0 /notifications/2`},
		{`{"notifications": [{}], "x": 1, "user_id": "u"}`, `/x /user_id`},
		{`{"user_id": 5, "notifications": [{"to": 1}]}`, `/user_id /notifications/0/to`},
		{`{"user_id": 5}`, `/user_id`},
		{`{"user_id": null}`, `/user_id`},
		{`{"user_id": ""}`, `/user_id`},
		{`{"user_id": "a\u0000b"}`, `/user_id`},
		{`{"user_id": "a\u001fb"}`, `/user_id`},
		{"{\"user_id\": \"a\x7fb\"}", `/user_id`},
		{"{\"user_id\": \"a\u0085b\"}", `/user_id`},
		{`{"user_id": "a\u009fb"}`, `/user_id`},
		{`{"ref": {"a": [1, "x", null, true]}}`, `/ref`},
		{`{"channel": "fax"}`, `/channel`},
		{`{"channel": "PUSH"}`, `/channel`},
		{`{"channel": 1, "priority": "urgent", "category": ""}`, `/channel /priority /category`},
		{`{"notifications": [{"channel": "sms"}, {"channel": "fax"}]}`, `/notifications/1/channel`},
		{`{"template_version": 0}`, `/template_version`},
		{`{"template_version": -1}`, `/template_version`},
		{`{"template_version": 1.0}`, `/template_version`},
		{`{"template_version": 1e3}`, `/template_version`},
		{`{"template_version": 4294967296}`, `/template_version`},
		{`{"template_version": ` + number + `}`, `/template_version`},
		{`{"template_version": "1"}`, `/template_version`},
		{`{"variables": []}`, `/variables`},
		{`{"variables": {"a": null, "b": {}, "c": ["x"]}}`, `/variables/a /variables/b /variables/c`},
		{`{"variables": {"a/b~c": null}}`, `/variables/a~1b~0c`},
		{`{"variables": {"": "x"}}`, `/variables/`},
		{`{"variables": {"a\u0001": "x"}}`, "/variables/a\x01"},
		{`{"variables": {"a": "\u0000"}}`, `/variables/a`},
		{`{"variables": {"a": ` + number + `}}`, `/variables/a`},
		{`{"expires_at": "tomorrow"}`, `/expires_at`},
		{`{"expires_at": "2026-11-24"}`, `/expires_at`},
		{`{"expires_at": "2026-11-24 12:00:00Z"}`, `/expires_at`},
		{`{"expires_at": "1969-12-31T23:59:59Z"}`, `/expires_at`},
		{`{"expires_at": "9999-12-31T23:59:59-01:00"}`, `/expires_at`},
		{`{"expires_at": 1764000000}`, `/expires_at`},
		{`{"idempotency_key": "a b"}`, `/idempotency_key`},
		{`{"idempotency_key": "é"}`, `/idempotency_key`},
		{`{"idempotency_key": "` + strings.Repeat("k", 256) + `"}`, `/idempotency_key`},
		{`{"send_at": "2026-11-24T12:00:00Z", "user-id": "u"}`, `/send_at /user-id`},
	} {
		b, err := decodeBody([]byte(c.data))
		if err != nil {
			t.Errorf("%.80s: %v", c.data, err)
			continue
		}
		var got []string
		for _, f := range append(b.root, b.Faults...) {
			if f.Detail == "" {
				t.Errorf("%.80s: a fault without a detail", c.data)
			}
			got = append(got, b.pointer(f))
		}
		if strings.Join(got, " ") != c.want || len(got) == 0 {
			t.Errorf("%.80s: got %q, want %s", c.data, got, c.want)
		}
	}
}

func TestFaultsAndVariablesAreBounded(t *testing.T) {
	var entry strings.Builder
	for i := range 200 {
		fmt.Fprintf(&entry, `"x%d": 1,`, i)
	}
	b, err := decodeBody([]byte(`{` + entry.String() + `"y": 1}`))
	if err != nil || len(b.Faults) != maxFaults {
		t.Errorf("%d faults, %v", len(b.Faults), err)
	}
	b, err = decodeBody([]byte(`{"variables": {` + strings.ReplaceAll(entry.String(), "1,", `"v",`) + `"z": ""}}`))
	if err != nil || len(b.Faults) != 1 || len(b.Notifications[0].Variables) != maxVariables {
		t.Errorf("%d variables, %+v, %v", len(b.Notifications[0].Variables), b.Faults, err)
	}
}

// The order of names and the spelling of a body do not matter.
func TestBodiesOfOneValueDecodeAlike(t *testing.T) {
	a, errA := decodeBody([]byte(`{"user_id":"u1","channel":"push","variables":{"a":"1","b":"2"},"expires_at":"2026-01-01T00:00:00Z"}`))
	b, errB := decodeBody([]byte(`{"expires_at":"2026-01-01T01:00:00.0000+01:00", "variables":{"b":"2", "\u0061":"1"}, "priority":"normal", "channel":"p\u0075sh", "user_id":"u1"}`))
	if errA != nil || errB != nil || !reflect.DeepEqual(a.Notifications, b.Notifications) {
		t.Fatalf("%+v, %v and %+v, %v", a.Notifications, errA, b.Notifications, errB)
	}
}

// wire gives the wire form of what was decoded.
func wire(n pipeline.Notification, key string) api.Notification {
	w := api.Notification{
		Ref: n.Ref, UserID: n.UserID, TemplateID: n.TemplateID, TemplateVersion: n.TemplateVersion, Locale: n.Locale,
		To: n.To, ExpiresAt: n.ExpiresAt, IdempotencyKey: key, Priority: n.Priority.String(), Category: n.Category.String(),
	}
	if n.Channel != 0 {
		w.Channel = n.Channel.String()
	}
	for _, v := range n.Variables {
		if w.Variables == nil {
			w.Variables = map[string]string{}
		}
		w.Variables[v.Name] = v.Value
	}
	return w
}

// roundTrip encodes a submission by encoding/json and decodes it again.
func roundTrip(t interface{ Fatalf(string, ...any) }, s pipeline.Submission) {
	out := api.Submission{}
	for i, n := range s.Notifications {
		key := ""
		if s.Keys != nil {
			key = s.Keys[i]
		}
		out.Notifications = append(out.Notifications, wire(n, key))
	}
	data, err := json.Marshal(out)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	got, err := decodeBody(data)
	if err != nil || len(got.Faults)+len(got.root) > 0 {
		t.Fatalf("decode %s: %+v, %v", data, got, err)
	}
	if !reflect.DeepEqual(got.Notifications, s.Notifications) || !slices.Equal(got.Keys, s.Keys) {
		t.Fatalf("%s: got %+v, want %+v", data, got.Submission, s)
	}
}

func TestWhatIsEncodedDecodesToTheSame(t *testing.T) {
	text := rapid.StringMatching(`[ -~é你😀"\\/<>]{1,12}`)
	name := rapid.StringMatching(`[a-z]{1,4}`)
	notification := rapid.Custom(func(t *rapid.T) pipeline.Notification {
		n := pipeline.Notification{
			Ref: text.Draw(t, "ref"), UserID: text.Draw(t, "user"), TemplateID: text.Draw(t, "template"), To: text.Draw(t, "to"),
			Channel: rapid.SampledFrom(pipeline.Channels()).Draw(t, "channel"), Priority: rapid.SampledFrom(pipeline.Priorities()).Draw(t, "priority"),
			Category: rapid.SampledFrom([]pipeline.Category{pipeline.Transactional, pipeline.Promotional}).Draw(t, "category"),
			Locale:   text.Draw(t, "locale"), TemplateVersion: rapid.Uint32Min(1).Draw(t, "version"),
			ExpiresAt: time.UnixMilli(rapid.Int64Range(0, 1<<42).Draw(t, "expiry")).UTC(),
		}
		names := rapid.SliceOfNDistinct(name, 0, 5, rapid.ID).Draw(t, "names")
		slices.Sort(names)
		for _, name := range names {
			n.Variables = append(n.Variables, pipeline.Variable{Name: name, Value: rapid.StringMatching(`[ -~é你😀]{0,12}`).Draw(t, "value")})
		}
		return n
	})
	rapid.Check(t, func(t *rapid.T) {
		s := pipeline.Submission{Notifications: rapid.SliceOfN(notification, 1, 5).Draw(t, "notifications")}
		if rapid.Bool().Draw(t, "keyed") {
			for range s.Notifications {
				s.Keys = append(s.Keys, rapid.StringMatching(`[!-~]{1,20}`).Draw(t, "key"))
			}
		}
		roundTrip(t, s)
	})
}

// FuzzDecodeBody makes sure that no body panics, that encoding/json agrees on
// what is JSON at all, and that what is accepted can be encoded again.
func FuzzDecodeBody(f *testing.F) {
	for _, seed := range []string{
		`{"user_id": "u1", "channel": "email", "template_id": "welcome", "variables": {"name": "A", "n": 1e3, "ok": true}, "to": "a@b"}`,
		`{"notifications": [{"user_id": "\u00e9\ud83d\ude00", "priority": "low", "expires_at": "2026-11-24T12:00:00+01:00"}, {"idempotency_key": "k"}]}`,
		`{"notifications": [{}], "x": [[{"a": null}]]}`, `{"template_version": 18446744073709551616}`, `{"variables": {"a": "\u0000"}}`,
		`[]`, `{"a": 1, "a": 1}`, `{"x": -0.0e+1}`, `{"notifications": [1, "x", {"to": "\\\"\/\b"}]} `, "\xff", `{"user_id": "\ud800"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := decodeBody(slices.Clone(data))
		if err != nil {
			return
		}
		if !json.Valid(data) {
			t.Fatalf("%q was decoded and is no JSON", data)
		}
		for _, fault := range append(b.root, b.Faults...) {
			if !strings.HasPrefix(b.pointer(fault), "/") && b.pointer(fault) != "" || fault.Detail == "" {
				t.Fatalf("%q: a bad fault %+v", data, fault)
			}
		}
		if len(b.root)+len(b.Faults) > 0 {
			return
		}
		for _, n := range b.Notifications {
			// encoding/json leaves empty fields out, and these may be missing.
			if n.Channel == 0 || n.UserID == "" || n.TemplateID == "" {
				return
			}
		}
		roundTrip(t, b.Submission)
	})
}

func FuzzDecodePreferences(f *testing.F) {
	for _, seed := range []string{
		`{"user_id": "u", "channels": {"email": {"transactional": true, "promotional": false, "addresses": ["a@b"]}}}`,
		`{"channels": {"sms": {"addresses": [1, {"x": []}]}, "fax": 1}}`, `{"channels": {}, "channels": {}}`, `[[]]`, `{"user_id": "\ud800"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		preferences, faults, err := decodePreferences(slices.Clone(data), "u")
		if err != nil || len(faults) > 0 {
			return
		}
		if !json.Valid(data) {
			t.Fatalf("%q was decoded and is no JSON", data)
		}
		for _, p := range preferences {
			for _, a := range p.Addresses {
				if err := pipeline.CheckAddress(p.Channel, a); err != nil || p.UserID != "u" {
					t.Fatalf("%q gave %+v: %v", data, p, err)
				}
			}
		}
	})
}

// BenchmarkDecodeBody decodes requests as load runs send them; the time is of
// one notification.
func BenchmarkDecodeBody(b *testing.B) {
	var list []string
	for i := range 100 {
		list = append(list, fmt.Sprintf(`{"ref":"run-20261124-%d","user_id":"user-%08d","channel":"email","priority":"normal","category":"transactional",`+
			`"template_id":"receipt","variables":{"name":"Ada Lovelace","amount":"EUR %d.50"},"to":"user%08d@load.example","expires_at":"2026-11-25T12:00:00Z"}`, i, i*7919, i, i*7919))
	}
	data := []byte(`{"notifications":[` + strings.Join(list, ",") + `]}`)
	b.ReportAllocs()
	b.SetBytes(int64(len(data)) / 100)
	for b.Loop() {
		if got, err := decodeBody(data); err != nil || len(got.Faults) > 0 {
			b.Fatal(got.Faults, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/notification")
}
