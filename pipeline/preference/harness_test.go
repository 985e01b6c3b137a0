package preference_test

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/engine/memory"
	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
	"github.com/notifyctl/notifyctl/pipeline/preference"
)

func modulo(shards int) pipeline.Placement {
	return pipeline.Placement{Shards: shards, Sharding: pipeline.Modulo}
}

func jumpHash(shards int) pipeline.Placement {
	return pipeline.Placement{Shards: shards, Sharding: pipeline.JumpHash}
}

// store is a shard in memory.
type store struct {
	mu      sync.Mutex
	rows    map[pipeline.PreferenceKey]pipeline.Preference
	version int64
	reads   atomic.Int64 // of keys
	// read runs after the rows were read and before they are returned.
	read func(keys []pipeline.PreferenceKey)
	err  atomic.Pointer[error]
	wait chan struct{} // reads wait for its end, or for their own
}

func newStore() *store {
	return &store{rows: map[pipeline.PreferenceKey]pipeline.Preference{}}
}

func (s *store) fail(err error) { s.err.Store(&err) }

func (s *store) failure(ctx context.Context) error {
	if err := s.err.Load(); err != nil && *err != nil {
		return *err
	}
	return ctx.Err()
}

func (s *store) Read(ctx context.Context, keys []pipeline.PreferenceKey) ([]pipeline.Preference, error) {
	if err := s.failure(ctx); err != nil {
		return nil, err
	}
	s.reads.Add(int64(len(keys)))
	if s.wait != nil {
		select {
		case <-s.wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	var found []pipeline.Preference
	s.mu.Lock()
	for _, key := range keys {
		if p, ok := s.rows[key]; ok {
			found = append(found, p)
		}
	}
	read := s.read
	s.mu.Unlock()
	if read != nil {
		read(keys)
	}
	return found, nil
}

func (s *store) Write(ctx context.Context, preferences []pipeline.Preference) error {
	if err := s.failure(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range preferences {
		s.version++
		p.Version = s.version
		s.rows[p.PreferenceKey] = p
	}
	return nil
}

func (s *store) Scan(ctx context.Context, after pipeline.PreferenceKey, limit int) ([]pipeline.Preference, error) {
	if err := s.failure(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var rows []pipeline.Preference
	for key, row := range s.rows {
		if key.Compare(after) > 0 {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b pipeline.Preference) int { return a.Compare(b.PreferenceKey) })
	return rows[:min(limit, len(rows))], nil
}

func (s *store) Import(ctx context.Context, preferences []pipeline.Preference) error {
	if err := s.failure(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range preferences {
		if old, ok := s.rows[p.PreferenceKey]; !ok || p.Version > old.Version {
			s.rows[p.PreferenceKey] = p
		}
		s.version = max(s.version, p.Version)
	}
	return nil
}

func (s *store) Erase(ctx context.Context, users []string) error {
	if err := s.failure(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.rows {
		if slices.Contains(users, key.UserID) {
			delete(s.rows, key)
		}
	}
	return nil
}

func (s *store) Close() error { return nil }

// The fakes keep the ports' promises, or the tests below would show nothing.
func TestStoreConforms(t *testing.T) {
	pipelinetest.PreferenceStore(t, func(*testing.T) pipeline.PreferenceStore { return newStore() })
}

func TestShardSetConforms(t *testing.T) {
	pipelinetest.PreferenceShards(t, func(*testing.T) func() pipeline.PreferenceShards {
		set := &shardSet{}
		return func() pipeline.PreferenceShards { return set }
	})
}

// shardSet is a place for shards in memory.
type shardSet struct {
	mu     sync.Mutex
	layout pipeline.ShardLayout
	stores []*store
	// set runs before a layout is set; its error is given.
	set func(pipeline.ShardLayout) error
	// alone runs before the shards are had alone; its error is given.
	alone func() error
	lose  func() // ends the last hold
}

func (s *shardSet) Layout(_ context.Context, initial pipeline.Placement) (pipeline.ShardLayout, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.layout.Shards == 0 {
		s.layout.Placement = initial
	}
	return s.layout, nil
}

func (s *shardSet) SetLayout(_ context.Context, l pipeline.ShardLayout) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set != nil {
		if err := s.set(l); err != nil {
			return err
		}
	}
	s.layout = l
	return nil
}

func (s *shardSet) Alone(ctx context.Context) (held context.Context, release func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.alone != nil {
		if err := s.alone(); err != nil {
			return nil, nil, err
		}
	}
	held, s.lose = context.WithCancel(ctx)
	return held, s.lose, nil
}

func (s *shardSet) Open(_ context.Context, shard int) (pipeline.PreferenceStore, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.stores) <= shard {
		s.stores = append(s.stores, nil)
	}
	if s.stores[shard] == nil {
		s.stores[shard] = newStore()
	}
	return s.stores[shard], nil
}

func (s *shardSet) Remove(_ context.Context, shard int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if shard < len(s.stores) {
		s.stores[shard] = nil
	}
	return nil
}

func (s *shardSet) Close() error { return nil }

// openShards opens shards that the test's end closes.
func openShards(t testing.TB, set pipeline.PreferenceShards, p pipeline.Placement) *preference.Shards {
	t.Helper()
	shards, err := preference.OpenShards(context.Background(), set, p, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := shards.Close(); err != nil {
			t.Error(err)
		}
	})
	return shards
}

// newService is a service over fake shards and a real L2.
func newService(t testing.TB, shards int, o preference.Options) (*preference.Service, []*store) {
	l2 := memory.NewPreferences(300*time.Second, 64<<20)
	return overL2(t, shards, l2, o)
}

func overL2(t testing.TB, shards int, l2 preference.L2, o preference.Options) (*preference.Service, []*store) {
	set := &shardSet{}
	return overShards(t, openShards(t, set, modulo(shards)), l2, o), set.stores
}

func overShards(t testing.TB, shards *preference.Shards, l2 preference.L2, o preference.Options) *preference.Service {
	t.Helper()
	s, err := preference.NewService(context.Background(), shards, l2, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}
