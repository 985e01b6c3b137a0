package pebble

import (
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
)

// options is how Pebble holds a store.
func options(cfg Config) *pebble.Options {
	o := &pebble.Options{
		FS:                 cfg.fs,
		FormatMajorVersion: pebble.FormatNewest,
		CacheSize:          32 << 20,
		// Few and large flushes: the queue's blocks are mostly deleted before
		// they would leave the memtable.
		MemTableSize:                32 << 20,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       24,
		BytesPerSync:                1 << 20,
		Logger:                      logger{cfg},
		EventListener: &pebble.EventListener{
			// Both make every request wait, and neither shows anywhere else.
			WriteStallBegin: func(i pebble.WriteStallBeginInfo) {
				cfg.Log.Warn("the store takes no writes until it has caught up", slog.String("reason", i.Reason))
			},
			DiskSlow: func(i pebble.DiskSlowInfo) {
				cfg.Log.Warn("the disk is slow", slog.String("operation", i.OpType.String()),
					slog.Duration("took", i.Duration), slog.String("file", filepath.Base(i.Path)))
			},
			// Whoever reads it gets an error; Pebble would end the process.
			DataCorruption: func(i pebble.DataCorruptionInfo) {
				cfg.Log.Error("a file of the store is damaged", slog.String("file", filepath.Base(i.Path)), slog.Any("cause", i.Details))
			},
		},
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
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
