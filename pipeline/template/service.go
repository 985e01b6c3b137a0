package template

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Options configure a [Service]; zero values take the defaults.
type Options struct {
	// TTL is how long what nobody uses is kept, and after which a compiled
	// template is read again, for a locale that has come between; 1 h.
	TTL time.Duration
	// NewestTTL is how long the newest version of a template is believed, and
	// so how late a new version is noticed; 10 s.
	NewestTTL time.Duration
	// MaxBytes bounds the compiled templates, roughly; 64 MiB. A fleet has 1000
	// templates of 50 KB.
	MaxBytes uint64
}

// refreshTimeout is how long a store is waited for by who holds what it gave
// before: one that takes longer counts as away until the next refresh.
const refreshTimeout = time.Second

// maxNewest bounds how many templates' newest version is remembered.
const maxNewest = 10_000

// key names a compiled template. The locale is the one asked for, which may
// have been served by a wider one.
type key struct {
	id      string
	version uint32
	locale  string
}

// Service gives compiled templates, from a cache in front of a store. What is in
// use stays there while the store is away. It is safe for concurrent use.
type Service struct {
	store    pipeline.TemplateStore
	compiled *otter.Cache[key, *Compiled]
	newest   *otter.Cache[string, uint32]
	// filling is held alone while a template is written, and shared while what
	// was read goes into a cache: so nothing read before comes in after.
	filling sync.RWMutex
	hits    atomic.Int64
	misses  atomic.Int64
}

// NewService puts a cache before a store.
func NewService(store pipeline.TemplateStore, o Options) *Service {
	if o.TTL == 0 {
		o.TTL = time.Hour
	}
	if o.NewestTTL == 0 {
		o.NewestTTL = 10 * time.Second
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 64 << 20
	}
	return &Service{
		store: store,
		compiled: otter.Must(&otter.Options[key, *Compiled]{
			MaximumWeight:     o.MaxBytes,
			Weigher:           func(_ key, c *Compiled) uint32 { return uint32(c.size) },
			ExpiryCalculator:  otter.ExpiryAccessing[key, *Compiled](o.TTL),
			RefreshCalculator: otter.RefreshWriting[key, *Compiled](o.TTL),
			Logger:            &otter.NoopLogger{}, // who asks gets the error
		}),
		newest: otter.Must(&otter.Options[string, uint32]{
			MaximumSize:       maxNewest,
			ExpiryCalculator:  otter.ExpiryAccessing[string, uint32](max(o.TTL, o.NewestTTL)),
			RefreshCalculator: otter.RefreshWriting[string, uint32](o.NewestTTL),
			Logger:            &otter.NoopLogger{},
		}),
	}
}

// Close ends the caches' upkeep. The service must not be used after it.
func (s *Service) Close() {
	s.compiled.StopAllGoroutines()
	s.newest.StopAllGoroutines()
}

// Newest is the highest version of a template, at most NewestTTL old, or older
// while the store cannot be read. Errors: [pipeline.ErrNoTemplate], and what the
// store could not read.
func (s *Service) Newest(ctx context.Context, id string) (uint32, error) {
	version, _, err := cached(ctx, &s.filling, s.newest, id, s.store.Newest)
	return version, err
}

// Get gives one version of a template in a locale: else in the locale's parent
// (de-AT, then de), else in the default one. Errors: [pipeline.ErrNoTemplate],
// *[SyntaxError], and what the store could not read.
func (s *Service) Get(ctx context.Context, id string, version uint32, locale string) (*Compiled, error) {
	c, hit, err := cached(ctx, &s.filling, s.compiled, key{id, version, locale}, s.load)
	if hit {
		s.hits.Add(1)
	} else {
		s.misses.Add(1)
	}
	return c, err
}

// cached gives what a cache has while it need not be refreshed, else what is
// read, once for all who ask; hit says that nothing had to be read.
func cached[K comparable, V any](ctx context.Context, filling *sync.RWMutex, cache *otter.Cache[K, V], k K, read func(context.Context, K) (V, error)) (v V, hit bool, err error) {
	entry, found := cache.GetEntry(k)
	if found && entry.RefreshableAfter() > 0 {
		return entry.Value, true, nil
	}
	filling.RLock()
	defer filling.RUnlock()
	loader := holding[K, V]{read}
	if !found {
		v, err = cache.Get(ctx, k, loader)
		return v, false, err
	}
	select {
	case again := <-cache.Refresh(ctx, k, loader):
		return again.Value, false, again.Err
	case <-ctx.Done(): // what is held is given also to those who cannot wait
		return entry.Value, false, nil
	}
}

// holding reads what a cache holds, and holds on to what was read before when the
// store cannot be read: then it is tried again after as long as after a success,
// so that nobody else waits for it.
type holding[K comparable, V any] struct {
	read func(context.Context, K) (V, error)
}

// Load reads what is not held.
func (h holding[K, V]) Load(ctx context.Context, k K) (V, error) { return h.read(ctx, k) }

// Reload reads what is held. The cache lets it outlast those who wait for it.
func (h holding[K, V]) Reload(ctx context.Context, k K, old V) (V, error) {
	ctx, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	v, err := h.read(ctx, k)
	if err == nil || errors.Is(err, pipeline.ErrNoTemplate) {
		return v, err
	}
	return old, nil
}

func (s *Service) load(ctx context.Context, k key) (*Compiled, error) {
	for locale := k.locale; ; {
		t, err := s.store.Get(ctx, k.id, k.version, locale)
		if err == nil {
			c, err := Compile(t)
			if err != nil {
				return nil, fmt.Errorf("template %s version %d locale %q: %w", k.id, k.version, locale, err)
			}
			return c, nil
		}
		if !errors.Is(err, pipeline.ErrNoTemplate) || locale == "" {
			return nil, err
		}
		locale = locale[:max(strings.LastIndexByte(locale, '-'), 0)]
	}
}

// Source reads one version in just this locale, past the cache. Errors:
// [pipeline.ErrNoTemplate], and what the store could not read.
func (s *Service) Source(ctx context.Context, id string, version uint32, locale string) (pipeline.Template, error) {
	return s.store.Get(ctx, id, version, locale)
}

// Put writes a version in a locale, once, when it compiles. From its return on
// this process uses it: as the newest when it is, and in place of what its
// locale fell back to. written is false when it was there before, word for word.
// Errors: a *[pipeline.TemplateError], [pipeline.ErrTemplateExists], and what
// the store could not write.
func (s *Service) Put(ctx context.Context, t pipeline.Template) (written bool, err error) {
	if err := check(t); err != nil {
		return false, err
	}
	if written, err = s.put(ctx, t); written {
		_, _ = s.Warm(ctx, t.ID) // it may be in another locale alone; who uses it is told what is wrong
	}
	return written, err
}

func (s *Service) put(ctx context.Context, t pipeline.Template) (written bool, err error) {
	s.filling.Lock()
	defer s.filling.Unlock()
	// Also after an error: it may have been written.
	defer func() {
		s.newest.Invalidate(t.ID)
		for k := range s.compiled.Keys() {
			if k.id == t.ID && k.version == t.Version {
				s.compiled.Invalidate(k)
			}
		}
	}()
	return s.store.Put(ctx, t)
}

// check refuses a template that cannot be kept or used.
func check(t pipeline.Template) error {
	fault := func(part, detail string) error { return &pipeline.TemplateError{Part: part, Err: errors.New(detail)} }
	switch {
	case !ValidID(t.ID):
		return fault("id", "want 1 to 64 letters, digits, _ and -")
	case t.Version == 0:
		return fault("version", "want an integer from 1 to 4294967295")
	case t.Locale != "" && !ValidLocale(t.Locale):
		return fault("locale", "want a language tag, as in de or de-AT")
	}
	_, err := Compile(t)
	if syntax, ok := errors.AsType[*SyntaxError](err); ok {
		return &pipeline.TemplateError{Part: syntax.Part, Err: err}
	}
	return err
}

// Stats is how a cache served.
type Stats struct{ Hits, Misses, Entries int64 }

// Stats counts the uses of the compiled templates.
func (s *Service) Stats() Stats {
	return Stats{s.hits.Load(), s.misses.Load(), int64(s.compiled.EstimatedSize())}
}
