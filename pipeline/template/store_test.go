package template_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/template"
)

func folder(t *testing.T, files map[string]string) *template.Folder {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := template.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func TestShippedTemplatesServeEveryChannel(t *testing.T) {
	s := template.NewService(template.Shipped(), template.Options{})
	defer s.Close()
	for id, needs := range map[string][]string{"welcome": {"name"}, "otp": {"code"}, "receipt": {"amount", "name"}, "campaign": {"name"}} {
		newest, err := s.Newest(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		c, err := s.Get(t.Context(), id, newest, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Sorted(slices.Values(c.Variables())); !slices.Equal(got, needs) {
			t.Errorf("%s needs %v, want %v", id, got, needs)
		}
		var variables []pipeline.Variable
		for _, name := range c.Variables() {
			variables = append(variables, pipeline.Variable{Name: name, Value: "VALUE"})
		}
		var r template.Renderer
		for _, channel := range pipeline.Channels() {
			subject, body, err := r.Render(c, channel, variables)
			if err != nil || subject == "" || !strings.Contains(body, "VALUE") {
				t.Errorf("%s on %v: %q, %q, %v", id, channel, subject, body, err)
			}
		}
	}
}

func TestFolderFindsVersionsAndLocales(t *testing.T) {
	f := folder(t, map[string]string{
		"a/v1.json":       `{"body": "one"}`,
		"a/v2.json":       `{"subject": "s", "body": "two"}`,
		"a/v10.json":      `{"body": "ten"}`,
		"a/v10.de.json":   `{"body": "zehn"}`,
		"a/v11.de.json":   `{"body": "elf"}`, // no default: not a version
		"a/v012.json":     `{"body": "x"}`,   // not its name
		"a/v99.json.tmp":  `{`,
		"b/readme.md":     "",
		"c/v1.json/x.txt": "",
	})
	if newest, err := f.Newest(t.Context(), "a"); newest != 10 || err != nil {
		t.Errorf("newest is %d, %v", newest, err)
	}
	got, err := f.Get(t.Context(), "a", 2, "")
	if err != nil || got != (pipeline.Template{ID: "a", Version: 2, Subject: "s", Body: "two"}) {
		t.Errorf("got %+v, %v", got, err)
	}
	got, err = f.Get(t.Context(), "a", 10, "de")
	if err != nil || got.Body != "zehn" || got.Locale != "de" {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, id := range []string{"", "b", "nope", "..", "a/../a", "/etc", strings.Repeat("a", 65), "a\x00"} {
		if _, err := f.Newest(t.Context(), id); !errors.Is(err, pipeline.ErrNoTemplate) {
			t.Errorf("newest of %q: %v", id, err)
		}
	}
	for _, c := range []struct {
		id      string
		version uint32
		locale  string
	}{{"a", 0, ""}, {"a", 3, ""}, {"a", 10, "fr"}, {"a", 10, "../x"}, {"..", 1, ""}} {
		if _, err := f.Get(t.Context(), c.id, c.version, c.locale); !errors.Is(err, pipeline.ErrNoTemplate) {
			t.Errorf("get %+v: %v", c, err)
		}
	}
	if _, err := f.Get(t.Context(), "c", 1, ""); err == nil || errors.Is(err, pipeline.ErrNoTemplate) {
		t.Errorf("a directory as a template: %v", err)
	}
}

func TestFolderReadsNothingOutside(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret.json")
	if err := os.WriteFile(outside, []byte(`{"body": "secret"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "a"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "a", "v1.json")); err != nil {
		t.Fatal(err)
	}
	f, err := template.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if got, err := f.Get(t.Context(), "a", 1, ""); err == nil {
		t.Fatalf("read %+v", got)
	}
}

func TestBadFilesSayWhere(t *testing.T) {
	cases := []struct{ name, content, want string }{
		{"empty", "", "a/v1.json:1: the file ends"},
		{"a list", "[]", `a/v1.json:1: want {"subject": "...", "body": "..."}`},
		{"cut short", "{\n\"body\": \"x\"\n", "a/v1.json:3: the file ends"},
		{"no JSON", "{\n\"body\": x}", "a/v1.json:2: "},
		{"a wrong type", "{\n\n\"body\": 1}", "a/v1.json:3: body: "},
		{"an unknown key", "{\n\"bodi\": \"x\"}", `a/v1.json:2: unknown key "bodi"`},
		{"a key twice", "{\"body\": \"x\",\n\"body\": \"y\"}", "a/v1.json:2: body stands twice"},
		{"something behind", "{\"body\": \"x\"}\n{}", "a/v1.json:2: something follows"},
		{"a bad body", "{\n\"subject\": \"s\",\n\"body\": \"x\\n{{\"\n}", "a/v1.json:3: body, line 2, column 1: {{ without }}"},
		{"a bad subject", "{\n\"body\": \"x\",\n\n\"subject\": \"{{\"\n}", "a/v1.json:4: subject, line 1, column 1: {{ without }}"},
		{"no body", "{\"subject\": \"x\"}", "a/v1.json:1: body, line 1, column 1: the body is empty"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := folder(t, map[string]string{"a/v1.json": c.content}).Get(t.Context(), "a", 1, "")
			var file *template.FileError
			if !errors.As(err, &file) || !strings.HasPrefix(err.Error(), c.want) {
				t.Fatalf("got %v, want %s", err, c.want)
			}
		})
	}
	big := `{"body": "x"}` + strings.Repeat(" ", 6*template.MaxSource+8192)
	if _, err := folder(t, map[string]string{"a/v1.json": big}).Get(t.Context(), "a", 1, ""); err == nil {
		t.Error("a file of any size is read")
	}
}

func TestOpenFolderSaysWhatIsMissing(t *testing.T) {
	if _, err := template.OpenFolder(filepath.Join(t.TempDir(), "nope")); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("got %v", err)
	}
}

func TestLayersStandBeforeEachOther(t *testing.T) {
	l := template.Layered{folder(t, map[string]string{"welcome/v3.json": `{"body": "ours"}`}), template.Shipped()}
	if v, err := l.Newest(t.Context(), "welcome"); v != 3 || err != nil {
		t.Errorf("newest welcome: %d, %v", v, err)
	}
	if v, err := l.Newest(t.Context(), "otp"); v != 1 || err != nil {
		t.Errorf("newest otp: %d, %v", v, err)
	}
	if got, err := l.Get(t.Context(), "welcome", 1, ""); err != nil || got.Body == "ours" {
		t.Errorf("a version pinned before the folder came: %+v, %v", got, err)
	}
	if _, err := l.Newest(t.Context(), "nope"); !errors.Is(err, pipeline.ErrNoTemplate) {
		t.Errorf("newest nope: %v", err)
	}
	if _, err := (template.Layered{}).Get(t.Context(), "nope", 1, ""); !errors.Is(err, pipeline.ErrNoTemplate) {
		t.Errorf("get nope: %v", err)
	}
}

// counting is a store that counts its uses and holds a settable newest version.
type counting struct {
	pipeline.TemplateStore
	newest, gets atomic.Int64
	version      atomic.Uint32
}

func (c *counting) Newest(context.Context, string) (uint32, error) {
	c.newest.Add(1)
	return c.version.Load(), nil
}

func (c *counting) Get(_ context.Context, id string, version uint32, locale string) (pipeline.Template, error) {
	c.gets.Add(1)
	if locale == "de-AT" {
		return pipeline.Template{}, pipeline.ErrNoTemplate
	}
	return pipeline.Template{ID: id, Version: version, Locale: locale, Body: "x"}, nil
}

func TestServiceCaches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &counting{}
		store.version.Store(1)
		s := template.NewService(store, template.Options{TTL: time.Hour, NewestTTL: 10 * time.Second})
		defer s.Close()
		newest := func() uint32 {
			v, err := s.Newest(t.Context(), "a")
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		for range 2 {
			if v := newest(); v != 1 || store.newest.Load() != 1 {
				t.Errorf("newest is %d after %d readings", v, store.newest.Load())
			}
		}
		store.version.Store(2)
		time.Sleep(11 * time.Second) // virtual
		if newest() != 2 {
			t.Error("a new version is not noticed")
		}
		for range 3 {
			if c, err := s.Get(t.Context(), "a", 1, "de-AT"); err != nil || c.Locale() != "de" || c.Version() != 1 {
				t.Fatalf("got %+v, %v", c, err)
			}
		}
		if got := store.gets.Load(); got != 2 { // de-AT, then de
			t.Errorf("the template was read %d times", got)
		}
		if got := s.Stats(); got.Hits != 2 || got.Misses != 1 || got.Entries != 1 {
			t.Errorf("counted %+v", got)
		}
		time.Sleep(2 * time.Hour) // virtual
		if _, err := s.Get(t.Context(), "a", 1, "de"); err != nil || store.gets.Load() != 3 {
			t.Errorf("read %d times, %v", store.gets.Load(), err)
		}
	})
}

func TestWarmCompilesTheNewestOfAll(t *testing.T) {
	store := &reading{TemplateStore: template.Layered{folder(t, map[string]string{
		"welcome/v2.json":    `{"body": "Hi {{name}}"}`,
		"welcome/v2.de.json": `{"body": "Hallo {{name}}"}`,
		"own/v1.json":        `{"body": "x"}`,
		"bad/v1.json":        `{"body": "{{"}`,
		"empty/notes.txt":    "no version",
		"not a template/x":   "",
	}), template.Shipped()}}
	s := template.NewService(store, template.Options{})
	defer s.Close()
	warm, err := s.Warm(t.Context())
	var file *template.FileError
	if warm != 5 || !errors.As(err, &file) || !errors.Is(err, pipeline.ErrNoTemplate) { // otp, receipt, campaign, and the folder's two
		t.Errorf("%d are warm, %v", warm, err)
	}
	before := store.gets.Load()
	for id, version := range map[string]uint32{"welcome": 2, "own": 1, "otp": 1, "receipt": 1, "campaign": 1} {
		if newest, err := s.Newest(t.Context(), id); err != nil || newest != version {
			t.Errorf("the newest %s is %d, %v", id, newest, err)
		}
		if _, err := s.Get(t.Context(), id, version, ""); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	if got := store.gets.Load() - before; got != 0 {
		t.Errorf("%d were read again", got)
	}
	if warm, err := s.Warm(t.Context(), "own"); warm != 1 || err != nil {
		t.Errorf("on demand: %d, %v", warm, err)
	}
	if warm, err := s.Warm(t.Context(), "nope"); warm != 0 || !errors.Is(err, pipeline.ErrNoTemplate) {
		t.Errorf("what does not exist: %d, %v", warm, err)
	}
}

// reading counts what is read from a store.
type reading struct {
	pipeline.TemplateStore
	gets atomic.Int64
}

func (r *reading) Get(ctx context.Context, id string, version uint32, locale string) (pipeline.Template, error) {
	r.gets.Add(1)
	return r.TemplateStore.Get(ctx, id, version, locale)
}

// However many ask at once for what is not cached, it is read once.
func TestReadsOfOneTemplateAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &reading{TemplateStore: template.Shipped()}
		blocked := &blocking{TemplateStore: store, release: make(chan struct{})}
		s := template.NewService(blocked, template.Options{})
		defer s.Close()
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := s.Get(t.Context(), "welcome", 1, ""); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(blocked.release)
		wg.Wait()
		if got := store.gets.Load(); got != 1 {
			t.Errorf("it was read %d times", got)
		}
	})
}

// blocking is a store whose reads wait.
type blocking struct {
	pipeline.TemplateStore
	release chan struct{}
}

func (b *blocking) Get(ctx context.Context, id string, version uint32, locale string) (pipeline.Template, error) {
	<-b.release
	return b.TemplateStore.Get(ctx, id, version, locale)
}

func TestServiceGivesTheStoresErrors(t *testing.T) {
	s := template.NewService(folder(t, map[string]string{"a/v1.json": `{"body": "{{"}`}), template.Options{})
	defer s.Close()
	if _, err := s.Get(t.Context(), "b", 1, "de"); !errors.Is(err, pipeline.ErrNoTemplate) {
		t.Errorf("a missing template: %v", err)
	}
	var file *template.FileError
	if _, err := s.Get(t.Context(), "a", 1, "de"); !errors.As(err, &file) {
		t.Errorf("a bad template: %v", err)
	}
}

func BenchmarkServiceGet(b *testing.B) {
	s := template.NewService(template.Shipped(), template.Options{})
	defer s.Close()
	for b.Loop() {
		if _, err := s.Get(b.Context(), "welcome", 1, ""); err != nil {
			b.Fatal(err)
		}
	}
}
