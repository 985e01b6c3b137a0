package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/scenarios"
)

// write puts a text into a file of the test's and gives its name.
func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// startForeign starts a server of another's making.
func startForeign(t *testing.T, handler http.HandlerFunc) (url string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// TestLoadtestOfAForeignSystem: the system takes messages of its own form, and
// tells nothing of itself.
func TestLoadtestOfAForeignSystem(t *testing.T) {
	var messages, strange atomic.Int64
	target := startForeign(t, func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Messages []struct{ ID, To, Text string }
		}
		err := json.NewDecoder(r.Body).Decode(&body)
		if err != nil || r.URL.Path != "/api/send" || r.Header.Get("Authorization") != "Bearer 12345678" || len(body.Messages) == 0 {
			strange.Add(1)
		}
		messages.Add(int64(len(body.Messages)))
		_, _ = io.WriteString(w, `{"queued": true}`)
	})
	body := writeFile(t, "body.json", `{"messages": [{{range .Notifications}}{{if .Index}},{{end}}{"id": "{{.Ref}}", "to": "{{.To}}", "text": "{{.Template}}"}{{end}}]}`)
	token := writeFile(t, "token", "Bearer 12345678\n")
	out := t.TempDir()
	args := []string{"-", "--target", target + "/api/send", "--header", "Authorization: @" + token, "--body", body, "--accept", "status==200 && json.queued==true", "--batch", "50", "--quiet", "--out", out}
	code, stdout, stderr := loadtest(t.Context(), args...)
	if code != exitOK || strange.Load() != 0 {
		t.Fatalf("exit %d, %d strange requests\n%s%s", code, strange.Load(), stdout, stderr)
	}
	result := resultIn(t, out)
	if l := result.Ledger; l.Accepted != 4000 || messages.Load() != 4000 || l.Lost != nil || l.Duplicates != nil || l.InFlight != nil {
		t.Errorf("ledger %+v, %d messages", l, messages.Load())
	}
	for _, c := range result.Checks {
		want := scenarios.NotObserved
		if c.Name == "errors" {
			want = scenarios.Pass
		}
		if c.Verdict != want {
			t.Errorf("%s: %s", c.Name, c.Verdict)
		}
	}
	if text := readText(t, filepath.Join(out, "result.json")); strings.Contains(text, "12345678") || !strings.Contains(text, target+"/api/send") {
		t.Error("the result shows the secret, or not the target")
	}
	code, stdout, _ = loadtest(t.Context(), append(args, "--require", "lost")...)
	if code != exitCheck || !strings.Contains(stdout, "it is required") {
		t.Errorf("with --require lost: exit %d\n%s", code, stdout)
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestLoadtestOfAForeignSystemWithItsProviders: what the system sent, the mock
// providers know.
func TestLoadtestOfAForeignSystemWithItsProviders(t *testing.T) {
	providers, err := mockproviders.New(mockproviders.Options{})
	if err != nil {
		t.Fatal(err)
	}
	mock := startForeign(t, providers.ServeHTTP)
	var n atomic.Int64
	target := startForeign(t, func(w http.ResponseWriter, r *http.Request) {
		ref, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		sends := 1
		switch n.Add(1) {
		case 3:
			sends = 2
		case 5:
			sends = 0
		}
		for range sends {
			sendMail(t, mock, string(ref))
		}
		w.WriteHeader(http.StatusAccepted)
	})
	scenario := writeFile(t, "few.yaml", strings.Replace(accountOnly, "2K/s", "10/s", 1)+"  - {name: arrived, expect: arrived >= 96%}\n")
	out := t.TempDir()
	code, stdout, stderr := loadtest(t.Context(), scenario, "--profile", "full", "--target", target+"/send", "--body", writeFile(t, "body.txt", "{{.Ref}}"),
		"--header", "Content-Type: text/plain", "--mock", mock, "--quiet", "--out", out)
	result := resultIn(t, out)
	if got := result.Checks[len(result.Checks)-1]; got.Verdict != scenarios.Fail || got.Measured == nil || *got.Measured != 95 {
		t.Errorf("the check of what arrived is %+v", got)
	}
	if l := result.Ledger; code != exitCheck || l.Accepted != 20 || *l.Duplicates != 1 || *l.Arrived != 19 || l.Lost != nil {
		t.Errorf("exit %d, ledger %+v\n%s%s", code, l, stdout, stderr)
	}
}

// sendMail sends what SendGrid takes.
func sendMail(t *testing.T, mock, ref string) {
	t.Helper()
	body := `{"personalizations":[{"to":[{"email":"a@example.com"}],"custom_args":{"notification_id":"` + ref + `","notification_ref":"` + ref + `"}}],` +
		`"from":{"email":"b@example.com"},"subject":"s","content":[{"type":"text/plain","value":"x"}]}`
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, mock+"/sendgrid/v3/mail/send", strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return
	}
	request.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer x"}}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Error(err)
		return
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusAccepted {
		t.Errorf("SendGrid answered %s", response.Status)
	}
}

// TestLoadtestSaysWhatAForeignTargetAnswered, where it is not what was asked for.
func TestLoadtestSaysWhatAForeignTargetAnswered(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		want   []string
	}{
		{"HTML", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html><h1>It works!</h1></html>")
		}, []string{"40 malformed (requests)", `first malformed at 00:00: 200 text/html, "<html><h1>It works!</h1></html>"`}},
		{"refusals", func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "no access for "+r.Header.Get("X-Key"), http.StatusForbidden)
		}, []string{"40 client error (requests)", `403 text/plain; charset=utf-8, "no access for [secret]"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, stdout, stderr := loadtest(t.Context(), "-", "--target", startForeign(t, test.answer)+"/send", "--accept", "status==202", "--header", "X-Key: 987654321", "--quiet")
			if code != exitCheck {
				t.Errorf("exit %d\n%s", code, stderr)
			}
			for _, want := range test.want {
				if !strings.Contains(stdout, want) {
					t.Errorf("no %q in\n%s", want, stdout)
				}
			}
		})
	}
}

// TestLoadtestOfATargetThatDies writes what came of the run until then.
func TestLoadtestOfATargetThatDies(t *testing.T) {
	began := time.Now()
	server := httptest.NewUnstartedServer(nil)
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if time.Since(began) > time.Second {
			_ = server.Listener.Close()
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(http.StatusAccepted)
	})
	server.Start()
	out := t.TempDir()
	code, stdout, stderr := loadtest(t.Context(), "-", "--target", server.URL+"/send", "--quiet", "--out", out)
	result := resultIn(t, out)
	if code != exitCheck || result.Ledger.Accepted == 0 || result.Generator.Answers["unreachable"] == 0 {
		t.Errorf("exit %d, ledger %+v\n%s%s", code, result.Ledger, stdout, stderr)
	}
	if !strings.Contains(stdout, "first unreachable at") || !strings.Contains(stdout, "connection refused") {
		t.Errorf("it does not say what happened:\n%s", stdout)
	}
}

func TestLoadtestOfAForeignTargetThatIsNotThere(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	code, stdout, stderr := loadtest(t.Context(), "--target", server.URL+"/send")
	if code != exitFailed || !strings.Contains(stderr, "does not answer") || stdout != "" {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}

func TestLoadtestForeignFlagsAreChecked(t *testing.T) {
	notJSON := writeFile(t, "not.json", `{"code": {{.Variables.code}}}`)
	single := writeFile(t, "single.json", `{"to": "{{.To}}"}`)
	wrong := writeFile(t, "wrong.json", "\n{{.Reff}}")
	const target = "--target http://127.0.0.1:1/send"
	for _, test := range []struct{ args, want string }{
		{"--body x", "--body is for a --target with a path"},
		{"--target http://127.0.0.1:1 --header A:b", "--header is for a --target with a path"},
		{"--accept status==202", "--accept is for a --target with a path"},
		{target + " --body missing.json", "missing.json: no such file"},
		{target + " --body " + wrong, "wrong.json:2:2: {{.Reff}}: unknown variable; did you mean .Ref?"},
		{target + " --body " + notJSON, "would not be JSON"},
		{target + " --batch 10 --body " + single, "the body is of one notification, and a request has 10"},
		{target + " --accept status=202", `--accept status=202: character 7: found "=202"`},
		{target + " --header X", `--header "X": accepted is a name, a colon and a value`},
		{target + " --header X:$NONE", "--header X: the environment has no NONE"},
		{target + " --header X:@none", "--header X: open none: no such file"},
		{target + " --header Content-Length:1", "it follows from the request"},
		{target + " --header idempotency-key:1", "--keys says whether there is one"},
		{target + " --api-key-file x", "--api-key-file is for a server of notifyctl"},
		{target + " --require nothing", `no check is called "nothing", which is required; accepted are`},
		{"--shard 1/2", "--shard is for a --target"},
		{target + " --shard 1/2", "--shard needs --start-at"},
		{target + " --shard 1/2 --start-at +30s", "another time in each process"},
		{target + " --shard 3/2 --start-at 2026-11-24T10:00:00Z", `--shard "3/2": accepted is I/N`},
		{"--start-at soon", `--start-at "soon": accepted are`},
		{"--start-at 2020-11-24T10:00:00Z", "the load was to begin at 2020-11-24T10:00:00Z, which was"},
		{"--start-at +30s steady steady", "--start-at is for one run, and these are 2"},
	} {
		code, stdout, stderr := loadtest(t.Context(), strings.Fields(test.args)...)
		if code != exitUsage || !strings.Contains(stderr, test.want) || stdout != "" {
			t.Errorf("%s: exit %d, %q; want %q", test.args, code, stderr, test.want)
		}
	}
}
