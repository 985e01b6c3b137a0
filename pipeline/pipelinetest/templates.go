package pipelinetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
)

// TemplateStore runs the conformance suite of [pipeline.TemplateStore]. open
// gives an empty store, which its test closes.
func TemplateStore(t *testing.T, open func(t *testing.T) pipeline.TemplateStore) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(t *testing.T, s pipeline.TemplateStore)
	}{
		{"has nothing at first", templatesNone},
		{"gives what was written", templatesRoundTrip},
		{"keeps any text", templatesText},
		{"lists ids, and finds the newest by number", templatesNewest},
		{"writes once", templatesOnce},
		{"lets one of several writers be the first", templatesRace},
		{"takes no name that leads elsewhere", templatesNames},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

func putTemplate(t fataler, s pipeline.TemplateStore, template pipeline.Template) {
	t.Helper()
	if written, err := s.Put(context.Background(), template); err != nil || !written {
		t.Fatalf("put %+v: %v, %v", template, written, err)
	}
}

func wantTemplate(t fataler, s pipeline.TemplateStore, want pipeline.Template) {
	t.Helper()
	if got, err := s.Get(context.Background(), want.ID, want.Version, want.Locale); err != nil || got != want {
		t.Fatalf("got %+v, %v, want %+v", got, err, want)
	}
}

func templatesNone(t *testing.T, s pipeline.TemplateStore) {
	if ids, err := s.IDs(t.Context()); err != nil || len(ids) != 0 {
		t.Errorf("ids %v, %v", ids, err)
	}
	if _, err := s.Newest(t.Context(), "a"); !errors.Is(err, pipeline.ErrNoTemplate) {
		t.Errorf("newest: %v", err)
	}
	if _, err := s.Get(t.Context(), "a", 1, ""); !errors.Is(err, pipeline.ErrNoTemplate) {
		t.Errorf("get: %v", err)
	}
}

func templatesRoundTrip(t *testing.T, s pipeline.TemplateStore) {
	all := []pipeline.Template{
		{ID: "a", Version: 1, Subject: "s", Body: "one"},
		{ID: "a", Version: 1, Locale: "de", Body: "eins"},
		{ID: "a", Version: 1, Locale: "de-AT", Subject: "s", Body: "ans"},
		{ID: "ab", Version: 4294967295, Body: "last"},
	}
	for _, template := range all {
		putTemplate(t, s, template)
	}
	for _, template := range all {
		wantTemplate(t, s, template)
	}
	for _, none := range []pipeline.Template{{ID: "a", Version: 2}, {ID: "a", Version: 1, Locale: "fr"}, {ID: "A", Version: 1}, {ID: "ab", Version: 1}} {
		if _, err := s.Get(t.Context(), none.ID, none.Version, none.Locale); !errors.Is(err, pipeline.ErrNoTemplate) {
			t.Errorf("%+v: %v", none, err)
		}
	}
}

func templatesText(t *testing.T, s pipeline.TemplateStore) {
	version := uint32(0)
	// No braces, by which they would have to be well-formed, and no more of
	// control characters than templates may have.
	text := rapid.StringMatching(`[^\x00-\x1f\x7f-\x{9f}{}]{1,40}`)
	rapid.Check(t, func(t *rapid.T) {
		version++
		want := pipeline.Template{ID: "x", Version: version, Subject: text.Draw(t, "subject"), Body: text.Draw(t, "body") + "\n\t<b>&amp; {{name}}</b>"}
		putTemplate(t, s, want)
		wantTemplate(t, s, want)
	})
}

func templatesNewest(t *testing.T, s pipeline.TemplateStore) {
	for _, template := range []pipeline.Template{
		{ID: "a", Version: 9},
		{ID: "a", Version: 10},
		{ID: "a", Version: 2},
		{ID: "a", Version: 11, Locale: "de"}, // a version is one in the default locale
		{ID: "a-b", Version: 3},
		{ID: "a_c", Version: 7, Locale: "de"},
	} {
		template.Body = "x"
		putTemplate(t, s, template)
	}
	ids, err := s.IDs(t.Context())
	slices.Sort(ids)
	if want := []string{"a", "a-b", "a_c"}; err != nil || !slices.Equal(ids, want) {
		t.Errorf("ids %v, %v, want %v", ids, err, want)
	}
	for id, want := range map[string]uint32{"a": 10, "a-b": 3} {
		if newest, err := s.Newest(t.Context(), id); err != nil || newest != want {
			t.Errorf("the newest %s is %d, %v, want %d", id, newest, err, want)
		}
	}
	for _, id := range []string{"a_c", "b", "a-"} {
		if _, err := s.Newest(t.Context(), id); !errors.Is(err, pipeline.ErrNoTemplate) {
			t.Errorf("newest %s: %v", id, err)
		}
	}
}

func templatesOnce(t *testing.T, s pipeline.TemplateStore) {
	first := pipeline.Template{ID: "a", Version: 1, Subject: "s", Body: "one"}
	putTemplate(t, s, first)
	for range 2 {
		if written, err := s.Put(t.Context(), first); err != nil || written {
			t.Errorf("the same again: %v, %v", written, err)
		}
	}
	for _, other := range []pipeline.Template{{ID: "a", Version: 1, Subject: "s", Body: "two"}, {ID: "a", Version: 1, Body: "one"}} {
		if written, err := s.Put(t.Context(), other); !errors.Is(err, pipeline.ErrTemplateExists) || written {
			t.Errorf("another text: %v, %v", written, err)
		}
	}
	wantTemplate(t, s, first)
}

func templatesRace(t *testing.T, s pipeline.TemplateStore) {
	for version := range uint32(5) {
		var first, same, exists atomic.Int64
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				written, err := s.Put(t.Context(), pipeline.Template{ID: "x", Version: version + 1, Body: fmt.Sprint(i % 2)})
				switch {
				case written && err == nil:
					first.Add(1)
				case err == nil:
					same.Add(1)
				case errors.Is(err, pipeline.ErrTemplateExists):
					exists.Add(1)
				default:
					t.Errorf("put: %v", err)
				}
			})
		}
		wg.Wait()
		if first.Load() != 1 || same.Load() != 3 || exists.Load() != 4 {
			t.Errorf("%d were first, %d the same, %d others", first.Load(), same.Load(), exists.Load())
		}
	}
}

func templatesNames(t *testing.T, s pipeline.TemplateStore) {
	putTemplate(t, s, pipeline.Template{ID: "a", Version: 1, Body: "x"})
	for _, wrong := range []pipeline.Template{
		{ID: "", Version: 1},
		{ID: "..", Version: 1},
		{ID: "a/../a", Version: 1},
		{ID: "/a", Version: 1},
		{ID: "a\x00", Version: 1},
		{ID: "a", Version: 0},
		{ID: "a", Version: 1, Locale: "../x"},
		{ID: "a", Version: 1, Locale: "de/x"},
	} {
		if _, err := s.Get(t.Context(), wrong.ID, wrong.Version, wrong.Locale); !errors.Is(err, pipeline.ErrNoTemplate) {
			t.Errorf("get %+v: %v", wrong, err)
		}
		wrong.Body = "x"
		if written, err := s.Put(t.Context(), wrong); err == nil || written {
			t.Errorf("put %+v: %v, %v", wrong, written, err)
		}
	}
	if _, err := s.Newest(t.Context(), "a/.."); !errors.Is(err, pipeline.ErrNoTemplate) {
		t.Errorf("newest: %v", err)
	}
}
