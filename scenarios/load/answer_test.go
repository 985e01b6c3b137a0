package load

import (
	"strings"
	"testing"
)

func TestClassify(t *testing.T) {
	const two = `{"results":[{"id":"a","status":"accepted"},{"id":"b","status":"suppressed","reason":"opted_out","more":[1]}],"x":{}}`
	for _, test := range []struct {
		status int
		body   string
		want   Kind
	}{
		{202, two, Accepted},
		{202, `{"results":[{"id":"a","status":"accepted"}]}`, Malformed},
		{202, `{"results":[{"id":"a","status":"accepted"},{"id":"b"}]}`, Malformed},
		{202, `{"results":[{"id":"","status":"accepted"},{"id":"b","status":"accepted"}]}`, Malformed},
		{202, `{}`, Malformed},
		{202, ``, Malformed},
		{202, `<html>202 Accepted</html>`, Malformed},
		{202, `[1,2]`, Malformed},
		{202, two[:40], Malformed},
		{200, two, Malformed},
		{204, ``, Malformed},
		{302, ``, Redirect},
		{400, ``, ClientError},
		{404, `<html>`, ClientError},
		{429, ``, Refused},
		{500, ``, ServerError},
		{503, `{"code":"admission"}`, Refused},
	} {
		if got := classify(test.status, []byte(test.body), 2); got != test.want {
			t.Errorf("%d %s: %v, want %v", test.status, test.body, got, test.want)
		}
	}
}

func FuzzCountResults(f *testing.F) {
	f.Add([]byte(`{"results":[{"id":"a","status":"accepted"}]}`))
	f.Add([]byte(strings.Repeat("[", 100_000)))
	f.Add([]byte(`{"results":{"a":1}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if n := countResults(body); n > len(body)/len(`{"id":"a","status":"b"}`) {
			t.Errorf("%d results in %d bytes", n, len(body))
		}
	})
}
