package template_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/template"
)

func TestPutIsOnceAndSeenAtOnce(t *testing.T) {
	dir := t.TempDir()
	f, err := template.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	s := template.NewService(template.Layered{f, template.Shipped()}, template.Options{})
	defer s.Close()
	put := func(version uint32, locale, body string, want bool, wantErr error) {
		t.Helper()
		written, err := s.Put(t.Context(), pipeline.Template{ID: "welcome", Version: version, Locale: locale, Subject: "s", Body: body})
		if written != want || !errors.Is(err, wantErr) {
			t.Errorf("version %d %s: %v, %v", version, locale, written, err)
		}
	}
	newest := func(want uint32) {
		t.Helper()
		if got, err := s.Newest(t.Context(), "welcome"); err != nil || got != want {
			t.Errorf("the newest is %d, %v; want %d", got, err, want)
		}
	}
	served := func(locale, want string) {
		t.Helper()
		if c, err := s.Get(t.Context(), "welcome", 3, locale); err != nil || c.Locale() != want {
			t.Errorf("%s is served by %+v, %v; want %q", locale, c, err, want)
		}
	}
	newest(1)
	put(1, "", "other", false, pipeline.ErrTemplateExists) // it is shipped
	put(3, "", "three {{name}}", true, nil)
	newest(3)
	put(3, "", "three {{name}}", false, nil)
	put(3, "", "three", false, pipeline.ErrTemplateExists)
	put(2, "", "two", true, nil)
	newest(3)
	served("de-AT", "")
	put(3, "de", "drei", true, nil)
	served("de-AT", "de")
	put(3, "de-AT", "drei", true, nil)
	served("de-AT", "de-AT")
	if names, err := filepath.Glob(filepath.Join(dir, "welcome", "*")); err != nil || len(names) != 4 {
		t.Errorf("left %v, %v", names, err)
	}
	info, err := os.Stat(filepath.Join(dir, "welcome", "v3.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its file is %v, %v", info, err)
	}
}

func TestPutRefusesWhatCannotBeUsed(t *testing.T) {
	s := template.NewService(folder(t, nil), template.Options{})
	defer s.Close()
	for part, wrong := range map[string]pipeline.Template{
		"id":      {ID: "../x", Version: 1, Body: "b"},
		"version": {ID: "a", Body: "b"},
		"locale":  {ID: "a", Version: 1, Locale: "../x", Body: "b"},
		"subject": {ID: "a", Version: 1, Subject: "{{", Body: "b"},
		"body":    {ID: "a", Version: 1, Body: "{{range .}}"},
	} {
		_, err := s.Put(t.Context(), wrong)
		if named, ok := errors.AsType[*pipeline.TemplateError](err); !ok || named.Part != part {
			t.Errorf("%s: %v", part, err)
		}
	}
	if _, err := template.Shipped().Put(t.Context(), pipeline.Template{ID: "a", Version: 1, Body: "b"}); err == nil {
		t.Error("what is shipped was written to")
	}
}

// Of several writers one is the first, and the others learn of it.
func TestPutByManyAtOnce(t *testing.T) {
	f := folder(t, nil)
	var first, same, exists atomic.Int64
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			body := []string{"a", "b"}[i%2]
			written, err := f.Put(t.Context(), pipeline.Template{ID: "x", Version: 1, Body: body})
			switch {
			case written && err == nil:
				first.Add(1)
			case err == nil:
				same.Add(1)
			case errors.Is(err, pipeline.ErrTemplateExists):
				exists.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if first.Load() != 1 || same.Load() != 7 || exists.Load() != 8 {
		t.Errorf("%d were first, %d the same, %d others", first.Load(), same.Load(), exists.Load())
	}
}

func TestWhatIsPutReadsBack(t *testing.T) {
	f := folder(t, nil)
	version := uint32(0)
	rapid.Check(t, func(t *rapid.T) {
		version++
		text := rapid.StringMatching(`[^\x00-\x1f\x7f-\x{9f}{}]{1,40}`)
		want := pipeline.Template{ID: "x", Version: version, Subject: text.Draw(t, "subject"), Body: text.Draw(t, "body") + "\n\t<b>{{name}}</b>"}
		if _, err := template.Compile(want); err != nil {
			t.Skip(err)
		}
		if written, err := f.Put(t.Context(), want); !written || err != nil {
			t.Fatal(written, err)
		}
		if got, err := f.Get(t.Context(), "x", version, ""); err != nil || got != want {
			t.Fatalf("%+v, %v; want %+v", got, err, want)
		}
	})
}
