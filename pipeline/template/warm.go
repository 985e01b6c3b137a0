package template

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/notifyctl/notifyctl/pipeline"
)

// warming is how many templates are compiled at once.
const warming = 4

// Warm compiles the newest version of templates in the default locale, or with
// no ids of all that there are, so that the first notification of each does not
// wait for the store. It gives how many it has; its error joins those of the
// others, which serve no notification either.
func (s *Service) Warm(ctx context.Context, ids ...string) (warm int, err error) {
	if len(ids) == 0 {
		if ids, err = s.store.IDs(ctx); err != nil {
			return 0, err
		}
	}
	errs := make([]error, len(ids))
	var group errgroup.Group
	group.SetLimit(warming)
	for i, id := range ids {
		group.Go(func() error {
			errs[i] = s.warm(ctx, id)
			return nil
		})
	}
	_ = group.Wait() // each has kept its error
	for _, err := range errs {
		if err == nil {
			warm++
		}
	}
	return warm, errors.Join(errs...)
}

func (s *Service) warm(ctx context.Context, id string) error {
	version, err := s.Newest(ctx, id)
	if err == nil {
		_, err = s.Get(ctx, id, version, "")
	}
	if err != nil && !errors.Is(err, pipeline.ErrNoTemplate) {
		return fmt.Errorf("warm up template %.64q: %w", id, err)
	}
	return err
}
