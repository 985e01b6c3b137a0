package hostport

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"h":             "h:6379",
		" h ":           "h:6379",
		"h:1":           "h:1",
		"10.0.0.1:7000": "10.0.0.1:7000",
		"::1":           "[::1]:6379",
		"[::1]":         "[::1]:6379",
		"[::1]:7000":    "[::1]:7000",
		"my_redis":      "my_redis:6379",
	} {
		if got, err := Parse(text, "6379"); got != want || err != nil {
			t.Errorf("%q is %q, %v, want %q", text, got, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	const secret = "hunter2"
	for text, words := range map[string]string{
		"":                   "a host is missing",
		":6379":              "a host is missing",
		":":                  "a host is missing",
		"h:0":                "port of h",
		"h:65536":            "port of h",
		"h:" + secret:        "port of h",
		"u:" + secret + ":1": `begins with "u"`,
		"h:":                 `begins with "h"`,
		"0]0":                "not the name of a host",
		"[h]":                "not the name of a host",
		"[::1":               "not a host and a port",
		"a b":                "not the name of a host",
		"h/1":                "not the name of a host",
	} {
		got, err := Parse(text, "6379")
		if err == nil || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), secret) {
			t.Errorf("%q is %q, %v, want an error that says %q and no password", text, got, err, words)
		}
	}
	if got, err := Parse("h", ""); err == nil || !strings.Contains(err.Error(), "port of h") {
		t.Errorf("a host without the port that must be there is %q, %v", got, err)
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"h", "h:1", "[::1]:2", "::1", "0]0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		address, err := Parse(text, "1")
		if err != nil {
			return
		}
		if again, err := Parse(address, ""); err != nil || again != address {
			t.Errorf("%q is %q, which is read as %q, %v", text, address, again, err)
		}
	})
}
