package preference

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/errgroup"

	"github.com/notifyctl/notifyctl/pipeline"
)

// L2 is the cache between the process's own and the store. Preferences in it
// are shared and never changed. It may lose anything at any moment, and its
// errors cost time, not answers.
type L2 interface {
	// Get sets found[i] for each keys[i] that is cached.
	Get(ctx context.Context, keys []pipeline.PreferenceKey, found []*pipeline.Preference) error
	// Set caches preferences, but none in place of a newer version.
	Set(ctx context.Context, preferences []*pipeline.Preference) error
	// Delete forgets keys.
	Delete(ctx context.Context, keys []pipeline.PreferenceKey) error
	// Entries is how many preferences are held; 0 when it is not known.
	Entries() int
}

// Options configure the process's own cache; zero values take the defaults.
type Options struct {
	Entries int           // 10,000
	TTL     time.Duration // 60 s
}

// Service answers what users want. It is safe for concurrent use.
type Service struct {
	router Router
	shards []pipeline.PreferenceStore
	l1     *otter.Cache[pipeline.PreferenceKey, *pipeline.Preference]
	l2     L2

	// mu orders the filling of the caches against puts. Lookups fill under its
	// read lock, and only what no put overlapped; see changes.
	mu      sync.RWMutex
	changes changes
	// refresh lets one put at a time read back what it wrote and cache it, so
	// that the later of two readings is cached last.
	refresh sync.Mutex

	hits1, misses1, hits2, misses2, errors2 atomic.Int64
}

// changes counts puts, so that a lookup can tell whether one overlapped it.
type changes struct {
	begun  int64 // ever
	active int   // not ended
}

// NewService makes a service over the shards of a store, which stay their
// opener's to close.
func NewService(shards []pipeline.PreferenceStore, l2 L2, o Options) *Service {
	if o.Entries == 0 {
		o.Entries = 10_000
	}
	if o.TTL == 0 {
		o.TTL = time.Minute
	}
	return &Service{
		router: NewRouter(len(shards)),
		shards: shards,
		l1: otter.Must(&otter.Options[pipeline.PreferenceKey, *pipeline.Preference]{
			MaximumSize:      o.Entries,
			ExpiryCalculator: otter.ExpiryWriting[pipeline.PreferenceKey, *pipeline.Preference](o.TTL),
		}),
		l2: l2,
	}
}

// Close ends the upkeep of the process's own cache. The service must not be
// used after it.
func (s *Service) Close() { s.l1.StopAllGoroutines() }

// Lookup gives one preference a key, in the same order, the default where a
// user said nothing. Their addresses are shared and must not be changed.
// Errors: what a shard said; then there is no answer for any key.
func (s *Service) Lookup(ctx context.Context, keys []pipeline.PreferenceKey) ([]pipeline.Preference, error) {
	out := make([]pipeline.Preference, len(keys))
	missing := s.readL1(keys, out)
	if len(missing) == 0 {
		return out, nil
	}
	before := s.snapshot()
	asked := make([]pipeline.PreferenceKey, len(missing))
	for i, at := range missing {
		asked[i] = keys[at]
	}
	found := make([]*pipeline.Preference, len(missing))
	stored, err := s.readL2(ctx, asked, found)
	if err != nil {
		return nil, err
	}
	for i, at := range missing {
		out[at] = *found[i]
	}
	s.fill(ctx, before, found, stored)
	return out, nil
}

// readL1 fills in what the process's own cache has and gives the indices of
// the rest.
func (s *Service) readL1(keys []pipeline.PreferenceKey, out []pipeline.Preference) (missing []int32) {
	for i, key := range keys {
		if p, ok := s.l1.GetIfPresent(key); ok {
			out[i] = *p
			continue
		}
		if missing == nil {
			missing = make([]int32, 0, len(keys)-i)
		}
		missing = append(missing, int32(i))
	}
	s.hits1.Add(int64(len(keys) - len(missing)))
	s.misses1.Add(int64(len(missing)))
	return missing
}

// readL2 fills in all of found, from L2 and then from the store, and gives what
// came from the store.
func (s *Service) readL2(ctx context.Context, keys []pipeline.PreferenceKey, found []*pipeline.Preference) (stored []*pipeline.Preference, err error) {
	if err := s.l2.Get(ctx, keys, found); err != nil {
		s.errors2.Add(1)
		clear(found)
	}
	var missing []pipeline.PreferenceKey
	var at []int32
	for i, p := range found {
		if p == nil {
			missing, at = append(missing, keys[i]), append(at, int32(i))
		}
	}
	s.hits2.Add(int64(len(keys) - len(missing)))
	s.misses2.Add(int64(len(missing)))
	if len(missing) == 0 {
		return nil, nil
	}
	stored, err = s.readStore(ctx, missing)
	if err != nil {
		return nil, err
	}
	for i, p := range stored {
		found[at[i]] = p
	}
	return stored, nil
}

// readStore reads keys from their shards, all shards at once, and gives one
// preference a key, in order. They share no memory with the keys, whose texts
// may be parts of a whole request.
func (s *Service) readStore(ctx context.Context, keys []pipeline.PreferenceKey) ([]*pipeline.Preference, error) {
	out := make([]*pipeline.Preference, len(keys))
	parts := make([][]int32, len(s.shards)) // indices of keys by shard
	used := 0
	for i, key := range keys {
		shard := s.router.Shard(key.UserID)
		if parts[shard] == nil {
			used++
		}
		parts[shard] = append(parts[shard], int32(i))
	}
	if used == 1 { // most small slices, and every one over a single shard
		return out, s.readShard(ctx, s.router.Shard(keys[0].UserID), keys, parts[s.router.Shard(keys[0].UserID)], out)
	}
	group, ctx := errgroup.WithContext(ctx)
	for shard, part := range parts {
		if part != nil {
			group.Go(func() error { return s.readShard(ctx, shard, keys, part, out) })
		}
	}
	return out, group.Wait()
}

// readShard reads the keys at some indices and fills in out there.
func (s *Service) readShard(ctx context.Context, shard int, keys []pipeline.PreferenceKey, part []int32, out []*pipeline.Preference) error {
	asked := make([]pipeline.PreferenceKey, len(part))
	for i, at := range part {
		asked[i] = keys[at]
	}
	rows, err := s.shards[shard].Read(ctx, asked)
	if err != nil {
		return fmt.Errorf("preferences of shard %d of %d: %w", shard+1, len(s.shards), err)
	}
	byKey := make(map[pipeline.PreferenceKey]*pipeline.Preference, len(rows))
	for i := range rows {
		byKey[rows[i].PreferenceKey] = &rows[i]
	}
	for _, at := range part {
		if out[at] = byKey[keys[at]]; out[at] == nil {
			p := pipeline.DefaultPreference(keys[at])
			p.UserID = strings.Clone(p.UserID)
			out[at] = &p
		}
	}
	return nil
}

// snapshot is taken before the caches are asked, for fill.
func (s *Service) snapshot() changes {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.changes
}

// fill caches what a lookup read: all of it in L1, what came from the store in
// L2. When a put overlapped the lookup, what it read may be old: it was right
// to answer with, and is not cached.
func (s *Service) fill(ctx context.Context, before changes, found, stored []*pipeline.Preference) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if before.active > 0 || before.begun != s.changes.begun {
		return
	}
	s.cache(ctx, found, stored)
}

func (s *Service) cache(ctx context.Context, found, stored []*pipeline.Preference) {
	for _, p := range found {
		s.l1.Compute(p.PreferenceKey, func(old *pipeline.Preference, found bool) (*pipeline.Preference, otter.ComputeOp) {
			if found && old.Version > p.Version { // a replica may lag
				return old, otter.CancelOp
			}
			return p, otter.WriteOp
		})
	}
	if len(stored) == 0 {
		return
	}
	if err := s.l2.Set(ctx, stored); err != nil {
		s.errors2.Add(1)
	}
}

// Put sets preferences and returns when they are durable and every later lookup
// of this process sees them. A user's preferences are set all or none; of
// several users some may be set when it fails.
func (s *Service) Put(ctx context.Context, preferences []pipeline.Preference) error {
	if len(preferences) == 0 {
		return nil
	}
	defer s.change()()
	err := s.writeStore(ctx, preferences)
	// Also after an error: some may have been written.
	s.renew(context.WithoutCancel(ctx), preferences)
	return err
}

// change notes that something is about to change in the store, and gives what
// notes that it has.
func (s *Service) change() (done func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes.begun++
	s.changes.active++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.changes.active--
	}
}

// Erase forgets what a user said of every channel, and returns when that is
// durable and every later lookup of this process sees it. It may be repeated.
func (s *Service) Erase(ctx context.Context, user string) error {
	defer s.change()()
	shard := s.router.Shard(user)
	err := s.shards[shard].Erase(ctx, []string{user})
	// Also after an error: it may have been done.
	keys := make([]pipeline.PreferenceKey, 0, len(pipeline.Channels()))
	for _, c := range pipeline.Channels() {
		keys = append(keys, pipeline.PreferenceKey{UserID: user, Channel: c})
	}
	s.refresh.Lock()
	defer s.refresh.Unlock()
	s.forget(context.WithoutCancel(ctx), keys)
	if err != nil {
		return fmt.Errorf("preferences of shard %d of %d: %w", shard+1, len(s.shards), err)
	}
	return nil
}

// writeStore writes preferences to their shards, all shards at once.
func (s *Service) writeStore(ctx context.Context, preferences []pipeline.Preference) error {
	parts := make([][]pipeline.Preference, len(s.shards))
	for _, p := range preferences {
		shard := s.router.Shard(p.UserID)
		parts[shard] = append(parts[shard], p)
	}
	// Not an errgroup with a context: one shard's error must not stop another.
	errs := make([]error, len(parts))
	var wg sync.WaitGroup
	for shard, part := range parts {
		if part == nil {
			continue
		}
		wg.Go(func() {
			if err := s.shards[shard].Write(ctx, part); err != nil {
				errs[shard] = fmt.Errorf("preferences of shard %d of %d: %w", shard+1, len(s.shards), err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// renew puts what was just written into the caches, with the versions that the
// store gave it; what cannot be read back is forgotten.
func (s *Service) renew(ctx context.Context, written []pipeline.Preference) {
	keys := make([]pipeline.PreferenceKey, len(written))
	for i := range written {
		keys[i] = written[i].PreferenceKey
	}
	s.refresh.Lock()
	defer s.refresh.Unlock()
	ctx, cancel := context.WithTimeout(ctx, renewTimeout)
	defer cancel()
	current, err := s.readStore(ctx, keys)
	if err == nil {
		s.cache(ctx, current, current)
		return
	}
	s.forget(ctx, keys)
}

// forget takes keys out of the caches.
func (s *Service) forget(ctx context.Context, keys []pipeline.PreferenceKey) {
	for _, key := range keys {
		s.l1.Invalidate(key)
	}
	ctx, cancel := context.WithTimeout(ctx, renewTimeout)
	defer cancel()
	if err := s.l2.Delete(ctx, keys); err != nil {
		s.errors2.Add(1)
	}
}

// renewTimeout bounds how long a put goes on after its client is gone.
const renewTimeout = 2 * time.Second

// LevelStats is how one level of the cache served.
type LevelStats struct {
	Hits, Misses, Entries int64 // of keys; entries are held now
	Errors                int64 // of whole slices
}

// Stats counts the uses of the two caches.
func (s *Service) Stats() (l1, l2 LevelStats) {
	l1 = LevelStats{Hits: s.hits1.Load(), Misses: s.misses1.Load(), Entries: int64(s.l1.EstimatedSize())}
	l2 = LevelStats{Hits: s.hits2.Load(), Misses: s.misses2.Load(), Entries: int64(s.l2.Entries()), Errors: s.errors2.Load()}
	return l1, l2
}
