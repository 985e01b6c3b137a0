package pebble

import (
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// slowDisk is how long a write or a sync takes that is called slow: several
// times what plans promise of a request, which waits for it.
const slowDisk = 2 * time.Second

// blockSize is what a table is read and compressed by: large, since most of what
// is written is history, of which little is ever read.
const blockSize = 16 << 10

// watchDisk gives a store's files, with slow writes and syncs logged while they
// last: Pebble looks every 2 s. The watch is closed after what uses the files.
func watchDisk(cfg Config) (files vfs.FS, watch io.Closer) {
	return vfs.WithDiskHealthChecks(cfg.fs, slowDisk, nil, func(i vfs.DiskSlowInfo) {
		cfg.Log.Warn("the disk is slow", slog.String("operation", i.OpType.String()),
			slog.Duration("took", i.Duration), slog.String("file", filepath.Base(i.Path)))
	})
}

// options is how Pebble holds a store in files.
func options(cfg Config, files vfs.FS) *pebble.Options {
	o := &pebble.Options{
		FS:                 files,
		FormatMajorVersion: pebble.FormatNewest,
		CacheSize:          32 << 20,
		// Few and large flushes: the queue's blocks are mostly deleted before
		// they would leave the memtable.
		MemTableSize:                32 << 20,
		MemTableStopWritesThreshold: 4,
		// A compaction begins at half of it, with the tables of a slice of history.
		L0CompactionThreshold:   8,
		L0StopWritesThreshold:   24,
		BytesPerSync:            1 << 20,
		BlockPropertyCollectors: []func() pebble.BlockPropertyCollector{newYielder},
		Logger:                  logger{cfg},
		EventListener: &pebble.EventListener{
			// It makes every request wait, and shows nowhere else.
			WriteStallBegin: func(i pebble.WriteStallBeginInfo) {
				cfg.Log.Warn("the store takes no writes until it has caught up", slog.String("reason", i.Reason))
			},
			// Whoever reads it gets an error; Pebble would end the process.
			DataCorruption: func(i pebble.DataCorruptionInfo) {
				cfg.Log.Error("a file of the store is damaged", slog.String("file", filepath.Base(i.Path)), slog.Any("cause", i.Details))
			},
		},
	}
	for i := range o.Levels {
		o.Levels[i].BlockSize = blockSize
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	// What comes to level 0 is merged or deleted within seconds. Further levels
	// have what the first below it has.
	o.Levels[0].Compression = func() *sstable.CompressionProfile { return sstable.NoCompression }
	o.Levels[1].Compression = func() *sstable.CompressionProfile { return sstable.SnappyCompression }
	return o
}

// logger hands Pebble's words to ours. What Pebble calls fatal is a write or a
// sync that failed: from there on no promise could be kept.
type logger struct{ cfg Config }

func (l logger) Infof(string, ...any) {}

func (l logger) Errorf(format string, args ...any) {
	l.cfg.Log.Error("the store reports an error", slog.String("detail", fmt.Sprintf(format, args...)))
}

func (l logger) Fatalf(format string, args ...any) {
	l.cfg.Fatal(fmt.Errorf("the store in %s cannot write: %s", l.cfg.Dir, fmt.Sprintf(format, args...)))
	// Pebble would go on and report the write as done.
	panic("BUG: Config.Fatal returned")
}
