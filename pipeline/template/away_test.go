package template_test

import (
	"context"
	"errors"
	"sync"
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
	err  atomic.Pointer[error]
	hang atomic.Int64 // how long it takes, in nanoseconds
}

// wait takes as long as the store does, or as its caller does.
func (a *away) wait(ctx context.Context) error {
	select {
	case <-time.After(time.Duration(a.hang.Load())):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *away) failure() error {
	if err := a.err.Load(); err != nil {
		return *err
	}
	return nil
}

func (a *away) Newest(ctx context.Context, id string) (uint32, error) {
	version, err := a.counting.Newest(ctx, id)
	return version, errors.Join(err, a.wait(ctx), a.failure())
}

func (a *away) Get(ctx context.Context, id string, version uint32, locale string) (pipeline.Template, error) {
	t, err := a.counting.Get(ctx, id, version, locale)
	return t, errors.Join(err, a.wait(ctx), a.failure())
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

// A store that hangs costs those who hold a template a moment now and then, and
// not as long as it hangs.
func TestWhatIsCachedGoesOnWhileTheStoreHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &away{}
		store.version.Store(1)
		s := template.NewService(store, template.Options{TTL: time.Hour, NewestTTL: 10 * time.Second})
		defer s.Close()
		use := func(ctx context.Context, want uint32) {
			t.Helper()
			if version, err := s.Newest(ctx, "a"); err != nil || version != want {
				t.Errorf("the newest is %d, %v, want %d", version, err, want)
			}
		}
		use(t.Context(), 1)
		store.hang.Store(int64(time.Hour))
		store.version.Store(2)
		time.Sleep(11 * time.Second) // virtual
		began := time.Now()
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() { use(t.Context(), 1) })
		}
		all.Wait()
		use(t.Context(), 1)
		if took := time.Since(began); took > time.Second {
			t.Errorf("with a store that hangs it took %v", took)
		}
		time.Sleep(11 * time.Second) // virtual
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		use(ended, 1)
		store.hang.Store(0)
		time.Sleep(11 * time.Second) // virtual
		use(t.Context(), 2)
	})
}
