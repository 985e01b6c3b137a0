package template_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/template"
)

func compile(t interface{ Fatalf(string, ...any) }, subject, body string) *template.Compiled {
	c, err := template.Compile(pipeline.Template{ID: "t", Version: 1, Subject: subject, Body: body})
	if err != nil {
		t.Fatalf("compile %q, %q: %v", subject, body, err)
	}
	return c
}

func vars(pairs ...string) []pipeline.Variable {
	var v []pipeline.Variable
	for i := 0; i < len(pairs); i += 2 {
		v = append(v, pipeline.Variable{Name: pairs[i], Value: pairs[i+1]})
	}
	return v
}

func TestRender(t *testing.T) {
	cases := []struct {
		name          string
		channel       pipeline.Channel
		subject, body string
		variables     []pipeline.Variable
		wantSubject   string
		wantBody      string
	}{
		{"plain", pipeline.SMS, "", "hello", nil, "", "hello"},
		{"spellings", pipeline.SMS, "", "{{a}}{{ a }}{{.a}}{{ .a }}", vars("a", "x"), "", "xxxx"},
		{"two variables, any order", pipeline.Push, "{{b}}", "{{a}} {{b}}", vars("b", "2", "a", "1"), "2", "1 2"},
		{"an unused variable is no fault", pipeline.Push, "", "{{a}}", vars("z", "9", "a", "1"), "", "1"},
		{"braces that are no variable", pipeline.SMS, "", "{a} }} { {{a}}", vars("a", "1"), "", "{a} }} { 1"},
		{"a value is not evaluated again", pipeline.SMS, "", "{{a}}", vars("a", "{{b}}", "b", "no"), "", "{{b}}"},
		{"text is not escaped", pipeline.SMS, "<{{a}}", "<{{a}}>", vars("a", "<&>"), "<<&>", "<<&>>"},
		{"HTML is escaped", pipeline.Email, "{{a}}", "<p>{{a}}</p>", vars("a", `<i>&"'`), `<i>&"'`, "<p>&lt;i&gt;&amp;&#34;&#39;</p>"},
		{"a quoted attribute", pipeline.Email, "", `<p title='{{a}}'>`, vars("a", `' onclick='x`), "", `<p title='&#39; onclick=&#39;x'>`},
		{"a whole link", pipeline.Email, "", `<a href="{{a}}">`, vars("a", "HTTPS://x.example/?a=1&b=2"), "", `<a href="HTTPS://x.example/?a=1&amp;b=2">`},
		{"part of a link", pipeline.Email, "", `<a href="https://x.example/{{a}}?q={{b}}">`, vars("a", "../é", "b", "1&c=2"), "", `<a href="https://x.example/..%2F%C3%A9?q=1%26c%3D2">`},
		{"behind a link's variable", pipeline.Email, "", `<a href="{{a}}?q={{b}}">`, vars("a", "http://x.example", "b", "&"), "", `<a href="http://x.example?q=%26">`},
		{"a smaller sign in text", pipeline.Email, "", "1 < {{a}}", vars("a", "2"), "", "1 < 2"},
		{"a subject takes no line break", pipeline.Email, "Hi {{a}}", "x", vars("a", "b\r\nBcc: c\u2028d"), "Hi b  Bcc: c d", "x"},
		{"a subject takes any other character", pipeline.Email, "{{a}}", "x", vars("a", "Zoë 你好"), "Zoë 你好", "x"},
	}
	var r template.Renderer
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			subject, body, err := r.Render(compile(t, c.subject, c.body), c.channel, c.variables)
			if err != nil || subject != c.wantSubject || body != c.wantBody {
				t.Fatalf("got %q, %q, %v; want %q, %q", subject, body, err, c.wantSubject, c.wantBody)
			}
		})
	}
}

func TestRenderRefuses(t *testing.T) {
	long := strings.Repeat("é", 1601)
	cases := []struct {
		name      string
		channel   pipeline.Channel
		body      string
		variables []pipeline.Variable
		want      error
	}{
		{"a missing variable", pipeline.SMS, "{{a}}", nil, template.ErrVariable},
		{"a missing variable in HTML", pipeline.Email, "{{a}}", vars("b", "1"), template.ErrVariable},
		{"a script as a link", pipeline.Email, `<a href="{{a}}">`, vars("a", "javascript:alert(1)"), template.ErrVariable},
		{"a relative link", pipeline.Email, `<img src="{{a}}">`, vars("a", "//x.example"), template.ErrVariable},
		{"a link without a host", pipeline.Email, `<img src="{{a}}">`, vars("a", "https://"), template.ErrVariable},
		{"a link with a space", pipeline.Email, `<img src="{{a}}">`, vars("a", "https://x y"), template.ErrVariable},
		{"no HTML", pipeline.Email, `<p {{a}}>`, vars("a", "1"), template.ErrNoHTML},
		{"a long SMS", pipeline.SMS, "{{a}}", vars("a", long), template.ErrTooLong},
		{"a long push message", pipeline.Push, "{{a}}{{a}}", vars("a", long), template.ErrTooLong},
	}
	var r template.Renderer
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			subject, body, err := r.Render(compile(t, "", c.body), c.channel, c.variables)
			if !errors.Is(err, c.want) || subject != "" || body != "" {
				t.Fatalf("got %q, %q, %v; want %v", subject, body, err, c.want)
			}
		})
	}
	if _, _, err := r.Render(compile(t, "", "{{a}}"), pipeline.SMS, vars("a", strings.Repeat("é", 1600))); err != nil {
		t.Errorf("1600 characters are no SMS: %v", err)
	}
}

func TestCompileSaysWhere(t *testing.T) {
	cases := []struct{ name, subject, body, want string }{
		{"no body", "s", "", "body, line 1, column 1: the body is empty"},
		{"open braces", "", "a\né{{b", "body, line 2, column 2: {{ without }}"},
		{"a condition", "{{if x}}", "b", "subject, line 1, column 1: \"{{if x}}\" is no variable"},
		{"a pipe", "", "{{ x | html }}", "body, line 1, column 1"},
		{"no name", "", "{{}}", "is no variable"},
		{"a digit first", "", "{{1a}}", "is no variable"},
		{"a long name", "", "{{" + strings.Repeat("a", 65) + "}}", "is no variable"},
		{"nested braces", "", "{{ {{a}} }}", "is no variable"},
		{"a control character", "", "a\x00b", "body, line 1, column 2: control character U+0000"},
		{"invalid UTF-8", "", "a\xff", "not valid UTF-8"},
		{"a line break in the subject", "a\nb", "c", "subject, line 1, column 2: a line break"},
		{"too long", "", strings.Repeat("a", template.MaxSource+1), "at most 262144"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := template.Compile(pipeline.Template{Subject: c.subject, Body: c.body})
			var syntax *template.SyntaxError
			if !errors.As(err, &syntax) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestHTMLThatTakesNoValueSafely(t *testing.T) {
	for _, body := range []string{
		`<{{a}}>`, `<p{{a}}>`, `<p {{a}}>`, `<p x{{a}}="1">`, `<p x={{a}}>`, `<p x=y{{a}}>`, `<a href={{a}}>`,
		`<!-- {{a}} -->`, `<!DOCTYPE {{a}}>`, `<?x {{a}}?>`,
		`<script>{{a}}</script>`, `<SCRIPT>{{a}}`, `<style>{{a}}</style>`, `<script>"</b>{{a}}"</script>`,
		`<p onclick="{{a}}">`, `<p ONMOUSEOVER='x({{a}})'>`, `<p style="color:{{a}}">`, `<iframe srcdoc="{{a}}">`,
		`<a href="javascript:{{a}}">`, `<a href=" {{a}}">`, `<a href="java{{a}}">`, `<a href="mailto:{{a}}">`,
		`<a href="&#106;avascript:{{a}}">`, `<img SRC = "data:{{a}}">`, `<svg><a xlink:href="x:{{a}}">`,
		`{{a}}<p title="x`, `{{a}}<!-- x`, `{{a}}<script>`, "<p x=`{{a}}`>", `<p <b {{a}}>`,
	} {
		c := compile(t, "", body)
		var r template.Renderer
		if _, got, err := r.Render(c, pipeline.Email, vars("a", "https://x.example")); !errors.Is(err, template.ErrNoHTML) {
			t.Errorf("%s rendered as %q, %v", body, got, err)
		}
		var faults []string
		c.Check(pipeline.Email, vars("a", "https://x.example"), func(name, detail string) { faults = append(faults, name+": "+detail) })
		if len(faults) != 1 {
			t.Errorf("%s: checked as %v", body, faults)
		}
		if _, _, err := r.Render(c, pipeline.SMS, vars("a", "1")); err != nil {
			t.Errorf("%s does not serve SMS: %v", body, err)
		}
	}
}

func TestHTMLThatTakesAValue(t *testing.T) {
	for _, body := range []string{
		`<p>{{a}}</p>`, `<br/>{{a}}`, `<p class=x>{{a}}`, `<p hidden>{{a}}`, `<p hidden title="{{a}}">`, `<p a="1"b='{{a}}'>`,
		`<script>1</script>{{a}}`, `<style> p > b {} </style >{{a}}`, `<!-- <p --> {{a}}`, `<!doctype html><p>{{a}}`,
		`<a href = "http://x.example/{{a}}">`, `<a href="/x?{{a}}">`, `<a href="#{{a}}">`, `a <- {{a}} -> b`, `<< {{a}}`,
		`<p title="<script>{{a}}">`, `</p
>{{a}}`,
	} {
		var r template.Renderer
		if _, got, err := r.Render(compile(t, "", body), pipeline.Email, vars("a", "VALUE")); err != nil || !strings.Contains(got, "VALUE") {
			t.Errorf("%s rendered as %q, %v", body, got, err)
		}
	}
}

func TestCheckReportsEveryVariable(t *testing.T) {
	c := compile(t, "{{a}}", `{{b}} <a href="{{link}}">{{d}}</a>`)
	check := func(channel pipeline.Channel) string {
		var got []string
		c.Check(channel, vars("b", "1", "link", "ftp://x"), func(name, detail string) {
			if detail == "" {
				t.Errorf("%s has no detail", name)
			}
			got = append(got, name)
		})
		return strings.Join(got, " ")
	}
	if got := check(pipeline.Email); got != "a d link" {
		t.Errorf("as an e-mail: %s", got)
	}
	if got := check(pipeline.SMS); got != "a d" {
		t.Errorf("as an SMS: %s", got)
	}
}

// What Check passes, Render renders, unless it comes out too long.
func TestCheckAndRenderAgree(t *testing.T) {
	pieces := rapid.SampledFrom([]string{
		"{{a}}", "{{b}}", "text ", "<p>", `<a href="`, `">`, "</a>", "https://x.example/", "<script>", "</script>", " title='", "'", "<!--", "-->",
	})
	rapid.Check(t, func(t *rapid.T) {
		body := "x" + strings.Join(rapid.SliceOfN(pieces, 0, 12).Draw(t, "body"), "")
		channel := rapid.SampledFrom(pipeline.Channels()).Draw(t, "channel")
		variables := []pipeline.Variable{}
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b"}), 0, 2, rapid.ID).Draw(t, "names") {
			variables = append(variables, pipeline.Variable{Name: name, Value: rapid.SampledFrom([]string{"", "v", "https://y.example"}).Draw(t, "value")})
		}
		c := compile(t, "", body)
		passed := true
		c.Check(channel, variables, func(string, string) { passed = false })
		var r template.Renderer
		_, _, err := r.Render(c, channel, variables)
		if passed != (err == nil) {
			t.Fatalf("%s on %v with %v: checked %v, rendered %v", body, channel, variables, passed, err)
		}
	})
}

func FuzzCompile(f *testing.F) {
	for _, seed := range []string{"Hello {{name}}", "{{", "}}", "{{.a}}{{ b }}", `<a href="{{x}}">y</a>`, "<!--{{a}}-->", "<script>", "<p a='{{x}}' b={{y}}>", "{{if a}}"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, subject, body string) {
		c, err := template.Compile(pipeline.Template{ID: "t", Version: 1, Subject: subject, Body: body})
		if err != nil {
			var syntax *template.SyntaxError
			if !errors.As(err, &syntax) || syntax.Line < 1 || syntax.Column < 1 {
				t.Fatalf("%q is no syntax error with a place", err)
			}
			return
		}
		const evil = `<"'{{name}}&`
		var variables []pipeline.Variable
		for _, name := range c.Variables() {
			variables = append(variables, pipeline.Variable{Name: name, Value: evil})
		}
		var r template.Renderer
		_, text, err := r.Render(c, pipeline.SMS, variables)
		if err != nil && !errors.Is(err, template.ErrTooLong) {
			t.Fatalf("rendered as text: %v", err)
		}
		if err == nil && strings.Count(text, evil) < strings.Count(body, evil) {
			t.Fatalf("%q lost values", text)
		}
		_, html, err := r.Render(c, pipeline.Email, variables)
		if err == nil && strings.Count(html, `"'`) > strings.Count(body, `"'`) {
			t.Fatalf("%q has an unescaped value", html)
		}
	})
}

func BenchmarkRender(b *testing.B) {
	c := compile(b, "Welcome, {{name}}", "Hello {{name}}, your account is ready. It is good to have you here.")
	variables := vars("name", "Ada Lovelace")
	for _, channel := range pipeline.Channels() {
		b.Run(channel.String(), func(b *testing.B) {
			var r template.Renderer
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := r.Render(c, channel, variables); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
