package load

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"text/template"
)

// reference is the data that text/template itself would be given.
type reference struct {
	Run                                        string
	Request                                    uint64
	Sequence                                   uint32
	Index                                      int
	Ref, User, Channel, Priority, Category, To string
	Template                                   string
	Variables                                  referenceVariables
	Notifications                              []reference
}

// referenceVariables are written as JSON, as ours are.
type referenceVariables map[string]string

func (v referenceVariables) String() string {
	var parts []string
	for _, name := range variableNames() {
		if value, ok := v[name]; ok {
			parts = append(parts, fmt.Sprintf("%q:%q", name, value))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func referenceOf(traffic *Traffic, request uint64, e *entry) reference {
	r := reference{
		Run: traffic.config.Run, Request: request, Sequence: e.sequence, Index: e.index,
		Ref: fmt.Sprintf("%s-%d", traffic.config.Run, e.sequence), User: fmt.Sprintf("u%d", e.user),
		Channel: e.channel.String(), Priority: e.priority.String(), Category: e.category.String(), Template: e.template,
		To: string(appendAddress(nil, e.channel, e.user)), Variables: referenceVariables{},
	}
	for _, v := range e.variables {
		r.Variables[v.name] = string(v.append(nil, e.draw))
	}
	return r
}

// expected is what text/template makes of a template of ours.
func expected(t *testing.T, text string, traffic *Traffic, request uint64) string {
	t.Helper()
	random := traffic.random(request)
	var all []reference
	for i := range traffic.Batch() {
		e := traffic.entry(request, i, random)
		all = append(all, referenceOf(traffic, request, &e))
	}
	data := all[0]
	data.Notifications = all
	parsed, err := template.New("body").Option("missingkey=zero").Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := parsed.Execute(&b, data); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTemplateSaysWhatTextTemplateWould(t *testing.T) {
	for _, text := range []string{
		`{"messages":[{{range .Notifications}}{{if .Index}},{{end}}{"id":"{{.Ref}}","to":"{{.To}}","data":{{.Variables}}}{{end}}]}`,
		`{{range .Notifications}}{{.Sequence}} {{.User}} {{.Channel}} {{.Priority}} {{.Category}} {{.Template}} {{$.Run}}/{{$.Request}}
{{end}}`,
		`{{.Run}}{{range .Notifications -}} {{if .Index}}more{{else}}first{{end}}: {{.Run}} {{.Request}}{{- end}}`,
		`[{{range .Notifications}}{{.Index}},{{end}}{{/* the same again */}}{{range .Notifications}}{{.Variables.name}}|{{.Variables.code}}|{{.Variables.amount}},{{end}}]`,
		"no variable at all",
	} {
		parsed, err := ParseTemplate("body", text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		for _, batch := range []int{1, 13} {
			traffic := newTestTraffic(t, testTraffic(batch, NoKeys))
			if got, want := string(parsed.Append(nil, traffic, 5)), expected(t, text, traffic, 5); got != want {
				t.Errorf("%s\n got %s\nwant %s", text, got, want)
			}
		}
	}
	single, err := ParseTemplate("body", `{"id":"{{.Ref}}","to":"{{.To}}","n":{{.Index}}}`)
	if err != nil || single.Ranges() {
		t.Fatalf("%v", err)
	}
	traffic := newTestTraffic(t, testTraffic(1, NoKeys))
	if got := string(single.Append(nil, traffic, 9)); !strings.HasPrefix(got, `{"id":"run1-9","to":"`) {
		t.Errorf("got %s", got)
	}
}

// TestTemplateOfTheAPI: the same notifications, whichever way they are written.
func TestTemplateOfTheAPI(t *testing.T) {
	const text = `{"notifications":[{{range .Notifications}}{{if .Index}},{{end}}{"ref":"{{.Ref}}","user_id":"{{.User}}","to":"{{.To}}",` +
		`"channel":"{{.Channel}}","priority":"{{.Priority}}","category":"{{.Category}}","template_id":"{{.Template}}","variables":{{.Variables}}}{{end}}]}`
	parsed, err := ParseTemplate("body", text)
	if err != nil {
		t.Fatal(err)
	}
	traffic := newTestTraffic(t, testTraffic(20, NoKeys))
	for request := range uint64(10) {
		if got, want := string(parsed.Append(nil, traffic, request)), string(traffic.AppendBody(nil, request)); got != want {
			t.Fatalf("request %d:\n got %s\nwant %s", request, got, want)
		}
	}
}

func TestTemplateSaysWhereItIsWrong(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"{{.Ref", "unclosed action"},
		{"\n{{.Reff}}", "body.json:2:2: {{.Reff}}: unknown variable; did you mean .Ref?"},
		{"{{.Whatever}}", "accepted are Sequence, Ref, User"},
		{"{{.Variables.nam}}", "did you mean .Variables.name?"},
		{"{{$.Variables.amount}}{{range .Notifications}}{{end}}", "accepted are Run, Request"},
		{"{{printf .Ref}}", "accepted is one variable, without functions"},
		{"{{.Ref | html}}", "accepted is one variable"},
		{"{{$x := .Ref}}", "accepted is one variable"},
		{"{{env \"HOME\"}}", "accepted is one variable"},
		{"{{range .Users}}{{end}}", "accepted is {{range .Notifications}}"},
		{"{{range .Notifications}}{{range .Notifications}}{{end}}{{end}}", "not inside another"},
		{"{{range .Notifications}}{{else}}{{end}}", "without else"},
		{"{{range .Notifications}}{{if .Ref}}{{end}}{{end}}", "accepted is {{if .Index}}"},
		{"{{range .Notifications}}{{break}}{{end}}", "accepted are variables"},
		{"{{with .Ref}}{{end}}", "accepted are variables"},
		{"{{define \"x\"}}{{end}}", "define and block are not accepted"},
		{"{{template \"x\"}}", "accepted are variables"},
		{"{{.Ref}}{{range .Notifications}}{{end}}", ".Ref is of one notification"},
		{strings.Repeat("x", MaxTemplate+1), "1048577 bytes; accepted are 1048576"},
	} {
		if _, err := ParseTemplate("body.json", test.text); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.60s: %v, want %s", test.text, err, test.want)
		}
	}
}

func TestForeignBodiesAreTried(t *testing.T) {
	for _, test := range []struct {
		text, contentType string
		batch             int
		want              string // empty: accepted
	}{
		{`{"id":"{{.Ref}}"}`, "", 1, ""},
		{`{"id":"{{.Ref}}"}`, "", 2, "the body is of one notification, and a request has 2"},
		{`[{{range .Notifications}}{{.Sequence}},{{end}}0]`, "", 5, ""},
		{"[{{range .Notifications}}\n{{.Sequence}},{{end}}]", "", 5, "line 6, column 3"},
		{"[{{range .Notifications}}\n{{.Sequence}},{{end}}]", "application/x-www-form-urlencoded", 5, ""},
		{"", "", 1, "the body is empty"},
		// Only notifications of some templates have a code.
		{`{"code":{{.Variables.code}}}`, "application/vnd.example+json", 1, "would not be JSON"},
	} {
		parsed, err := ParseTemplate("body", test.text)
		if err != nil {
			t.Fatal(err)
		}
		f := &Foreign{Body: parsed, Header: map[string][]string{}}
		if test.contentType != "" {
			f.Header.Set("Content-Type", test.contentType)
		}
		err = f.Check(newTestTraffic(t, testTraffic(test.batch, NoKeys)))
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.text, err, test.want)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add(`[{{range .Notifications}}{{if .Index}},{{end}}{"id":"{{.Ref}}","v":{{.Variables}}}{{end}}]`)
	f.Add(`{{.To}} {{.Variables.code}} {{- .Run -}} x`)
	f.Add("{{range .Notifications}}{{if .Index}}{{else}}{{$.Request}}{{end}}{{end}}")
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := ParseTemplate("body", text)
		if err != nil {
			return
		}
		traffic := newTestTraffic(t, testTraffic(3, NoKeys))
		if !parsed.Ranges() {
			traffic = newTestTraffic(t, testTraffic(1, NoKeys))
		}
		if got, want := string(parsed.Append(nil, traffic, 2)), expected(t, text, traffic, 2); got != want {
			t.Errorf("%q\n got %q\nwant %q", text, got, want)
		}
	})
}

func BenchmarkTemplate(b *testing.B) {
	parsed, err := ParseTemplate("body", `[{{range .Notifications}}{{if .Index}},{{end}}{"id":"{{.Ref}}","to":"{{.To}}","v":{{.Variables}}}{{end}}]`)
	if err != nil {
		b.Fatal(err)
	}
	traffic := newTestTraffic(b, testTraffic(100, NoKeys))
	var body []byte
	b.ReportAllocs()
	for i := range b.N {
		body = parsed.Append(body[:0], traffic, uint64(i))
	}
	if !json.Valid(body) {
		b.Errorf("no JSON: %s", body)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/notification")
}
