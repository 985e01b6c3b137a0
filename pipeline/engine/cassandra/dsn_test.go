package cassandra

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseDSN(t *testing.T) {
	for text, want := range map[string]DSN{
		"10.0.0.1":                     {Hosts: []string{"10.0.0.1:9042"}, Keyspace: "notifyctl"},
		"a:1, b,[::1]:3":               {Hosts: []string{"a:1", "b:9042", "[::1]:3"}, Keyspace: "notifyctl"},
		"::1":                          {Hosts: []string{"[::1]:9042"}, Keyspace: "notifyctl"},
		"cassandra://a":                {Hosts: []string{"a:9042"}, Keyspace: "notifyctl"},
		"cassandra://a,b:1/":           {Hosts: []string{"a:9042", "b:1"}, Keyspace: "notifyctl"},
		"cassandra://a/other?dc=d%201": {Hosts: []string{"a:9042"}, Keyspace: "other", LocalDC: "d 1"},
		"cassandra://u:p%40w@a:1,b:2/k_1?dc=dc1&tls=true&ca=/ca.pem": {
			Hosts: []string{"a:1", "b:2"}, User: "u", Password: "p@w", Keyspace: "k_1", LocalDC: "dc1", TLS: true, CA: "/ca.pem",
		},
		"cassandra://u:p@w:x@a?ca=ca.pem": {Hosts: []string{"a:9042"}, User: "u", Password: "p@w:x", Keyspace: "notifyctl", TLS: true, CA: "ca.pem"},
	} {
		d, err := ParseDSN(text)
		if err != nil || !reflect.DeepEqual(d, want) {
			t.Errorf("%q is %#v, %v, want %#v", text, d, err, want)
			continue
		}
		if d.User == "" {
			if again, err := ParseDSN(d.String()); err != nil || !reflect.DeepEqual(again, d) {
				t.Errorf("%q prints as %q, which is %#v, %v", text, d, again, err)
			}
		}
	}
}

func TestParseDSNRefuses(t *testing.T) {
	for text, says := range map[string]string{
		"":                                      "a host is missing",
		"a,,b":                                  "a host is missing",
		"a:b":                                   "port",
		"a:0":                                   "port",
		"a:70000":                               "port",
		"a:1:2":                                 "not a host and a port",
		"a b":                                   "not the name of a host",
		"postgres://a":                          `scheme "postgres"`,
		"u:secret@a":                            "no scheme",
		"a/keyspace":                            "no scheme",
		"cassandra://u:secret@":                 "a host is missing",
		"cassandra://secret@a":                  "a user without a password",
		"cassandra://:secret@a":                 "a user without a password",
		"cassandra://u:secret%zz@a":             "write %25",
		"cassandra://u:secret@a/Keyspace":       "lower case",
		"cassandra://u:secret@a/a/b":            "lower case",
		"cassandra://u:secret@a?dc":             "",
		"cassandra://u:secret@a?tls=maybe":      "want true or false",
		"cassandra://u:secret@a?ssl=true":       "want dc, tls or ca",
		"cassandra://u:secret@a?tls=false&ca=x": "want one of them",
		"cassandra://u:secret@a?a;b":            "options",
		"cassandra://u:sec/secret@a":            "%2F %3F %40",
		"cassandra://u:sec?secret@a/k":          "%2F %3F %40",
		"cassandra://u:p/secret@a/k?dc=x":       "%2F %3F %40",
		"cassandra://u:secret":                  "port of u",
		"u:secret:more":                         `begins with "u"`,
	} {
		d, err := ParseDSN(text)
		if says == "" {
			if err != nil {
				t.Errorf("%q gave %v", text, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q gave %#v, %v, want %q", text, d, err, says)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error holds the password: %v", text, err)
		}
	}
}

func TestDSNHidesPassword(t *testing.T) {
	d, err := ParseDSN("cassandra://user:secret@a:1/k")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{d.String(), d.Address(), d.fault(errDamaged).Error()} {
		if strings.Contains(text, "secret") || strings.Contains(text, "user") || !strings.Contains(text, "a:1") {
			t.Errorf("it prints as %q", text)
		}
	}
}
