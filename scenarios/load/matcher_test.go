package load

import (
	"net/http"
	"strings"
	"testing"
)

func TestMatcher(t *testing.T) {
	header := http.Header{"Content-Type": {"application/json; charset=utf-8"}, "X-Queue": {"a", "b c"}}
	const body = `{"id":7,"ok":true,"none":null,"state":"queued up","a.b":1,"list":[{"n":1.50},{"n":"x"}],"text":"1"}`
	for _, test := range []struct {
		matcher string
		want    bool
	}{
		{"status==202", true},
		{"status == 202", true},
		{"status!=202", false},
		{"status>=200&&status<300", true},
		{"status<202", false},
		{"status<=202", true},
		{"status>202", false},
		{"status==200..299", true},
		{"status!=200..299", false},
		{"status==300..399", false},
		{"header.X-Queue", true},
		{"header.x-queue==a", true},
		{`header.X-Queue=="b c"`, true},
		{"header.X-Queue!=c", true},
		{"header.X-Queue!=a", false},
		{"header.X-Other", false},
		{"header.X-Other==a", false},
		{"header.X-Other!=a", true},
		{"header.Content-Type~^application/json", true},
		{"json.id==7", true},
		{"json.id==7.0", true},
		{"json.id==8", false},
		{"json.id==seven", false},
		{"json.id!=seven", true},
		{"json.id>6 && json.id<=7", true},
		{"json.ok==true", true},
		{"json.ok==false", false},
		{"json.none==null", true},
		{"json.none", true},
		{"json.missing", false},
		{"json.missing==1", false},
		{"json.missing!=1", true},
		{"json.state==\"queued up\"", true},
		{"json.state==`queued up`", true},
		{"json.state~^queued", true},
		{"json.text==1", true}, // a text is compared as a text
		{"json.text>0", false}, // and is no number
		{"json.list.0.n==1.5", true},
		{"json.list.1.n==x", true},
		{"json.list.2.n", false},
		{"json.list.x", false},
		{"json.list", true},
		{"json.list==1", false},
		{"json.id.deeper", false},
		{"body~queued", true},
		{`body~"\"id\":\\d"`, true},
		{"body~`\"ok\": *true` && status==202", true},
		{"body~nothing", false},
	} {
		m, err := ParseMatcher(test.matcher)
		if err != nil {
			t.Errorf("%s: %v", test.matcher, err)
			continue
		}
		if got := m.Match(http.StatusAccepted, header, []byte(body)); got != test.want {
			t.Errorf("%s: %v", test.matcher, got)
		}
	}
}

func TestMatcherFindsNothingInWhatIsNoJSON(t *testing.T) {
	for _, text := range []string{"json.id", "json.id==7", "json.id>0", "json.id~."} {
		m, err := ParseMatcher(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, body := range []string{"", "<html>7</html>", "id", `"id"`, `{"id"`, `[7]`, strings.Repeat("[", 100_000)} {
			if m.Match(200, nil, []byte(body)) {
				t.Errorf("%s matches %.20q", text, body)
			}
		}
	}
}

func TestMatcherSaysWhereItIsWrong(t *testing.T) {
	for _, test := range []struct{ matcher, want string }{
		{"", `character 1: found the end; accepted is status, header.NAME, json.PATH or body`},
		{"code==202", `character 1: found "code==202"; accepted is status,`},
		{"status", `character 7: found the end; accepted is ==, !=`},
		{"status~2", `character 7: found "~2"; accepted is ==,`},
		{"status=202", `character 7: found "=202"`},
		{"status==", `character 9: found the end; accepted is a value`},
		{"status==20x", `character 9: found "20x"; accepted is a status from 100 to 599`},
		{"status==299..200", `character 9: found "299..200"`},
		{"status<200..299", `character 8: found "200..299"; accepted is one status`},
		{"status==202 || status==200", `character 13: found "|| status==200"; accepted is && and another`},
		{"status==202 &&", `character 15: found the end; accepted is status,`},
		{"header.==1", `character 1:`},
		{"header.X>1", `character 9: found ">1"; accepted is ==, !=, ~`},
		{`header.X=="abc`, `character 11: found "\"abc"; accepted is a quoted text with its end`},
		{"json.a..b==1", `character 6: found "a..b==1"; accepted is a path`},
		{"json.a<x", `character 8: found "x"; accepted is a number`},
		{"body==x", `character 5: found "==x"; accepted is ~`},
		{"body", `character 5: found the end; accepted is ~ and a regular expression`},
		{"body~(", `character 6: found "("; accepted is a regular expression`},
		{strings.Repeat("status==202&&", 400), "5200 characters; accepted are 4096"},
	} {
		if _, err := ParseMatcher(test.matcher); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%q: %v, want %s", test.matcher, err, test.want)
		}
	}
}

func FuzzMatcher(f *testing.F) {
	f.Add("status==202 && json.a.0==x", `{"a":["x"]}`)
	f.Add("header.X~\"a b\" && body~`x`", "x")
	f.Add("json.a<1e3", `{"a":1}`)
	f.Fuzz(func(t *testing.T, text, body string) {
		m, err := ParseMatcher(text)
		if err != nil {
			return
		}
		if m.String() != text {
			t.Errorf("%q became %q", text, m)
		}
		one := m.Match(200, http.Header{"X": {"a b"}}, []byte(body))
		both, err := ParseMatcher(text + " && " + text)
		if err != nil {
			if len(text) < maxMatcher/3 {
				t.Errorf("%q twice: %v", text, err)
			}
			return
		}
		if both.Match(200, http.Header{"X": {"a b"}}, []byte(body)) != one {
			t.Errorf("%q twice is not %q", text, text)
		}
	})
}
