package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/notifyctl/notifyctl/pipeline"
)

// readQuery looks up users, given as a JSON array, and gives all their rows as
// one text, [readAnswer]'s: what database/sql and the driver do for a row and each
// of its columns costs several times what finding it does. CROSS JOIN keeps the
// users the outer loop: each is one descent, as his rows lie side by side.
const readQuery = `
	SELECT coalesce(group_concat(((k.key << 16) + (p.channel << 8) + (p.transactional << 1) + p.promotional) || ' ' || p.version || p.addresses, ''), '')
	FROM json_each(?1) AS k CROSS JOIN preferences AS p ON p.user_id = k.value`

// scanQuery goes through the rows in the order of their keys: user ids are
// compared as bytes.
const scanQuery = `
	SELECT user_id, channel, transactional, promotional, addresses, version
	FROM preferences WHERE (user_id, channel) > (?1, ?2) ORDER BY user_id, channel LIMIT ?3`

// importStatement takes a row as it is, but not in place of a newer one.
const importStatement = `
	INSERT INTO preferences (user_id, channel, transactional, promotional, addresses, version)
	VALUES (?, ?, ?, ?, ?, ?)
	ON CONFLICT (user_id, channel) DO UPDATE SET
		transactional = excluded.transactional,
		promotional   = excluded.promotional,
		addresses     = excluded.addresses,
		version       = excluded.version
	WHERE excluded.version > preferences.version`

// writeStatement gives a row the version offered, or one more than it had.
const writeStatement = `
	INSERT INTO preferences (user_id, channel, transactional, promotional, addresses, version)
	VALUES (?, ?, ?, ?, ?, ?)
	ON CONFLICT (user_id, channel) DO UPDATE SET
		transactional = excluded.transactional,
		promotional   = excluded.promotional,
		addresses     = excluded.addresses,
		version       = max(excluded.version, preferences.version + 1)`

// Read looks keys up by one query, and a file without rows by none. The rows share
// the user ids with the keys.
func (p *Preferences) Read(ctx context.Context, keys []pipeline.PreferenceKey) ([]pipeline.Preference, error) {
	if err := ctx.Err(); err != nil || len(keys) == 0 || p.isEmpty.Load() {
		return nil, err
	}
	asked := groupKeys(keys)
	var answer string
	// It takes microseconds and waits for nobody: to watch whether it is given up
	// would take longer.
	err := p.read.QueryRowContext(context.WithoutCancel(ctx), encodeUsers(asked)).Scan(&answer)
	if err != nil {
		return nil, p.explain("read preferences", err)
	}
	found, err := readAnswer(answer, asked)
	return found, p.explain("read preferences", err)
}

// Scan reads rows by one query.
func (p *Preferences) Scan(ctx context.Context, after pipeline.PreferenceKey, limit int) ([]pipeline.Preference, error) {
	found, err := readRows(p.scan.QueryContext(ctx, after.UserID, after.Channel, limit))
	return found, p.explain("read preferences", err)
}

// readRows reads the answer to a query.
func readRows(rows *sql.Rows, err error) (found []pipeline.Preference, _ error) {
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		var row pipeline.Preference
		var addresses sql.RawBytes
		if err = rows.Scan(&row.UserID, &row.Channel, &row.Transactional, &row.Promotional, &addresses, &row.Version); err != nil {
			break
		}
		if row.Addresses, _, err = cutAddresses(string(addresses)); err != nil {
			break
		}
		found = append(found, row)
	}
	if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	return found, nil
}

// Write sets preferences in one transaction. Versions begin with the time, so
// that those of a user who was erased and came back grow as well.
func (p *Preferences) Write(ctx context.Context, preferences []pipeline.Preference) error {
	version := time.Now().UnixMicro()
	err := p.writeRows(ctx, p.write, preferences, func(*pipeline.Preference) int64 { return version })
	return p.explain("write preferences", err)
}

// Import writes rows of another shard in one transaction.
func (p *Preferences) Import(ctx context.Context, preferences []pipeline.Preference) error {
	err := p.writeRows(ctx, p.insert, preferences, func(row *pipeline.Preference) int64 { return row.Version })
	return p.explain("import preferences", err)
}

// writeRows writes rows in one transaction, with versions that are theirs.
func (p *Preferences) writeRows(ctx context.Context, write *sql.Stmt, rows []pipeline.Preference, version func(*pipeline.Preference) int64) error {
	if len(rows) == 0 {
		return nil
	}
	p.isEmpty.Store(false) // before there is a row to find
	tx, err := p.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // nothing after a commit
	statement := tx.StmtContext(ctx, write)
	defer func() { _ = statement.Close() }() // the transaction's hold on it alone
	for i := range rows {
		row := &rows[i]
		if _, err := statement.ExecContext(ctx, row.UserID, row.Channel, row.Transactional, row.Promotional, encodeTexts(row.Addresses), version(row)); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// Erase forgets users in one transaction.
func (p *Preferences) Erase(ctx context.Context, users []string) error {
	if len(users) == 0 {
		return nil
	}
	_, err := p.writer.ExecContext(ctx, "DELETE FROM preferences WHERE user_id IN (SELECT value FROM json_each(?))", encodeTexts(users))
	return p.explain("erase preferences", err)
}

// explain says what was being done on which file, and what the user can do. All
// but the end of a context is the store not being available.
func (p *Preferences) explain(doing string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	hint := ""
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		hint = advice(e.Code())
	}
	return fmt.Errorf("%s: %s: %s%w: %w", doing, p.path, hint, pipeline.ErrUnavailable, err)
}

// advice is what a user can do about a result code of SQLite's.
func advice(code int) string {
	switch code & 0xff { // the rest says more than helps
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return "the file is in use by another process; stop that one: "
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return "the file is damaged or no database; restore it from a copy, or move it away to start with everybody's defaults: "
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return "the file cannot be written; check the modes of the file and its directory: "
	case sqlite3.SQLITE_FULL:
		return "the disk is full: "
	case sqlite3.SQLITE_IOERR:
		return "the disk failed: "
	}
	return ""
}
