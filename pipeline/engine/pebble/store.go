package pebble

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/notifyctl/notifyctl/pipeline"
)

// formatVersion is that of the keys and values in this package.
const formatVersion = 1

// Config says how a store is opened.
type Config struct {
	Dir string
	// Partitions is how many each of the nine queues has, 1 to 28. A store
	// keeps the number it was made with.
	Partitions int
	// QueueBytes bounds what waits in the queues, IdempotencyBytes what the
	// keys of a day take; 0 is no limit.
	QueueBytes       int64
	IdempotencyBytes int64
	// MinFreeBytes is the room on the disk below which nothing more is
	// accepted, so that what was accepted can still be settled.
	MinFreeBytes int64
	Log          *slog.Logger
	// Fatal is called when the store can no longer promise anything: a write
	// or a sync failed. It must end the process and not return.
	Fatal func(error)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Committed, when not nil, observes each group commit.
	Committed func(changes, bytes int, took time.Duration)
}

// Store is the embedded engine's store: Intake, Feed, Settlement and History.
type Store struct {
	cfg    Config
	db     *pebble.DB
	writer *writer
	keys   runningKeys
	runs   runs
	disk   disk

	// mu guards the published state below.
	mu      sync.Mutex
	lanes   []*lane
	account pipeline.Account // InFlight is not kept here but counted
	records recordSize
}

// recordSize keeps the mean size of a queued record.
type recordSize struct{ bytes, count int64 }

func (s recordSize) mean() int64 {
	const guess = 256 // before the first record was seen
	if s.count == 0 {
		return guess
	}
	return s.bytes / s.count
}

// Open opens or makes the store in a directory, which it locks.
func Open(cfg Config) (*Store, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	db, err := pebble.Open(cfg.Dir, options(cfg))
	if err != nil {
		return nil, fmt.Errorf("open the store in %s: %w", cfg.Dir, explain(err))
	}
	s := &Store{cfg: cfg, db: db, keys: runningKeys{running: map[pipeline.KeyHash]struct{}{}}, disk: disk{dir: cfg.Dir}}
	if err := s.recover(); err != nil {
		return nil, errors.Join(fmt.Errorf("read the store in %s: %w", cfg.Dir, err), db.Close())
	}
	s.writer.start()
	return s, nil
}

func options(cfg Config) *pebble.Options {
	o := &pebble.Options{
		FS:                 privateFS{vfs.Default},
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
		},
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	return o
}

// explain puts a cause that a person can act on before the library's words.
func explain(err error) error {
	switch {
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("no permission to write there: %w", err)
	case errors.Is(err, syscall.EAGAIN):
		return fmt.Errorf("another process is using it: %w", err)
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("its disk is full: %w", err)
	}
	return fmt.Errorf("its files may be damaged; restore them from a copy, or give another directory: %w", err)
}

// Close ends the writer once it has answered what it was given, and closes the
// store. Leases must be closed before.
func (s *Store) Close() error {
	s.writer.stop()
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close the store: %w", err)
	}
	return nil
}

// recover reads what the last process left.
func (s *Store) recover() error {
	partitions, err := s.checkMeta()
	if err != nil {
		return err
	}
	s.writer = newWriter(s, partitions)
	if err := s.recoverAccount(); err != nil {
		return err
	}
	for number, q := range pipeline.Queues() {
		l, err := s.recoverLane(number, q, partitions)
		if err != nil {
			return err
		}
		s.lanes = append(s.lanes, l)
	}
	return s.recoverRuns()
}

// checkMeta compares the store with what this program reads and writes, or
// says so in a new store, and returns the partitions of a queue.
func (s *Store) checkMeta() (int, error) {
	version, found, err := s.get(metaKey("format"))
	if err != nil {
		return 0, err
	}
	if !found {
		b := s.db.NewBatch()
		defer func() { _ = b.Close() }()
		if err := errors.Join(
			b.Set(metaKey("format"), binary.BigEndian.AppendUint32(nil, formatVersion), nil),
			b.Set(metaKey("partitions"), []byte{byte(s.cfg.Partitions)}, nil),
			b.Commit(pebble.Sync)); err != nil {
			return 0, fmt.Errorf("write the format version: %w", err)
		}
		return s.cfg.Partitions, nil
	}
	if len(version) != 4 || binary.BigEndian.Uint32([]byte(version)) != formatVersion {
		return 0, fmt.Errorf("it has format %x, and this program reads %d; use the program that wrote it, or another directory", version, formatVersion)
	}
	partitions, found, err := s.get(metaKey("partitions"))
	if err != nil {
		return 0, err
	}
	if !found || len(partitions) != 1 || partitions[0] == 0 {
		return 0, errors.New("it does not say how many partitions it has: its files are damaged")
	}
	if n := int(partitions[0]); n != s.cfg.Partitions {
		s.cfg.Log.Warn("the data directory keeps the number of partitions it was made with",
			slog.Int("partitions", n), slog.Int("asked", s.cfg.Partitions))
	}
	return int(partitions[0]), nil
}

// get reads a value as a copy.
func (s *Store) get(key []byte) (string, bool, error) {
	value, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("read the store: %w", err)
	}
	text := string(value)
	if err := closer.Close(); err != nil {
		return "", false, fmt.Errorf("read the store: %w", err)
	}
	return text, true, nil
}

// lane is the lane of a queue.
func (s *Store) lane(q pipeline.Queue) *lane { return s.lanes[laneNumber(q)] }

func laneNumber(q pipeline.Queue) int {
	return (int(q.Channel)-1)*len(pipeline.Priorities()) + int(q.Priority) - 1
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
}
