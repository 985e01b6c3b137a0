package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

const (
	// readers is how many queries of one shard run at once. A read is CPU
	// work for microseconds, so more would only wait for processors.
	readers = 4
	// busyTimeout is how long a connection waits for a lock. We hold ours for
	// milliseconds: a longer wait means that somebody else has the file.
	busyTimeout = 2 * time.Second
)

// Preferences is one shard. It is a [pipeline.PreferenceStore].
type Preferences struct {
	path   string
	writer *sql.DB
	reader *sql.DB
	read   *sql.Stmt
	scan   *sql.Stmt
	write  *sql.Stmt
	insert *sql.Stmt // as it is in another shard
	// isEmpty says that there is no row, nor one under way: so nobody else may
	// write the file while it is open.
	isEmpty atomic.Bool
}

var _ pipeline.PreferenceStore = (*Preferences)(nil)

// open opens one shard's file.
func open(path string, position int) (_ *Preferences, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open the preferences: %w", err)
	}
	// SQLite would make the file with the umask's mode, and gives the WAL
	// beside it the mode of the file.
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the preferences: %w", err)
	}
	if err := file.Close(); err != nil {
		return nil, fmt.Errorf("open the preferences: %w", err)
	}
	p := &Preferences{path: path}
	defer func() {
		if err != nil {
			err = errors.Join(p.explain("open the preferences", err), p.Close())
		}
	}()
	if p.writer, err = connect(path, 1, "journal_mode(WAL)", "synchronous(FULL)"); err != nil {
		return nil, err
	}
	if err := migrate(p.writer); err != nil {
		return nil, err
	}
	if err := claimShard(p.writer, position); err != nil {
		return nil, err
	}
	var rows bool
	if err := p.writer.QueryRow("SELECT EXISTS (SELECT 1 FROM preferences)").Scan(&rows); err != nil {
		return nil, err
	}
	p.isEmpty.Store(!rows)
	if p.reader, err = connect(path, readers, "query_only(1)"); err != nil {
		return nil, err
	}
	if p.read, err = p.reader.Prepare(readQuery); err != nil {
		return nil, err
	}
	if p.scan, err = p.reader.Prepare(scanQuery); err != nil {
		return nil, err
	}
	if p.write, err = p.writer.Prepare(writeStatement); err != nil {
		return nil, err
	}
	p.insert, err = p.writer.Prepare(importStatement)
	return p, err
}

// connect makes a pool of connections. Transactions take the write lock when
// they begin, so that none fails half way for want of it.
func connect(path string, connections int, pragmas ...string) (*sql.DB, error) {
	query := url.Values{"_txlock": {"immediate"}}
	query.Add("_pragma", fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()))
	for _, pragma := range pragmas {
		query.Add("_pragma", pragma)
	}
	dsn := url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// claimShard makes a new file the shard that it is opened as, and refuses an
// old one that is another.
func claimShard(db *sql.DB, position int) error {
	var was int
	err := db.QueryRow("SELECT position FROM shard").Scan(&was)
	if errors.Is(err, sql.ErrNoRows) {
		_, err = db.Exec("INSERT INTO shard (position) VALUES (?)", position)
		return err
	}
	if err == nil && was != position {
		err = fmt.Errorf("it is shard %d, not %d: give every file its own name back", was, position)
	}
	return err
}

// Close closes the file. The store must not be used after it.
func (p *Preferences) Close() error {
	var errs []error
	for _, statement := range []*sql.Stmt{p.read, p.scan, p.write, p.insert} {
		if statement != nil {
			errs = append(errs, statement.Close())
		}
	}
	if p.reader != nil {
		errs = append(errs, p.reader.Close())
	}
	if p.writer != nil { // last: the last connection folds the WAL into the file
		errs = append(errs, p.writer.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close the preferences %s: %w", p.path, err)
	}
	return nil
}
