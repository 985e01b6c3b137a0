package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/reports"
	"github.com/notifyctl/notifyctl/reports/reportstest"
	"github.com/notifyctl/notifyctl/scenarios"
)

// inProcess runs a command line in this process and gives its exit code and what
// it wrote.
func inProcess(t *testing.T, environment map[string]string, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, messages bytes.Buffer
	a := &app{
		stdin: strings.NewReader(stdin), stdout: &out, stderr: &messages, now: time.Now,
		getenv: func(name string) (string, bool) { v, ok := environment[name]; return v, ok },
		log:    slog.New(slog.DiscardHandler),
	}
	root := newRootCommand(a)
	root.SetArgs(args)
	code = finish(a, execute(t.Context(), a, root))
	return code, out.String(), messages.String()
}

// sampleIn writes the sample, changed, to a directory and gives that.
func sampleIn(t *testing.T, change func(*scenarios.Result)) string {
	t.Helper()
	dir := t.TempDir()
	r := reportstest.Result()
	if change != nil {
		change(r)
	}
	var b bytes.Buffer
	if err := reports.ResultJSON(&b, r); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, reports.ResultFile), b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestReportRendersEveryFormat(t *testing.T) {
	dir := sampleIn(t, nil)
	for format, want := range map[string]string{
		"table": "FAIL   8 checks", "markdown": "## spike: FAIL", "html": "<!doctype html>", "junit": "<testsuites>", "csv": "at_s,stage,offered",
	} {
		for _, from := range []string{dir, filepath.Join(dir, reports.ResultFile)} {
			code, stdout, stderr := inProcess(t, nil, "", "report", from, "--format", format)
			if code != exitOK || !strings.Contains(stdout, want) || stderr != "" {
				t.Errorf("%s: exit %d, %.200s%s", format, code, stdout, stderr)
			}
			file := filepath.Join(t.TempDir(), "report")
			if code, other, _ := inProcess(t, nil, "", "report", from, "--format", format, "--out", file); code != exitOK || other != "" {
				t.Errorf("%s to a file: exit %d, %.200s", format, code, other)
			}
			if text, err := os.ReadFile(file); err != nil || string(text) != stdout {
				t.Errorf("%s to a file is another than to standard output: %v", format, err)
			}
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, reports.ResultFile))
	if err != nil {
		t.Fatal(err)
	}
	if code, stdout, _ := inProcess(t, nil, string(text), "report", "-"); code != exitOK || !strings.Contains(stdout, "FAIL   8 checks") {
		t.Errorf("from standard input: exit %d, %s", code, stdout)
	}
}

func TestReportRefuses(t *testing.T) {
	dir := sampleIn(t, nil)
	empty := t.TempDir()
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, exitUsage, "needs a result"},
		{[]string{filepath.Join(empty, "none.json")}, exitUsage, "accepted is a result.json that loadtest --out wrote"},
		{[]string{empty}, exitUsage, "result.json: no such file"},
		{[]string{"-"}, exitUsage, "<stdin>: it is no result of a load test"},
		{[]string{dir, "--format", "pdf"}, exitUsage, "table, markdown, html, junit, csv"},
		{[]string{dir, dir}, exitUsage, "2 results: one is rendered; more are compared with a --baseline"},
		{[]string{dir, "--tolerance", "5%"}, exitUsage, "--tolerance is of a --baseline"},
		{[]string{dir, "--baseline", dir, "--tolerance", "5"}, exitUsage, "accepted is one fraction, like 10% or 0.1"},
		{[]string{dir, "--baseline", "-"}, exitUsage, "<stdin>: it is no result"},
		{[]string{dir, "--out", filepath.Join(dir, reports.ResultFile, "below")}, exitFailed, "below"},
	} {
		code, stdout, stderr := inProcess(t, nil, `{"figures": []}`, append([]string{"report"}, c.args...)...)
		if code != c.code || !strings.Contains(stderr, c.want) || stdout != "" {
			t.Errorf("%q: exit %d, %q; want %d and %q", c.args, code, stderr, c.code, c.want)
		}
	}
}

func TestReportComparesWithABaseline(t *testing.T) {
	same := sampleIn(t, nil)
	worse := sampleIn(t, func(r *scenarios.Result) { r.Ledger.Lost = reportstest.Of(int64(3)) })
	other := sampleIn(t, func(r *scenarios.Result) { r.Environment.CPUs = 64 })
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"a result against itself", []string{same, "--baseline", same}, exitOK, "UNCHANGED   1 run against 1 run before: nothing moved by more than 10 %"},
		{"three were lost", []string{worse, "--baseline", same}, exitCheck, "REGRESSED"},
		{"three were lost before", []string{same, "--baseline", worse}, exitOK, "IMPROVED"},
		{"another machine", []string{same, "--baseline", other}, exitInconclusive, "NOT COMPARABLE   the machine's number of CPUs is 2, and was 64"},
		{"none yet", []string{same, "--baseline", filepath.Join(same, "none.json")}, exitOK, "NO BASELINE   " + filepath.Join(same, "none.json") + " is not there"},
		{"an empty directory", []string{same, "--baseline", t.TempDir()}, exitOK, "NO BASELINE"},
		{"several a side", []string{same, same, "--baseline", same, "--baseline", same, "--tolerance", "0.2"}, exitOK, "UNCHANGED   2 runs against 2 runs before"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := inProcess(t, nil, "", append([]string{"report"}, c.args...)...)
			if code != c.code || !strings.Contains(stdout, c.want) {
				t.Errorf("exit %d, want %d with %q\n%s%s", code, c.code, c.want, stdout, stderr)
			}
		})
	}
}
