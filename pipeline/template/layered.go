package template

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Layered reads from several stores as if the first lay over the second, so
// that a folder's templates stand before the shipped ones of the same name. It
// writes to the first.
type Layered []pipeline.TemplateStore

// IDs lists the templates of all stores.
func (l Layered) IDs(ctx context.Context) ([]string, error) {
	var all []string
	for _, store := range l {
		ids, err := store.IDs(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, ids...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// Newest is the highest version in the first store that has the template.
func (l Layered) Newest(ctx context.Context, id string) (uint32, error) {
	err := fmt.Errorf("template %.64q: %w", id, pipeline.ErrNoTemplate)
	for _, store := range l {
		var version uint32
		if version, err = store.Newest(ctx, id); !errors.Is(err, pipeline.ErrNoTemplate) {
			return version, err
		}
	}
	return 0, err
}

// Get reads from the first store that has just this version and locale: what
// was pinned before a folder was laid over is still found.
func (l Layered) Get(ctx context.Context, id string, version uint32, locale string) (pipeline.Template, error) {
	err := fmt.Errorf("template %.64q: %w", id, pipeline.ErrNoTemplate)
	for _, store := range l {
		var t pipeline.Template
		if t, err = store.Get(ctx, id, version, locale); !errors.Is(err, pipeline.ErrNoTemplate) {
			return t, err
		}
	}
	return pipeline.Template{}, err
}

// Put writes to the first store what none of them has: a version that lies in a
// store below was written before, too.
func (l Layered) Put(ctx context.Context, t pipeline.Template) (written bool, err error) {
	old, err := l.Get(ctx, t.ID, t.Version, t.Locale)
	switch {
	case err == nil:
		return false, same(old, t)
	case !errors.Is(err, pipeline.ErrNoTemplate):
		return false, err
	}
	return l[0].Put(ctx, t)
}

// same is nil for two templates of one text.
func same(old, t pipeline.Template) error {
	if old != t {
		return pipeline.ErrTemplateExists
	}
	return nil
}
