package preference

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Shards is the store behind the caches: it finds the shard of each user, and
// moves users to other shards while they are read and written. It is safe for
// concurrent use.
type Shards struct {
	set  pipeline.PreferenceShards
	plan pipeline.Sharding // the rule that the next move places users by
	log  *slog.Logger
	move move

	// mu is held shared while stores are used, and alone to change the fields
	// below: so whoever has routed a key is done with its shard before the key
	// is routed elsewhere.
	mu     sync.RWMutex
	router Router
	stores []pipeline.PreferenceStore
	// next is where writes go as well while users are copied, or nil.
	next *Router
	// moves counts how often users were placed elsewhere.
	moves int
}

// OpenShards opens the shards as they stand, whatever is asked for, or new ones
// by the placement that is. A move that was cut off goes on beside.
func OpenShards(ctx context.Context, set pipeline.PreferenceShards, asked pipeline.Placement, log *slog.Logger) (_ *Shards, err error) {
	if asked.Shards < 1 {
		return nil, errors.Join(fmt.Errorf("the preferences on %d shards; they need one at least", asked.Shards), set.Close())
	}
	if err := asked.Check(); err != nil {
		return nil, errors.Join(err, set.Close())
	}
	layout, err := set.Layout(ctx, asked)
	if err != nil {
		return nil, errors.Join(err, set.Close())
	}
	s := &Shards{set: set, plan: asked.Sharding, log: log, router: NewRouter(layout.Placement)}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	s.move.init()
	if err := s.grow(ctx, layout.Highest()); err != nil {
		return nil, err
	}
	if layout.Next.Shards > 0 || layout.Leftover > 0 {
		s.resume(layout)
	}
	return s, nil
}

// grow opens shards until there are so many.
func (s *Shards) grow(ctx context.Context, total int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.stores) < total {
		store, err := s.set.Open(ctx, len(s.stores))
		if err != nil {
			return err
		}
		s.stores = append(s.stores, store)
	}
	return nil
}

// Close ends a move, which the next opening goes on with, and closes the
// shards. They must not be used after it.
func (s *Shards) Close() error {
	s.move.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, store := range s.stores {
		errs = append(errs, store.Close())
	}
	s.stores = nil
	return errors.Join(append(errs, s.set.Close())...)
}

// ofShard says which shard an error is of.
func ofShard(shard int, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("preferences of shard %d: %w", shard, err)
}

// Read reads keys from their shards, all shards at once, and gives one
// preference a key, in order. They share memory with the keys and with each
// other: what is kept of them is to be copied.
func (s *Shards) Read(ctx context.Context, keys []pipeline.PreferenceKey) ([]*pipeline.Preference, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]*pipeline.Preference, len(keys))
	parts := make([][]int32, s.router.Shards()) // indices of keys by shard
	used, last := 0, 0
	for i, key := range keys {
		shard := s.router.Shard(key.UserID)
		if parts[shard] == nil {
			used, last = used+1, shard
		}
		parts[shard] = append(parts[shard], int32(i))
	}
	if used == 1 { // most small slices, and every one over a single shard
		return out, s.readPart(ctx, last, keys, parts[last], out)
	}
	group, ctx := errgroup.WithContext(ctx)
	for shard, part := range parts {
		if part != nil {
			group.Go(func() error { return s.readPart(ctx, shard, keys, part, out) })
		}
	}
	return out, group.Wait()
}

// readPart reads the keys at some indices from one shard and fills in out there.
func (s *Shards) readPart(ctx context.Context, shard int, keys []pipeline.PreferenceKey, part []int32, out []*pipeline.Preference) error {
	asked := make([]pipeline.PreferenceKey, len(part))
	for i, at := range part {
		asked[i] = keys[at]
	}
	rows, err := s.stores[shard].Read(ctx, asked)
	if err != nil {
		return ofShard(shard, err)
	}
	byKey := make(map[pipeline.PreferenceKey]*pipeline.Preference, len(rows))
	for i := range rows {
		byKey[rows[i].PreferenceKey] = &rows[i]
	}
	var defaults []pipeline.Preference
	for i, at := range part {
		if out[at] = byKey[keys[at]]; out[at] != nil {
			continue
		}
		if defaults == nil {
			defaults = make([]pipeline.Preference, 0, len(part)-i)
		}
		defaults = append(defaults, pipeline.DefaultPreference(keys[at]))
		out[at] = &defaults[len(defaults)-1]
	}
	return nil
}

// Write writes preferences to their shards, all shards at once. A user's are
// set all or none; of several users some may be set when it fails.
func (s *Shards) Write(ctx context.Context, preferences []pipeline.Preference) error {
	return s.change(func() error {
		parts := map[int][]pipeline.Preference{}
		for _, p := range preferences {
			shard := s.router.Shard(p.UserID)
			parts[shard] = append(parts[shard], p)
		}
		return s.each(parts, func(store pipeline.PreferenceStore, part []pipeline.Preference) error {
			return store.Write(ctx, part)
		})
	}, func() error { return s.copyWritten(ctx, preferences) })
}

// Erase forgets what a user said of every channel.
func (s *Shards) Erase(ctx context.Context, user string) error {
	return s.change(
		func() error { return s.eraseFrom(ctx, s.router.Shard(user), user) },
		func() error { return s.eraseFrom(context.WithoutCancel(ctx), s.next.Shard(user), user) },
	)
}

func (s *Shards) eraseFrom(ctx context.Context, shard int, user string) error {
	return ofShard(shard, s.stores[shard].Erase(ctx, []string{user}))
}

// change lets write change something where users are, and follow repeat it where
// they are being copied to, whether or not it failed: some may have been
// written.
func (s *Shards) change(write, follow func() error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.next == nil {
		return write()
	}
	// One at a time with each other and with the copying, or the older of two
	// changes might come to the copy last.
	s.move.writing.Lock()
	defer s.move.writing.Unlock()
	err := write()
	if failed := follow(); failed != nil {
		s.move.fail(failed)
	}
	return err
}

// each does something with all parts at once, each with its shard's store. An
// error of one does not stop the others.
func (s *Shards) each(parts map[int][]pipeline.Preference, do func(pipeline.PreferenceStore, []pipeline.Preference) error) error {
	var mu sync.Mutex
	var errs []error
	var wg sync.WaitGroup
	for shard, part := range parts {
		wg.Go(func() {
			if err := do(s.stores[shard], part); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, ofShard(shard, err))
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// scanPage is how many rows are read at a time when many are.
const scanPage = 512

// ScanAddresses gives what is kept of addresses, in any order, some of it
// several times.
func (s *Shards) ScanAddresses(ctx context.Context, visit func(pipeline.Preference)) error {
	for {
		moves, total := s.extent()
		for shard := range total {
			if err := s.scanAddresses(ctx, shard, visit); err != nil {
				return err
			}
		}
		// What moved meanwhile may have come to a shard that was read before.
		if now, _ := s.extent(); now == moves {
			return nil
		}
	}
}

func (s *Shards) extent() (moves, total int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.moves, s.router.Shards()
}

// scanAddresses goes through one shard, a page at a time.
func (s *Shards) scanAddresses(ctx context.Context, shard int, visit func(pipeline.Preference)) error {
	after, end := pipeline.FirstAddress(), pipeline.EndOfAddresses()
	for {
		rows, err := s.scan(ctx, shard, after)
		if err != nil {
			return err
		}
		for i := range rows {
			if rows[i].Compare(end) >= 0 {
				return nil
			}
			visit(rows[i])
		}
		if len(rows) < scanPage {
			return nil
		}
		after = rows[len(rows)-1].PreferenceKey
	}
}

// scan reads a page of a shard; there is nothing in one that is gone.
func (s *Shards) scan(ctx context.Context, shard int, after pipeline.PreferenceKey) ([]pipeline.Preference, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if shard >= len(s.stores) {
		return nil, nil
	}
	rows, err := s.stores[shard].Scan(ctx, after, scanPage)
	return rows, ofShard(shard, err)
}
