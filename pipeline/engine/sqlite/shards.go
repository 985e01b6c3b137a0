package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Shards is a directory of shards. It is a [pipeline.PreferenceShards], which
// keeps the layout in the first shard.
type Shards struct {
	dir   string
	first *Preferences // a handle of its own
}

var _ pipeline.PreferenceShards = (*Shards)(nil)

// OpenShards opens a directory of shards, making it (0700) and its first shard
// (0600) if they are missing.
func OpenShards(dir string) (*Shards, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the preferences' directory: %w", err)
	}
	s := &Shards{dir: dir}
	var err error
	if s.first, err = open(s.path(0), 0); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Shards) path(shard int) string {
	return filepath.Join(s.dir, fmt.Sprintf("preferences-%03d.db", shard))
}

// Layout reads the layout, or makes one.
func (s *Shards) Layout(ctx context.Context, initial pipeline.Placement) (pipeline.ShardLayout, error) {
	var l pipeline.ShardLayout
	var sharding, next string
	err := s.first.writer.QueryRowContext(ctx, "SELECT shards, sharding, next_shards, next_sharding, leftover FROM layout").
		Scan(&l.Shards, &sharding, &l.Next.Shards, &next, &l.Leftover)
	if errors.Is(err, sql.ErrNoRows) {
		if err := s.checkNew(); err != nil {
			return l, err
		}
		l = pipeline.ShardLayout{Placement: initial}
		return l, s.SetLayout(ctx, l)
	}
	if err == nil {
		l.Sharding, _ = pipeline.ParseSharding(sharding)
		l.Next.Sharding, _ = pipeline.ParseSharding(next)
		if err = l.Check(); err == nil && l.Next.Shards != 0 {
			err = l.Next.Check()
		}
	}
	return l, s.first.explain("read how the preferences are divided", err)
}

// checkNew refuses shards whose first is new and others are not: without its
// layout, what users said may be looked for on another shard than theirs.
func (s *Shards) checkNew() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("look for the shards of the preferences: %w", err)
	}
	for _, e := range entries {
		if name := e.Name(); strings.HasPrefix(name, "preferences-") && strings.HasSuffix(name, ".db") && name != filepath.Base(s.path(0)) {
			return fmt.Errorf("%s is missing or empty, and knows how users are divided over the shards beside it: restore it from a copy, or move all of them away to start with everybody's defaults", s.path(0))
		}
	}
	return nil
}

// SetLayout writes the layout.
func (s *Shards) SetLayout(ctx context.Context, l pipeline.ShardLayout) error {
	next := ""
	if l.Next.Shards > 0 {
		next = l.Next.Sharding.String()
	}
	_, err := s.first.writer.ExecContext(ctx, "INSERT OR REPLACE INTO layout (only, shards, sharding, next_shards, next_sharding, leftover) VALUES (1, ?, ?, ?, ?, ?)",
		l.Shards, l.Sharding.String(), l.Next.Shards, next, l.Leftover)
	return s.first.explain("write how the preferences are divided", err)
}

// Alone gives the hold at once: the directory has one process, by the lock on the
// store beside it.
func (s *Shards) Alone(ctx context.Context) (held context.Context, release func(), err error) {
	held, release = context.WithCancel(ctx)
	return held, release, nil
}

// Open opens a shard's file, making it if it is missing.
func (s *Shards) Open(_ context.Context, shard int) (pipeline.PreferenceStore, error) {
	p, err := open(s.path(shard), shard)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Remove deletes a shard's files.
func (s *Shards) Remove(_ context.Context, shard int) error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(s.path(shard) + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove a shard of the preferences: %w", err)
		}
	}
	return nil
}

// Close lets go of the layout. The shards that were opened stay open.
func (s *Shards) Close() error { return s.first.Close() }
