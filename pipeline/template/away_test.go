package template_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/template"
)

// away is a store that can be away.
type away struct {
	counting
	err atomic.Pointer[error]
}

func (a *away) failure() error {
	if err := a.err.Load(); err != nil {
		return *err
	}
	return nil
}

func (a *away) Newest(ctx context.Context, id string) (uint32, error) {
	version, err := a.counting.Newest(ctx, id)
	return version, errors.Join(err, a.failure())
}

func (a *away) Get(ctx context.Context, id string, version uint32, locale string) (pipeline.Template, error) {
	t, err := a.counting.Get(ctx, id, version, locale)
	return t, errors.Join(err, a.failure())
}

// While the store is away, what is in use goes on, and the store is not asked by
// everyone; once it is back, what is new is noticed.
func TestWhatIsCachedGoesOnWhileTheStoreIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &away{}
		store.version.Store(1)
		s := template.NewService(store, template.Options{TTL: time.Hour, NewestTTL: 10 * time.Second})
		defer s.Close()
		use := func(want uint32) {
			t.Helper()
			version, err := s.Newest(t.Context(), "a")
			if err != nil || version != want {
				t.Fatalf("the newest is %d, %v, want %d", version, err, want)
			}
			if c, err := s.Get(t.Context(), "a", version, ""); err != nil || c.Version() != version {
				t.Fatalf("got %+v, %v", c, err)
			}
		}
		use(1)
		down := errors.New("no connection")
		store.err.Store(&down)
		store.version.Store(2)
		asked := store.newest.Load() + store.gets.Load()
		const hours = 5
		for range hours * 60 {
			time.Sleep(time.Minute) // virtual
			use(1)
			use(1)
		}
		if n := store.newest.Load() + store.gets.Load() - asked; n > hours*(60+1) {
			t.Errorf("the store was asked %d times while it was away", n)
		}
		if _, err := s.Newest(t.Context(), "b"); !errors.Is(err, down) {
			t.Errorf("what was not read before: %v", err)
		}
		store.err.Store(nil)
		time.Sleep(11 * time.Second) // virtual
		use(2)
		gone := pipeline.ErrNoTemplate
		store.err.Store(&gone)
		time.Sleep(11 * time.Second) // virtual
		if _, err := s.Newest(t.Context(), "a"); !errors.Is(err, pipeline.ErrNoTemplate) {
			t.Errorf("what is gone: %v", err)
		}
	})
}
