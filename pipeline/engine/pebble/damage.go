package pebble

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/batchrepr"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/wal"
)

// damageError says what is wrong with the files of a store.
type damageError struct{ error }

func (d damageError) Unwrap() error { return d.error }

func damagef(format string, args ...any) error { return damageError{fmt.Errorf(format, args...)} }

// explain puts a cause that a person can act on before the library's words.
func explain(err error) error {
	const remedy = "restore them from a copy, or give another directory"
	_, damaged := errors.AsType[damageError](err)
	// Behind its first line Pebble says where in its code it was.
	cause, _, _ := strings.Cut(err.Error(), "\n")
	switch {
	case errors.Is(err, errOtherFormat):
		return err
	case damaged, pebble.IsCorruptionError(err):
		return fmt.Errorf("its files are damaged; %s: %s", remedy, cause)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("no permission to write there: %w", err)
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("its disk is full: %w", err)
	}
	return fmt.Errorf("its files may be damaged; %s: %s", remedy, cause)
}

// explainLock does so for a directory that cannot be locked.
func explainLock(err error) error {
	if errors.Is(err, syscall.EAGAIN) {
		return fmt.Errorf("another process is using it: %w", err)
	}
	// The system does not keep a process from its own lock; Pebble does, and
	// this is its only error without a number of the system's.
	if _, ofSystem := errors.AsType[syscall.Errno](err); !ofSystem {
		return fmt.Errorf("it is open in this process already: %w", err)
	}
	return explain(err)
}

// checkNew refuses a directory that holds files, but not the one that every
// store begins with.
func checkNew(files vfs.FS, dir string) error {
	names, err := files.List(dir)
	if err != nil {
		return err
	}
	if slices.Contains(names, acknowledgedName) {
		return nil
	}
	for _, name := range names {
		if name != "LOCK" && name != acknowledgedName+unfinished {
			return damagef("there is %s, but no file %s, which says how many commits were acknowledged", name, acknowledgedName)
		}
	}
	return nil
}

// checkCommits follows the numbered commits through the files of a store, and
// refuses it when one is missing that was acknowledged, or that others stand
// behind. It changes nothing, so that what is left of a damaged log can still
// be looked at: Pebble would take the rest for the torn end of a crash, and
// remove the file.
func checkCommits(cfg Config, lock *pebble.Lock, acknowledged uint64) error {
	last, err := lastInTables(cfg, lock)
	if err != nil {
		return err
	}
	logs, err := wal.Scan(wal.Dir{FS: cfg.fs, Dirname: cfg.Dir})
	if err != nil {
		return err
	}
	f := follower{last: last}
	for _, log := range logs {
		if err := f.follow(log); err != nil {
			return err
		}
	}
	if f.last >= acknowledged {
		return nil
	}
	if f.fault == nil {
		f.fault = errors.New("a log is missing or cut short")
	}
	return damagef("commits up to %d were acknowledged, and are there up to %d: %w", acknowledged, f.last, f.fault)
}

// lastInTables is the number of the last commit that is in tables and needs no
// log: 0 when there is none.
func lastInTables(cfg Config, lock *pebble.Lock) (last uint64, err error) {
	if found, err := pebble.Peek(cfg.Dir, cfg.fs); err != nil || !found.Exists {
		return 0, err
	}
	o := options(cfg, cfg.fs)
	o.FS, o.ReadOnly, o.Lock = withoutLogs{cfg.fs}, true, lock
	db, err := pebble.Open(cfg.Dir, o)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	value, closer, err := db.Get(accountKey())
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, closer.Close()) }()
	return commitOf(value)
}

// withoutLogs hides the logs, so that the tables are seen alone.
type withoutLogs struct{ vfs.FS }

// List leaves the logs out.
func (f withoutLogs) List(dir string) ([]string, error) {
	names, err := f.FS.List(dir)
	return slices.DeleteFunc(names, isLog), err
}

func isLog(name string) bool {
	_, _, is := wal.ParseLogFilename(name)
	return is
}

// follower counts commits through the logs, in their order.
type follower struct {
	last  uint64 // the last commit before the first that is missing
	fault error  // where a log could not be read to its end
}

// follow reads a log to its end, or to where it cannot be read. That is no
// damage yet: the log may be older than the tables, or its end torn by a crash.
func (f *follower) follow(log wal.LogicalLog) (err error) {
	reader := log.OpenForRead()
	defer func() { err = errors.Join(err, reader.Close()) }()
	var batch []byte
	for {
		record, at, err := reader.NextRecord()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			batch, err = io.ReadAll(record)
		}
		if err != nil {
			f.fault = fmt.Errorf("%s.log cannot be read behind byte %d: %w", log.Num, at.Physical, err)
			return nil
		}
		commit, found, err := commitOfBatch(batch)
		if err != nil {
			return damagef("%s.log, at byte %d: %w", log.Num, at.Physical, err)
		}
		switch {
		case !found || commit <= f.last:
		case commit == f.last+1:
			f.last = commit
		default:
			return damagef("commits %d to %d are missing before %s.log", f.last+1, commit-1, log.Num)
		}
	}
}

// commitOfBatch reads the number from a commit as the log holds it. The one
// that makes a store has none.
func commitOfBatch(batch []byte) (commit uint64, found bool, err error) {
	entries := batchrepr.Read(batch)
	for {
		_, key, value, more, err := entries.Next()
		if err != nil || !more {
			return 0, false, err
		}
		if len(key) == 1 && key[0] == prefixAccount {
			commit, err = commitOf(value)
			return commit, err == nil, err
		}
	}
}

// commitOf reads the number of the commit that wrote an account.
func commitOf(account []byte) (uint64, error) {
	if len(account) != accountSize {
		return 0, damagef("the account has %d bytes, not %d", len(account), accountSize)
	}
	return binary.BigEndian.Uint64(account[accountSize-8:]), nil
}
