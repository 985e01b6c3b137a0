package sqlite

import (
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
)

// applicationID marks our files, in the header field that SQLite keeps for it:
// "ntfy".
const applicationID = 0x6e746679

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings a file to the newest schema, in one transaction. The schema's
// version is the number of migrations applied, in the header's user_version.
func migrate(db *sql.DB) error {
	steps, err := fs.Glob(migrations, "migrations/*.sql") // in the order of their numbers
	if err != nil {
		panic("BUG: the migrations: " + err.Error())
	}
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // nothing after a commit
	applied, err := schemaVersion(tx)
	if err != nil {
		return err
	}
	if applied > len(steps) {
		return fmt.Errorf("its schema is version %d, this program knows %d: start a newer program", applied, len(steps))
	}
	for i, name := range steps[applied:] {
		script, err := migrations.ReadFile(name)
		if err != nil {
			panic("BUG: the migrations: " + err.Error())
		}
		if _, err := tx.Exec(string(script)); err != nil {
			return fmt.Errorf("migration %d: %w", applied+i+1, err)
		}
	}
	// A pragma takes no parameters.
	if _, err := tx.Exec(fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, len(steps))); err != nil {
		return err
	}
	return tx.Commit()
}

// schemaVersion reads how many migrations a file has had: 0 for a new one.
func schemaVersion(tx *sql.Tx) (int, error) {
	var id, version, objects int
	if err := tx.QueryRow("PRAGMA application_id").Scan(&id); err != nil {
		return 0, err
	}
	if err := tx.QueryRow("PRAGMA user_version").Scan(&version); err != nil {
		return 0, err
	}
	if err := tx.QueryRow("SELECT count(*) FROM sqlite_schema").Scan(&objects); err != nil {
		return 0, err
	}
	if id == 0 && version == 0 && objects == 0 {
		return 0, nil
	}
	if id != applicationID {
		return 0, errors.New("it is a database of another program")
	}
	return version, nil
}
