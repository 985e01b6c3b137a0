package kafka

import (
	"strings"
	"testing"
)

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]Address{
		"a:1":                          {Brokers: []string{"a:1"}},
		"a:1, b:2":                     {Brokers: []string{"a:1", "b:2"}},
		"kafka://a:1,b:2?prefix=eu-1":  {Brokers: []string{"a:1", "b:2"}, Prefix: "eu-1"},
		"kafka://u:p%40s@[::1]:9092/":  {Brokers: []string{"[::1]:9092"}, SASL: &SASL{SCRAMSHA512, "u", "p@s"}},
		"kafka://u:p@a:1?sasl=plain":   {Brokers: []string{"a:1"}, SASL: &SASL{Plain, "u", "p"}},
		"kafka://u:p@x@a:1?sasl=plain": {Brokers: []string{"a:1"}, SASL: &SASL{Plain, "u", "p@x"}},
	} {
		got, err := ParseAddress(text)
		if err != nil || strings.Join(got.Brokers, " ") != strings.Join(want.Brokers, " ") || got.Prefix != want.Prefix || (got.SASL == nil) != (want.SASL == nil) {
			t.Errorf("%s is %+v, %v", text, got, err)
			continue
		}
		if got.SASL != nil && *got.SASL != *want.SASL {
			t.Errorf("%s is entered by %s", text, got.SASL)
		}
	}
}

func TestParseAddressRefuses(t *testing.T) {
	for text, says := range map[string]string{
		"":                            "a host is missing",
		"a":                           "port of a",
		"a:0":                         "port of a",
		"a:1,":                        "a host is missing",
		"hidden:hidden@a:1":           "does not start with kafka://",
		"kafka://hidden@a:1":          "no USER:PASSWORD",
		"kafka://a:1?sasl=plain":      "no user and password",
		"kafka://u:hidden@a:1?sasl=x": `sasl mechanism "x"`,
		"kafka://a:1?tls=maybe":       "tls=maybe",
		"kafka://a:1?tls=false&ca=x":  "tls=false",
		"kafka://a:1?ca=/nowhere":     "the ca of kafka's address",
		"kafka://a:1?cert=x":          "one of cert and key",
		"kafka://a:1?colour=red":      `"colour"`,
		"kafka://a:1?prefix=a/b":      "prefix=a/b",
		"kafka://a:1?prefix=":         "is empty",
		"kafka://u:hid?hidden@a:1":    "%3F",
		"kafka://u:p?x=hidden@a:1":    "%3F",
		"kafka://u:hidden":            "port of u",
		"u:hidden:1":                  `begins with "u"`,
	} {
		_, err := ParseAddress(text)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q gave %v, want %q", text, err, says)
			continue
		}
		if strings.Contains(err.Error(), "hidden") {
			t.Errorf("%q: the error repeats what may be a password: %v", text, err)
		}
	}
}
