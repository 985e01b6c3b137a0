package pebble

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/notifyctl/notifyctl/pipeline"
)

// formatVersion is that of the keys and values in this package.
const formatVersion = 3

// Config says how a store is opened.
type Config struct {
	Dir string
	// Partitions is how many each of the nine queues has, 1 to 28. A store
	// keeps the number it was made with.
	Partitions int
	// QueueBytes bounds what waits in the queues, IdempotencyBytes what the
	// kept keys take, HistoryBytes what is kept of what has ended; 0 is no
	// limit. Queues and keys that are full take nothing more; history drops its
	// oldest day, and takes nothing more when it may not.
	QueueBytes       int64
	IdempotencyBytes int64
	HistoryBytes     int64
	// KeyTTL is how long an idempotency key is kept after its request; 0 is 24 h.
	KeyTTL time.Duration
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

	// fs holds the files; nil is the disk.
	fs vfs.FS
	// segmentRows and sliceRows are how many rows of history become tables
	// together, and how many make a slice; 0 is the constants of these names.
	segmentRows, sliceRows int
}

// Store is the embedded engine's store: Intake, Feed, Settlement, History,
// UserHistory and DeadLetters.
type Store struct {
	cfg   Config
	lock  *pebble.Lock
	db    *pebble.DB
	watch io.Closer // of the disk, for slow writes
	files vfs.FS    // watched
	// tableOptions are those of the tables that are written beside Pebble.
	tableOptions sstable.WriterOptions
	writer       *writer
	keys         runningKeys
	runs         runs
	disk         disk
	erasures     erasures
	retention    retention
	history      atomic.Int64 // about what history takes
	upkeep       background
	recent       recent
	sliced       sliced
	builder      builder
	keyLoader    background
	settlements  sync.Pool // the memory of earlier ones
	// flushFailed has an element when Pebble failed to write a table.
	flushFailed chan struct{}

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

// Open opens or makes the store in a directory, which it locks. It refuses a
// store whose files are damaged; what that covers, the package says.
func Open(cfg Config) (*Store, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.KeyTTL == 0 {
		cfg.KeyTTL = defaultKeyTTL
	}
	cfg.segmentRows, cfg.sliceRows = cmp.Or(cfg.segmentRows, segmentRows), cmp.Or(cfg.sliceRows, sliceRows)
	if cfg.fs == nil {
		cfg.fs = privateFS{vfs.Default}
	}
	if err := makeDir(cfg.fs, cfg.Dir); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	lock, err := pebble.LockDirectory(cfg.Dir, cfg.fs)
	if err != nil {
		return nil, fmt.Errorf("open the store in %s: %w", cfg.Dir, explainLock(err))
	}
	s := &Store{
		cfg: cfg, lock: lock, recent: newRecent(cfg.segmentRows, segmentBytes), sliced: sliced{rows: cfg.sliceRows}, flushFailed: make(chan struct{}, 1),
		keys: runningKeys{running: map[pipeline.KeyHash]struct{}{}}, disk: disk{fs: cfg.fs, dir: cfg.Dir},
		retention: retention{wake: make(chan struct{}, 1)},
	}
	if err := s.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("open the store in %s: %w", cfg.Dir, explain(err)), lock.Close())
	}
	s.writer.start()
	s.builder.start(s.runBuilder)
	s.upkeep.start(s.runUpkeep)
	s.keyLoader.start(s.loadKeys)
	return s, nil
}

// makeDir makes a directory, and sees to it that a power cut does not take it
// out of its parent again.
func makeDir(files vfs.FS, dir string) error {
	if err := files.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncDir(files, files.PathDir(dir))
}

// open checks the files, opens them, and reads what the last process left.
// What was opened before a failure is closed again, but for the lock.
func (s *Store) open() (err error) {
	if err := checkNew(s.cfg.fs, s.cfg.Dir); err != nil {
		return err
	}
	a, commit, err := openAcknowledged(s.cfg.fs, s.cfg.Dir)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.file.Close())
		}
	}()
	if err := checkCommits(s.cfg, s.lock, commit); err != nil {
		return err
	}
	files, watch := watchDisk(s.cfg)
	s.files, s.watch = files, watch
	defer func() {
		if err != nil {
			err = errors.Join(err, watch.Close())
		}
	}()
	o := options(s.cfg, files)
	o.Lock = s.lock
	o.EventListener.BackgroundError = s.backgroundError
	o.EnsureDefaults() // for the tables that are written beside Pebble
	if s.db, err = pebble.Open(s.cfg.Dir, o); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.db.Close())
		}
	}()
	s.tableOptions = o.MakeWriterOptions(0, s.db.TableFormat())
	// Of a slice there are few tables, and a filter is larger than what a look-up
	// reads without one.
	s.tableOptions.FilterPolicy = pebble.NoFilterPolicy
	if err := errors.Join(removeUnfinishedTables(files, s.cfg.Dir), s.recover()); err != nil {
		return err
	}
	// Pebble has synced what it found in the logs, acknowledged or not.
	s.writer.acknowledged = a
	return errors.Join(a.write(s.writer.commits), a.file.Sync())
}

// Close ends the writer once it has answered what it was given, and closes the
// store. Leases must be closed before. What the log holds is written to tables
// first: these are checked whenever they are read, and the next opening is
// quick.
func (s *Store) Close() error {
	s.keyLoader.end()
	s.upkeep.end()
	s.builder.end()
	s.writer.stop()
	if err := errors.Join(s.flush(), s.db.Close(), s.watch.Close(), s.writer.acknowledged.close(), s.lock.Close()); err != nil {
		return fmt.Errorf("close the store: %w", err)
	}
	return nil
}

// flush writes the memtable to a table. Pebble repeats a flush that fails for
// as long as it fails; the log has it all, so it is not waited for then.
func (s *Store) flush() error {
	select {
	case <-s.flushFailed: // some time ago
	default:
	}
	done, err := s.db.AsyncFlush()
	if err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-s.flushFailed:
		return errors.New("the last changes could not be written to a table; they stay in the log")
	}
}

// backgroundError takes note of a flush or a compaction that failed. Pebble
// tries it again.
func (s *Store) backgroundError(err error) {
	s.cfg.Log.Error("the store failed in the background, and tries again", slog.Any("cause", err))
	select {
	case s.flushFailed <- struct{}{}:
	default:
	}
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
	if err := errors.Join(s.recoverRetention(), s.recoverErasures(), s.recoverSlices(), s.replayJournal()); err != nil {
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

// errOtherFormat says that another version of the program wrote the store.
var errOtherFormat = errors.New("use the program that wrote it, or another directory")

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
		return 0, fmt.Errorf("%w: it has format %x, and this program reads %d", errOtherFormat, version, formatVersion)
	}
	partitions, found, err := s.get(metaKey("partitions"))
	if err != nil {
		return 0, err
	}
	if !found || len(partitions) != 1 || partitions[0] == 0 {
		return 0, damagef("it does not say how many partitions it has")
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
