package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/notifyctl/notifyctl/pipeline"
)

// leastVersion is the oldest server that has all that is asked of it:
// gen_random_uuid came with 13.
const leastVersion = 130000

//go:embed migrations/*.sql
var migrations embed.FS

// migrationTimeout bounds the whole of a migration, the wait for another
// process's included.
const migrationTimeout = 5 * time.Minute

// migrate brings a database to the newest schema, in one transaction. Of many
// processes that start at once the first does it, under a lock, and the others
// find it done.
func migrate(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, migrationTimeout)
	defer cancel()
	var version int
	if err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::integer").Scan(&version); err != nil {
		return err
	}
	if version < leastVersion {
		return &pipeline.EngineError{Engine: pipeline.EnginePostgres, Err: fmt.Errorf("the server is version %d.%d", version/10000, version%100), Remedy: "it takes 13 or newer", Permanent: true}
	}
	steps, err := fs.Glob(migrations, "migrations/*.sql") // in the order of their numbers
	if err != nil {
		panic("BUG: the migrations: " + err.Error())
	}
	applied, err := schemaVersion(ctx, conn)
	if err != nil || applied == len(steps) { // which takes no right to make tables
		return err
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return applySteps(ctx, tx, steps) })
}

// applySteps applies the migrations that are missing once nobody else does.
func applySteps(ctx context.Context, tx pgx.Tx, steps []string) error {
	if _, err := tx.Exec(ctx, "SELECT set_config('statement_timeout', '0', true)"); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock("+lockKey("migration")+")"); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `CREATE TABLE IF NOT EXISTS notifyctl_migrations (
		version    integer     PRIMARY KEY,
		applied_at timestamptz NOT NULL DEFAULT now()
	)`); err != nil {
		return err
	}
	applied, err := schemaVersion(ctx, tx)
	if err != nil {
		return err
	}
	for i := applied; i < len(steps); i++ {
		script, err := migrations.ReadFile(steps[i])
		if err != nil {
			panic("BUG: the migrations: " + err.Error())
		}
		if _, err := tx.Exec(ctx, string(script)); err != nil {
			return fmt.Errorf("migration %d: %w", i+1, err)
		}
		if _, err := tx.Exec(ctx, "INSERT INTO notifyctl_migrations (version) VALUES ($1)", i+1); err != nil {
			return err
		}
	}
	return nil
}

// lockKey is the key of an advisory lock of this schema, as SQL. Such locks are
// a database's, which may have several schemas.
func lockKey(of string) string {
	return "hashtextextended('notifyctl ' || " + "'" + of + " ' || current_schema(), 0)"
}

// querier is a connection or a transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// schemaVersion is the number of migrations that were applied.
func schemaVersion(ctx context.Context, q querier) (applied int, err error) {
	var schema, table *string
	if err := q.QueryRow(ctx, "SELECT current_schema(), to_regclass('notifyctl_migrations')::text").Scan(&schema, &table); err != nil {
		return 0, err
	}
	if schema == nil {
		return 0, &pipeline.EngineError{Engine: pipeline.EnginePostgres, Err: errors.New("the schema that search_path names does not exist"), Remedy: "create it", Permanent: true}
	}
	if table == nil {
		return 0, nil
	}
	if err := q.QueryRow(ctx, "SELECT coalesce(max(version), 0) FROM notifyctl_migrations").Scan(&applied); err != nil {
		return 0, err
	}
	if known := knownMigrations(); applied > known {
		return 0, &pipeline.EngineError{Engine: pipeline.EnginePostgres, Err: fmt.Errorf("its schema is version %d, this program knows %d", applied, known), Remedy: "start a newer program", Permanent: true}
	}
	return applied, nil
}

func knownMigrations() int {
	steps, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		panic("BUG: the migrations: " + err.Error())
	}
	return len(steps)
}

// identity is which shard a database is.
type identity struct {
	id, installation pgtype.UUID
}

// claim makes a new database the shard that it is opened as, and refuses one
// that is another. The first shard's id is the installation's.
func claim(ctx context.Context, conn *pgx.Conn, position int, installation pgtype.UUID) (is identity, err error) {
	_, err = conn.Exec(ctx, "UPDATE shard SET position = $1, installation = coalesce($2, id) WHERE position IS NULL", position, installation)
	if err != nil {
		return is, err
	}
	var was int
	if err := conn.QueryRow(ctx, "SELECT id, position, installation FROM shard").Scan(&is.id, &was, &is.installation); err != nil {
		return is, err
	}
	refuse := func(detail string) error {
		return &pipeline.EngineError{
			Engine: pipeline.EnginePostgres, Err: errors.New(detail), Permanent: true,
			Remedy: "give each shard's database once, in the same order as before",
		}
	}
	if was != position {
		return is, refuse("it is given as shard " + strconv.Itoa(position) + ", and is shard " + strconv.Itoa(was))
	}
	if installation.Valid && is.installation != installation {
		return is, refuse("it is shard " + strconv.Itoa(position) + " of another installation than the first shard's")
	}
	return is, nil
}
