package pebble

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/bloom"
)

// keyFilterRoom is for how many keys a generation's filter begins, and
// keyFilterGrowth how many times as many each further part of it takes.
const (
	keyFilterRoom   = 1 << 14
	keyFilterGrowth = 4
)

// keyFilter knows of most idempotency keys that a generation does not hold them.
// Almost every key that is looked up is new, and to read that from the disk's
// tables costs more than to take the notification in. It takes 10 to 20 bits a
// key, so some hundredths of what IdempotencyBytes counts.
type keyFilter struct {
	generation uint32
	// kept is how many keys the generation holds. It belongs to the writer.
	kept int64
	// whole says that every key of the generation was added.
	whole atomic.Bool
	// adding is held to add: the writer and the loader do.
	adding sync.Mutex
	parts  atomic.Pointer[[]*bloom.Filter]
}

func newKeyFilter(generation uint32, whole bool) *keyFilter {
	f := &keyFilter{generation: generation}
	f.whole.Store(whole)
	f.parts.Store(&[]*bloom.Filter{bloom.New(keyFilterRoom)})
	return f
}

// add makes a key one that the generation may hold.
func (f *keyFilter) add(key pipeline.KeyHash) {
	f.adding.Lock()
	defer f.adding.Unlock()
	parts := *f.parts.Load()
	last := parts[len(parts)-1]
	if last.IsFull() {
		last = bloom.New(keyFilterGrowth * last.Room())
		parts = append(slices.Clip(parts), last)
		f.parts.Store(&parts)
	}
	last.Add(key)
}

// mayHold says whether the generation may hold a key.
func (f *keyFilter) mayHold(key pipeline.KeyHash) bool {
	return !f.whole.Load() || slices.ContainsFunc(*f.parts.Load(), func(part *bloom.Filter) bool { return part.MayHave(key) })
}

// loadKeys adds to the filters what an earlier process has left, until ctx ends.
// A generation that it is not done with is read for each key.
func (s *Store) loadKeys(ctx context.Context) {
	for _, f := range *s.keys.generations.Load() {
		if err := s.loadGeneration(ctx, f); err != nil && ctx.Err() == nil {
			s.cfg.Log.Warn("each key of a request is looked for on the disk: those of before cannot be listed", slog.Any("cause", err))
		}
	}
}

// loadGeneration adds the keys of a generation to its filter.
func (s *Store) loadGeneration(ctx context.Context, f *keyFilter) (err error) {
	if f.whole.Load() {
		return nil
	}
	from, to := idempotencyKeys(f.generation)
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return fmt.Errorf("list the idempotency keys: %w", err)
	}
	defer closeIter(it, &err)
	seen := 0
	for valid := it.First(); valid; valid = it.Next() {
		key, err := parseIdempotencyKey(it.Key())
		if err != nil {
			return err
		}
		f.add(key)
		if seen++; seen%stride == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			giveWay()
		}
	}
	if err := it.Error(); err != nil {
		return fmt.Errorf("list the idempotency keys: %w", err)
	}
	f.whole.Store(true)
	return nil
}
