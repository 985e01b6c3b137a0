package preference_test

import (
	"errors"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/preference"
)

// What is imported holds at once, also for those of whom a cache had believed
// something else, and is cached by the first who ask.
func TestImportIsSeenThoughOthersWereCached(t *testing.T) {
	s, stores := newService(t, 3, preference.Options{})
	if got := promotional(t, s, "ada", "bob"); got != "yy" {
		t.Fatalf("before: %s", got)
	}
	if err := s.Import(t.Context(), []pipeline.Preference{optedOut("ada"), optedOut("cay")}); err != nil {
		t.Fatal(err)
	}
	if got := promotional(t, s, "ada", "bob", "cay"); got != "nyn" {
		t.Errorf("after: %s", got)
	}
	asked := reads(stores)
	if got := promotional(t, s, "ada", "bob", "cay"); got != "nyn" || reads(stores) != asked {
		t.Errorf("again: %s, with %d reads of the store", got, reads(stores)-asked)
	}
}

// What is imported behind a local cache is read back from the store by the
// import, and by nobody who asks for it.
func TestImportFillsALocalCache(t *testing.T) {
	s, stores := newService(t, 3, preference.Options{Local: true})
	if err := s.Import(t.Context(), []pipeline.Preference{optedOut("ada"), optedOut("cay")}); err != nil {
		t.Fatal(err)
	}
	asked := reads(stores)
	if got := promotional(t, s, "ada", "cay"); got != "nn" || reads(stores) != asked {
		t.Errorf("%s, with %d reads of the store", got, reads(stores)-asked)
	}
}

func TestImportThatFailsTellsSo(t *testing.T) {
	s, stores := newService(t, 1, preference.Options{})
	stores[0].fail(pipeline.ErrUnavailable)
	if err := s.Import(t.Context(), []pipeline.Preference{optedOut("ada")}); !errors.Is(err, pipeline.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}
