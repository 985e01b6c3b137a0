package redis

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

func TestParseDSN(t *testing.T) {
	for text, want := range map[string]DSN{
		"redis://localhost:6379":                      {Addresses: []string{"localhost:6379"}},
		"localhost":                                   {Addresses: []string{"localhost:6379"}},
		"127.0.0.1:7000":                              {Addresses: []string{"127.0.0.1:7000"}},
		"redis://h/":                                  {Addresses: []string{"h:6379"}},
		"redis://h:1/3":                               {Addresses: []string{"h:1"}, Database: 3},
		"redis://[::1]:7000":                          {Addresses: []string{"[::1]:7000"}},
		"redis://[::1]":                               {Addresses: []string{"[::1]:6379"}},
		"redis://u:p%40ss%25@h:1":                     {Addresses: []string{"h:1"}, User: "u", Password: "p@ss%"},
		"redis://:p@@:/h?@h:1":                        {Addresses: []string{"h:1"}, Password: "p@@:/h?"},
		"rediss://h:1?ca=/etc/ca.pem":                 {Addresses: []string{"h:1"}, TLS: true, CA: "/etc/ca.pem"},
		"redis://h1:1,h2:2,h3":                        {Addresses: []string{"h1:1", "h2:2", "h3:6379"}, Cluster: true},
		"h1:1,h2:2/0":                                 {Addresses: []string{"h1:1", "h2:2"}, Cluster: true},
		"redis://h:1?cluster=true":                    {Addresses: []string{"h:1"}, Cluster: true},
		"redis://h:1/2?cluster=false":                 {Addresses: []string{"h:1"}, Database: 2},
		"h:1?prefix=shop_1":                           {Addresses: []string{"h:1"}, Prefix: "shop_1"},
		"rediss://u:p@h1:1,h2:2?ca=c.pem&cluster=yes": {},
	} {
		got, err := ParseDSN(text)
		if want.Addresses == nil {
			if err == nil {
				t.Errorf("%s: %+v", text, got)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %#v, %v; want %#v", text, got, err, want)
		}
	}
}

func TestParseDSNSaysWhatIsAccepted(t *testing.T) {
	const secret = "hunter2"
	for text, words := range map[string]string{
		"":                                  "a host is missing",
		"redis://":                          "a host is missing",
		"redis://:hunter2@":                 "a host is missing",
		"http://u:hunter2@h":                `its scheme is "http"`,
		"redis://hunter2@h":                 "its user has no password",
		"redis://u:hunter2%zz@h":            "not percent-encoded",
		"redis://u:hunter2@h:http":          "the port of h is none",
		"redis://h:0":                       "the port of h is none",
		"redis://h:65536":                   "the port of h is none",
		"redis://a:b:c":                     "is not a host and a port",
		"redis://u:hunter2":                 "the port of u is none",
		"redis://u:hunter2:more":            `begins with "u"`,
		"redis://h1,,h2":                    "a host is missing",
		"redis://u:hunter2@h:1/x":           `its database is "x"`,
		"redis://h:1/-1":                    `its database is "-1"`,
		"redis://h1:1,h2:2/3":               "it asks for database 3",
		"redis://h1:1,h2:2?cluster=false":   "several hosts with cluster=false",
		"redis://h:1?cluster=maybe":         `cluster is "maybe"`,
		"redis://u:hunter2@h:1?ca=ca.pem":   "write rediss://",
		"redis://u:hunter2@h:1?timeout=1s":  `it has a parameter "timeout"`,
		"redis://u:hunter2@h:1?prefix={a}":  `its prefix is "{a}"`,
		"redis://u:hunter2@h:1?prefix=":     `its prefix is ""`,
		"redis://u:hunter2@h:1?a;b":         "its parameters are not a query",
		"sentinel://h1:26379,h2:26379/name": `its scheme is "sentinel"`,
	} {
		d, err := ParseDSN(text)
		if err == nil {
			t.Errorf("%s: %+v", text, d)
			continue
		}
		if got := err.Error(); !strings.Contains(got, words) || !strings.Contains(got, "want redis://") || strings.Contains(got, secret) {
			t.Errorf("%s: %q, want it to say %q, what is accepted, and no password", text, got, words)
		}
	}
}

func TestDSNStringHoldsNoPassword(t *testing.T) {
	for text, want := range map[string]string{
		"redis://u:hunter2@h:1/2":                   "redis://u:***@h:1/2",
		"redis://:hunter2@h":                        "redis://:***@h:6379",
		"rediss://h1:1,h2:2?ca=c":                   "rediss://h1:1,h2:2?ca=c",
		"redis://h:1?cluster=true":                  "redis://h:1?cluster=true",
		"redis://u:hunter2@h1:1,h2:2?cluster=true&": "redis://u:***@h1:1,h2:2",
	} {
		d := parse(t, text)
		if got := d.String(); got != want {
			t.Errorf("%s is shown as %s, want %s", text, got, want)
		}
		if strings.Contains(d.Address(), "hunter2") {
			t.Errorf("the address is %s", d.Address())
		}
	}
}

func FuzzParseDSN(f *testing.F) {
	f.Add("redis://u:p@h1:1,[::1]:2/0?cluster=true")
	f.Add("rediss://:p@h?ca=%2Fca.pem")
	f.Add("h")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDSN(text)
		if err != nil {
			return
		}
		again, err := ParseDSN(strings.Replace(d.String(), ":***@", ":"+"p@", 1))
		d.Password, again.Password = "", ""
		if err != nil || !reflect.DeepEqual(again, d) {
			t.Errorf("%q is read as %#v, and shown as %s, which is read as %#v, %v", text, d, d, again, err)
		}
	})
}

func TestAPrefixKeepsInstallationsApart(t *testing.T) {
	names := func(dsn string) []string {
		c, err := connect(Config{DSN: parse(t, dsn)})
		must(t, err)
		defer func() { must(t, c.Close()) }()
		user := pipeline.PreferenceKey{UserID: "ada", Channel: pipeline.Email}
		return []string{
			c.Keys().name(&pipeline.KeyHash{}), c.Limits().counterName(user, time.Time{}), c.Preferences(time.Minute).name(user), c.Bus().channel,
		}
	}
	plain, prefixed := names("redis://h"), names("redis://h?prefix=shop")
	for i := range plain {
		if prefixed[i] != "shop:"+plain[i] {
			t.Errorf("%s is %s under the prefix shop", plain[i], prefixed[i])
		}
	}
}
