package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/scenarios"
)

// accountOnly is a scenario of two seconds that judges nothing that depends on
// how busy the machine is.
const accountOnly = `version: 1
name: account
about: two seconds
stages:
  - {name: hold, rate: 2K/s, for: 2s}
checks:
  - {name: errors, expect: errors = 0}
  - {name: drained, expect: in_flight = 0}
  - {name: lost, expect: lost = 0}
  - {name: duplicates, expect: duplicates = 0}
`

// loadtest runs the command in this process and gives its exit code and what
// it wrote.
func loadtest(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out bytes.Buffer
	var messages sharedBuffer
	code = loadtestTo(ctx, &out, &messages, args...)
	return code, out.String(), messages.buffer.String()
}

// sharedBuffer takes what the log and the status lines write at the same time, as
// a file does.
type sharedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

// Write appends.
func (b *sharedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func loadtestTo(ctx context.Context, stdout, stderr io.Writer, args ...string) (code int) {
	a := &app{
		stdin: strings.NewReader(accountOnly), stdout: stdout, stderr: stderr,
		getenv: func(string) (string, bool) { return "", false }, now: time.Now,
		log: slog.New(slog.DiscardHandler),
	}
	root := newRootCommand(a)
	root.SetArgs(append([]string{"loadtest"}, args...))
	return finish(a, execute(ctx, a, root))
}

func TestLoadtestRefusesBeforeItStarts(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"nothing", `scenario "nothing": accepted are steady, peak, spike, endurance, provider-failure, batching, pooling, or the name of a file`},
		{"missing.yaml", "missing.yaml"},
		{"--profile huge", "smoke, ci, full"},
		{"--rate-scale 0", "a rate scale of 0: accepted is above 0"},
		{"--rate-scale -1", "a rate scale of -1"},
		{"--rate-scale NaN", "a rate scale of NaN"},
		{"--time-scale fast", `"fast" is no number`},
		{"--batch 1001", "a batch of 1001: 1 to 1000"},
		{"--batch 0", "a batch of 0"},
		{"--users 0", "0 users"},
		{"--users many", "many"},
		{"--keys some", "request, entry, none"},
		{"--target 127.0.0.1:8080", "want http://host:port"},
		{"--target http://127.0.0.1:8080/send#now", "no fragment"},
		{"--target http://192.0.2.1", "--allow-external 192.0.2.1"},
		{"--target http://169.254.169.254 --allow-external 169.254.169.254", "metadata"},
		{"--mock http://127.0.0.1:8090", "--mock goes with --target"},
		{"--target http://127.0.0.1:8080 --data x", "--data is of a server that is started"},
		{"--set workload.users=none", "workload.users"},
		{"--set providers.urls.sendgrid=https://api.sendgrid.com", "mock providers alone"},
		{"--profile full --rate-scale 1000", "more than"},
	} {
		code, stdout, stderr := loadtest(t.Context(), strings.Fields(test.args)...)
		if code != exitUsage || !strings.Contains(stderr, test.want) || stdout != "" {
			t.Errorf("%s: exit %d, %q; want %q", test.args, code, stderr, test.want)
		}
	}
}

// TestLoadtestEmbedded starts everything, twice on one data directory: the
// second run finds the first one's records there, and they are not its own.
func TestLoadtestEmbedded(t *testing.T) {
	data, out := filepath.Join(t.TempDir(), "data"), t.TempDir()
	for range 2 {
		code, stdout, stderr := loadtest(t.Context(), "-", "--data", data, "--out", out, "--plain", "--batch", "50", "--users", "10K")
		if code != exitOK || !strings.Contains(stdout, "PASS   4 checks") || !strings.Contains(stderr, "account  00:0") {
			t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
		}
		result := resultIn(t, out)
		if l := result.Ledger; l.Accepted != 4000 || *l.Delivered != 4000 || *l.Lost != 0 || *l.Duplicates != 0 || *l.Takeovers != 0 {
			t.Errorf("ledger %+v", l)
		}
		if result.Verdict != scenarios.Pass || !result.Environment.Embedded || result.Queue == nil || len(result.Providers) == 0 || len(result.EndToEnd) == 0 {
			t.Errorf("result %+v", result)
		}
	}
}

func resultIn(t *testing.T, dir string) *scenarios.Result {
	t.Helper()
	result, err := readResult(nil, dir)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// watcher calls a function once the text was written.
type watcher struct {
	text string
	seen func()
}

func (w watcher) Write(p []byte) (int, error) {
	if strings.Contains(string(p), w.text) {
		w.seen()
	}
	return len(p), nil
}

func TestLoadtestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := t.TempDir()
	var stdout bytes.Buffer
	// The second status line of the load has the first whole second in it.
	code := loadtestTo(ctx, &stdout, watcher{"sent 1,", cancel}, "steady", "--out", out, "--plain")
	if code != exitInterrupted || !strings.Contains(stdout.String(), "INTERRUPTED") {
		t.Errorf("exit %d\n%s", code, &stdout)
	}
	if result := resultIn(t, out); result.Verdict != scenarios.Interrupted || result.Ledger.Accepted == 0 || *result.Ledger.Lost != 0 {
		t.Errorf("result %+v", result)
	}
}

func TestLoadtestForeignTarget(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<html><h1>It works!</h1></html>")
	}))
	defer server.Close()
	code, stdout, stderr := loadtest(t.Context(), "--target", server.URL, "--time-scale", "0.0001", "--quiet")
	if code != exitCheck || !strings.Contains(stdout, "malformed (requests)") || !strings.Contains(stdout, "not observed") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}

func TestLoadtestNobodyThere(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	code, stdout, stderr := loadtest(t.Context(), "--target", server.URL)
	if code != exitFailed || !strings.Contains(stderr, "does not answer") || stdout != "" {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}

func TestLoadtestListsAndDescribes(t *testing.T) {
	if code, stdout, _ := loadtest(t.Context(), "--list"); code != exitOK || !strings.HasPrefix(stdout, "steady ") {
		t.Errorf("exit %d: %s", code, stdout)
	}
	code, stdout, _ := loadtest(t.Context(), "--dry-run", "--profile", "full")
	if code != exitOK || !strings.Contains(stdout, "stage hold: 12000/s for 1h0m0s") || !strings.Contains(stdout, "43200000 notifications") {
		t.Errorf("exit %d: %s", code, stdout)
	}
}
