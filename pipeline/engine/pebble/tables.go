package pebble

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	// buildAgainAfter is the pause after tables that could not be written.
	buildAgainAfter = time.Second
	// openTables bounds the tables that are written at a time.
	openTables = 16
	// tableName begins the names of the tables that the store has not taken in.
	tableName = "segment-"
)

// builder writes complete segments to tables. What it has not done when it ends
// the journal keeps.
type builder struct {
	background
	// deleted is a commit; the rows of those before are no longer in the journal.
	deleted uint64
	// made counts the tables, so that each has a name of its own: a file that was
	// taken in may be there under its first name too.
	made int
}

// runBuilder writes segments, oldest first, until ctx ends. What fails is tried
// again: the rows are in the journal and in memory meanwhile.
func (s *Store) runBuilder(ctx context.Context) {
	for ctx.Err() == nil {
		g := s.recent.oldest()
		if g == nil {
			select {
			case <-s.recent.wake:
			case <-ctx.Done():
			}
			continue
		}
		err := s.build(ctx, g)
		if err == nil || ctx.Err() != nil {
			continue
		}
		s.cfg.Log.Error("history could not be written to a table, and is written again", slog.Any("cause", err))
		pause := time.NewTimer(buildAgainAfter)
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
		pause.Stop()
	}
}

// build writes a segment to tables, one for each slice, and gives them to the
// store. Then its rows leave the journal, in the commit that keeps what the
// slices hold, and memory.
func (s *Store) build(ctx context.Context, g *segment) error {
	brought := s.sliced.brings(g, s.horizon())
	t := &tables{store: s, segment: g}
	err := t.write(ctx, slices.Sorted(maps.Keys(brought)))
	if err == nil && len(t.paths) > 0 {
		err = s.db.Ingest(ctx, t.paths)
	}
	if err != nil {
		return errors.Join(err, t.remove())
	}
	changed := s.sliced.written(brought, s.horizon())
	err = s.writer.submit(ctx, func(w *group) {
		w.deleteRange(journalKey(s.builder.deleted), journalKey(g.last+1))
		for d, known := range changed {
			w.set(slicesKey(d), appendSlicedDay(nil, known))
		}
	}, nil)
	if err != nil {
		return err
	}
	s.builder.deleted = g.last + 1
	s.sliced.publish()
	s.recent.drop()
	return nil
}

// tables is what is made of a segment.
type tables struct {
	store   *Store
	segment *segment
	paths   []string
}

// write writes a table for each of the slices. They are synced.
func (t *tables) write(ctx context.Context, in []slice) error {
	for some := range slices.Chunk(in, openTables) {
		if err := t.writeSome(ctx, some); err != nil {
			return fmt.Errorf("write a table of history: %w", err)
		}
	}
	return nil
}

func (t *tables) writeSome(ctx context.Context, in []slice) (err error) {
	open := make(map[slice]*sstable.Writer, len(in))
	defer func() {
		for _, w := range open {
			err = errors.Join(err, w.Close())
		}
	}()
	for _, one := range in {
		if open[one], err = t.create(); err != nil {
			delete(open, one)
			return err
		}
	}
	var key []byte
	find := t.store.sliced.finder()
	for id, row := range t.segment.sorted() {
		if err := ctx.Err(); err != nil {
			return err
		}
		in := find.of(id)
		w := open[in]
		if w == nil {
			continue
		}
		key = appendRowKey(key[:0], in, id)
		if err := w.Set(key, row); err != nil {
			return err
		}
	}
	return nil
}

// create makes a file for a table.
func (t *tables) create() (*sstable.Writer, error) {
	s := t.store
	s.builder.made++
	name := s.files.PathJoin(s.cfg.Dir, fmt.Sprint(tableName, s.builder.made, unfinished))
	file, err := s.files.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, err
	}
	t.paths = append(t.paths, name)
	file = vfs.NewSyncingFile(file, vfs.SyncingFileOptions{BytesPerSync: 1 << 20})
	return sstable.NewWriter(objstorageprovider.NewFileWritable(file), s.tableOptions), nil
}

// remove removes the files that the store has not taken in.
func (t *tables) remove() error {
	var failed error
	for _, name := range t.paths {
		if err := t.store.files.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// removeUnfinishedTables removes those that a process left that ended before the
// store had taken them in.
func removeUnfinishedTables(files vfs.FS, dir string) error {
	names, err := files.List(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasPrefix(name, tableName) && strings.HasSuffix(name, unfinished) {
			if err := files.Remove(files.PathJoin(dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}
