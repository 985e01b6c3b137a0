package load

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func mustTemplate(t *testing.T, text string) *Template {
	t.Helper()
	parsed, err := ParseTemplate("body", text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func mustMatcher(t *testing.T, text string) *Matcher {
	t.Helper()
	m, err := ParseMatcher(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestForeignTargetIsCalledAsItIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		b := newBench(t, Config{
			Schedule: mustSchedule(t, Stage{From: 10, To: 10, For: time.Second}),
			Traffic:  newTestTraffic(t, testTraffic(1, NoKeys)),
			Foreign: &Foreign{
				Header: http.Header{"Content-Type": {"text/plain"}, "X-Tenant": {"blue"}, "Authorization": {"Bearer abc-secret"}},
				Body:   mustTemplate(t, "to={{.To}}&id={{.Ref}}"),
				Accept: mustMatcher(t, "status==200 && json.ok==true"),
			},
		}, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil || !strings.HasPrefix(string(body), "to=") || !strings.Contains(string(body), "&id=run1-") {
				t.Errorf("body %q, %v", body, err)
			}
			if r.URL.String() != "/their/call?a=b" || r.Header.Get("Content-Type") != "text/plain" || r.Header.Get("X-Tenant") != "blue" {
				t.Errorf("%s %v", r.URL, r.Header)
			}
			switch n.Add(1) {
			case 1:
				http.Error(w, "who is "+r.Header.Get("Authorization")+"?\n\x1b[31m", http.StatusUnauthorized)
			case 2:
				http.Error(w, "again", http.StatusForbidden)
			case 3:
				w.Header().Set("Content-Type", "text/html")
				_, _ = fmt.Fprint(w, "<html>", strings.Repeat("It works! ", 100))
			case 4:
				_, _ = fmt.Fprint(w, `{"ok": false}`)
			case 5:
				w.WriteHeader(http.StatusTooManyRequests)
			default:
				_, _ = fmt.Fprint(w, `{"ok": true}`)
			}
		})
		report := b.run(t.Context())
		want := [kinds]uint64{Accepted: 5, ClientError: 2, Malformed: 2, Refused: 1}
		if got := report.Total.Kinds; got != want {
			t.Errorf("kinds %v, want %v", got, want)
		}
		if got := b.generator.Accepted(); got.GetCardinality() != 5 || got.Maximum() != 9 {
			t.Errorf("accepted %v", got)
		}
		if len(report.Firsts) != 3 {
			t.Fatalf("first answers %+v", report.Firsts)
		}
		first := report.Firsts[0]
		if first.Kind != ClientError || first.Status != 401 || first.Text != "who is [secret]? [31m" || first.At != 0 {
			t.Errorf("the first of all is %+v", first)
		}
		html := report.Firsts[1]
		if html.Kind != Malformed || html.ContentType != "text/html" || !strings.HasPrefix(html.Text, "<html>It works! It") || len(html.Text) != excerptRunes+3 {
			t.Errorf("the first that is malformed is %+v", html)
		}
	})
}

func TestForeignTargetIsAnySuccessWithoutAMatcher(t *testing.T) {
	f := &Foreign{}
	for status, want := range map[int]Kind{
		200: Accepted, 202: Accepted, 204: Accepted, 301: Redirect, 400: ClientError, 429: Refused, 500: ServerError, 503: Refused,
	} {
		if got := f.classify(status, nil, nil); got != want {
			t.Errorf("%d: %v, want %v", status, got, want)
		}
	}
}
