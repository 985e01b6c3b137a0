package blob_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/engine/blob"
	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
	"github.com/notifyctl/notifyctl/pipeline/template"
)

func open(t *testing.T, place string) *blob.Store {
	t.Helper()
	s, err := blob.Open(t.Context(), place)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// prefixes counts the parts of the shared bucket that this process used.
//
//nolint:gochecknoglobals // tests of one process share a bucket
var prefixes atomic.Int64

// s3 is a part of the shared bucket that is the test's own.
func s3(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf("%s&prefix=test-%d-%d/", pipelinetest.Engine(t, "s3"), time.Now().UnixNano(), prefixes.Add(1))
}

func TestConformance(t *testing.T) {
	for name, place := range map[string]func(t *testing.T) string{
		"mem":  func(*testing.T) string { return "mem://" },
		"file": func(t *testing.T) string { return "file://" + t.TempDir() + "?no_tmp_dir=true" },
		"s3":   s3,
	} {
		t.Run(name, func(t *testing.T) {
			pipelinetest.TemplateStore(t, func(t *testing.T) pipeline.TemplateStore { return open(t, place(t)) })
		})
	}
}

// A folder of templates is a bucket, and the other way round.
func TestObjectsAreNamedAsFiles(t *testing.T) {
	dir := t.TempDir()
	folder, err := template.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = folder.Close() })
	bucket := open(t, "file://"+dir+"?metadata=skip&no_tmp_dir=true")
	for i, stores := range [][2]pipeline.TemplateStore{{folder, bucket}, {bucket, folder}} {
		want := pipeline.Template{ID: "a", Version: uint32(i + 1), Locale: "de-AT", Subject: "<s>", Body: "b {{name}}"}
		if written, err := stores[0].Put(t.Context(), want); err != nil || !written {
			t.Fatal(written, err)
		}
		if got, err := stores[1].Get(t.Context(), want.ID, want.Version, want.Locale); err != nil || got != want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
}

func TestIsURL(t *testing.T) {
	for place, want := range map[string]bool{
		"s3://x": true, "file:///x": true, "mem://": true, "gs://x": true,
		"templates": false, "./a": false, "/a/b": false, "C:\\a": false, "a/s3://x": false, "://x": false, "": false,
	} {
		if got := blob.IsURL(place); got != want {
			t.Errorf("%q: %v", place, got)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for place, want := range map[string]string{
		"gs://bucket":            "want s3://",
		"s3://":                  "no bucket is named",
		"s3://key:secret@bucket": "AWS_ACCESS_KEY_ID",
		"s3://bucket?nope=1":     "nope",
		"file:///nowhere/at/all": "/nowhere/at/all",
		"s3://%zz":               "no URL",
	} {
		_, err := blob.Open(t.Context(), place)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line with %q", place, err, want)
		}
	}
}

// wantFault is the error of a bucket that cannot be used.
func wantFault(t *testing.T, place string, permanent bool, want ...string) {
	t.Helper()
	_, err := blob.Open(t.Context(), place)
	fault, ok := errors.AsType[*pipeline.EngineError](err)
	if !ok || fault.Engine != pipeline.EngineTemplates || fault.Permanent != permanent || strings.Contains(err.Error(), "\n") {
		t.Errorf("%s: %v", place, err)
		return
	}
	for _, text := range want {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v, want %q", place, err, text)
		}
	}
}

func TestFaultsOfS3(t *testing.T) {
	place := pipelinetest.Engine(t, "s3")
	u, err := url.Parse(place)
	if err != nil {
		t.Fatal(err)
	}
	none := *u
	none.Host = "no-such-bucket"
	wantFault(t, none.String(), true, "NoSuchBucket", "create the bucket", "s3://no-such-bucket")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "wrong")
	wantFault(t, place, true, "set AWS_ACCESS_KEY_ID")
	t.Setenv("AWS_ACCESS_KEY_ID", "nobody")
	wantFault(t, place, true, "set AWS_ACCESS_KEY_ID")
}

// What is wrong is said in a few words, not by the driver's account of its calls.
func TestFaultsAreReadable(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "x")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "x")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	refused := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = fmt.Fprint(w, `<Error><Code>NoSuchBucket</Code><Message>There is none.</Message></Error>`)
	}))
	defer refused.Close()
	for endpoint, want := range map[string]string{
		"http://" + nobody: "templates at s3://bucket (" + nobody + "): dial tcp " + nobody + ": connect: connection refused; start it, or correct --templates",
		refused.URL: "templates at s3://bucket (" + strings.TrimPrefix(refused.URL, "http://") +
			"): NoSuchBucket: There is none; create the bucket, or correct --templates",
	} {
		if _, err := blob.Open(t.Context(), "s3://bucket?region=us-east-1&use_path_style=true&endpoint="+endpoint); err == nil || err.Error() != want {
			t.Errorf("Open = %v\nwant %s", err, want)
		}
	}
}

// A store that is away is said to be, in bounded time, and templates in use go
// on.
func TestAStoreThatIsAway(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "x")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "x")
	var down atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case down.Load():
			panic(http.ErrAbortHandler)
		case r.URL.Query().Has("list-type"):
			_, _ = fmt.Fprint(w, `<ListBucketResult><Contents><Key>a/v1.json</Key><Size>17</Size><ETag>"x"</ETag><LastModified>2026-01-01T00:00:00Z</LastModified></Contents></ListBucketResult>`)
		default:
			_, _ = fmt.Fprint(w, `{"body": "hello"}`)
		}
	}))
	defer server.Close()
	place := "s3://bucket?region=us-east-1&use_path_style=true&endpoint=" + server.URL
	store := open(t, place)
	service := template.NewService(store, template.Options{NewestTTL: 1}) // a new look each time
	defer service.Close()
	use := func() {
		t.Helper()
		version, err := service.Newest(t.Context(), "a")
		if err != nil || version != 1 {
			t.Fatalf("the newest is %d, %v", version, err)
		}
		if _, err := service.Get(t.Context(), "a", version, ""); err != nil {
			t.Fatal(err)
		}
	}
	use()
	if err := store.Check(t.Context()); err != nil {
		t.Error(err)
	}
	down.Store(true)
	use()
	if _, err := store.Get(t.Context(), "a", 2, ""); !errors.Is(err, pipeline.ErrUnavailable) || strings.Contains(err.Error(), "\n") {
		t.Errorf("a read gets %v", err)
	}
	if _, err := store.Put(t.Context(), pipeline.Template{ID: "a", Version: 2, Body: "x"}); !errors.Is(err, pipeline.ErrUnavailable) {
		t.Errorf("a write gets %v", err)
	}
	if err := store.Check(t.Context()); err == nil {
		t.Error("the check says that it is there")
	}
	wantFault(t, place, false, "start it, or correct --templates")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := store.Get(ctx, "a", 1, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
}

func TestBadObjects(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "x")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "x")
	var object atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("list-type") {
			_, _ = fmt.Fprint(w, `<ListBucketResult></ListBucketResult>`)
			return
		}
		_, _ = fmt.Fprint(w, object.Load())
	}))
	defer server.Close()
	s := open(t, "s3://bucket?region=us-east-1&use_path_style=true&endpoint="+server.URL)
	for _, bad := range []string{"", "[]", "{", `{"bodi": "x"}`, `{"body": 1}`, `{"body": "x"} {}`, `{"body": "` + strings.Repeat("x", 2<<20) + `"}`} {
		object.Store(bad)
		if _, err := s.Get(t.Context(), "a", 1, ""); err == nil || errors.Is(err, pipeline.ErrNoTemplate) || !strings.Contains(err.Error(), "a/v1.json") {
			t.Errorf("%.30s: %v", bad, err)
		}
	}
}
