package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/reports/reportstest"
)

func TestLoadtestWritesEveryForm(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	summary := filepath.Join(t.TempDir(), "summary")
	environment := map[string]string{"GITHUB_STEP_SUMMARY": summary}
	code, stdout, stderr := inProcess(t, environment, accountOnly, "loadtest", "-", "--quiet", "--users", "10K", "--out", out)
	if code != exitOK || !strings.Contains(stdout, filepath.Join(out, "report.html")) {
		t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
	}
	for file, want := range map[string]string{
		"result.json": `"verdict": "pass"`, "report.html": "All of the 4 checks hold.", "junit.xml": `tests="5" failures="0"`,
		"summary.md": "## account: PASS", "timeseries.csv": "at_s,",
	} {
		if text := readText(t, filepath.Join(out, file)); !strings.Contains(text, want) {
			t.Errorf("%s lacks %q", file, want)
		}
	}
	if entries, err := os.ReadDir(out); err != nil || len(entries) != 5 {
		t.Errorf("%v, %v; want five files", entries, err)
	}
	if got, want := readText(t, summary), readText(t, filepath.Join(out, "summary.md"))+"\n"; got != want {
		t.Errorf("the step's summary is\n%s\nwant\n%s", got, want)
	}
	result := resultIn(t, out)
	if want := []string{"notifyctl", "loadtest", "-", "--out", out, "--quiet=true", "--users", "10K"}; !slices.Equal(result.Command, want) {
		t.Errorf("the command is %q, want %q", result.Command, want)
	}
	code, stdout, _ = inProcess(t, nil, "", "report", out, "--baseline", out)
	if code != exitOK || !strings.Contains(stdout, "UNCHANGED") {
		t.Errorf("against itself: exit %d\n%s", code, stdout)
	}
}

func TestLoadtestRefusesToWriteWhereItCannot(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := inProcess(t, nil, "", "loadtest", "--quiet", "--out", filepath.Join(file, "out"))
	if code != exitFailed || !strings.Contains(stderr, "the results could not be written there") || stdout != "" {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no full device here")
	}
	code, _, stderr = inProcess(t, nil, "", "loadtest", "--quiet", "--baseline", "/dev/full")
	if code != exitUsage || !strings.Contains(stderr, "--baseline") {
		t.Errorf("an endless baseline: exit %d: %s", code, stderr)
	}
}

// TestTheResultIsShownThoughItCannotBeWritten: the directory vanished, or filled
// up, during the run.
func TestTheResultIsShownThoughItCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout bytes.Buffer
	a := &app{stdout: &stdout, getenv: func(string) (string, bool) { return "", false }, log: slog.New(slog.DiscardHandler)}
	o := outOptions{out: file}
	err := o.conclude(a, "spike", reportstest.Result(), false)
	if exitCode(err) != exitCheck || !strings.Contains(err.Error(), "--out "+file) {
		t.Errorf("error %v", err)
	}
	if !strings.Contains(stdout.String(), "FAIL   8 checks") || strings.Contains(stdout.String(), "report.html") {
		t.Errorf("it shows\n%s", &stdout)
	}
}

func TestTheStepsSummaryStaysWithinItsLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "summary")
	if err := os.WriteFile(path, make([]byte, mostSummary-100), 0o600); err != nil {
		t.Fatal(err)
	}
	var messages bytes.Buffer
	a := &app{getenv: func(string) (string, bool) { return path, true }, log: slog.New(slog.NewTextHandler(&messages, nil))}
	if err := appendSummary(a, reportstest.Result(), nil); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() != mostSummary-100 || !strings.Contains(messages.String(), "the step's summary is full") {
		t.Errorf("%d bytes, %v, %s", info.Size(), err, &messages)
	}
}

func TestNoSecretIsInTheCommand(t *testing.T) {
	for _, c := range []struct{ flag, value, want string }{
		{"postgres", "postgres://notify:hunter2@db:5432/shard0?sslmode=require", "postgres://notify:xxxxx@db:5432/shard0?sslmode=require"},
		{"postgres", "host=db user=notify password=hunter2 dbname=shard0", "host=db user=notify password=xxxxx dbname=shard0"},
		{"postgres", "postgres://db/shard0?user=notify&password=hunter2", "postgres://db/shard0?user=notify&password=xxxxx"},
		{"redis", "redis://:hunter2@cache:6379/0", "redis://:xxxxx@cache:6379/0"},
		{"cassandra", "notify:hunt/er2@10.0.0.1,10.0.0.2", "notify:xxxxx@10.0.0.1,10.0.0.2"},
		{"kafka", "broker1:9092,broker2:9092", "broker1:9092,broker2:9092"},
		{"header", "Authorization: Bearer hunter2", "Authorization: xxxxx"},
		{"header", "X-Tenant: $TENANT", "X-Tenant: $TENANT"},
		{"target", "http://127.0.0.1:9000/send?token=hunter2&x=1", "http://127.0.0.1:9000/send?token=xxxxx&x=1"},
		{"set", "workload.users=10M", "workload.users=10M"},
		{"start-at", "2026-11-24T10:00:00Z", "2026-11-24T10:00:00Z"},
	} {
		if got := withoutSecrets(c.flag, c.value); got != c.want {
			t.Errorf("--%s %s is %s, want %s", c.flag, c.value, got, c.want)
		}
	}
}
