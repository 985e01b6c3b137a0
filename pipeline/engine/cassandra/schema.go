package cassandra

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
)

// maxRetention is what a TTL may be, with what is added to it: 20 years in all.
const maxRetention = 9 * 365 * 24 * time.Hour

const (
	schemaName = "schema" // the row that has the version
	schemaLock = "lock"   // the row of who migrates

	selectVersion = "SELECT version FROM schema_version WHERE name = ?"
)

// step changes one table. Its statement takes the table's name and the seconds
// for which it keeps what is written.
type step struct{ table, statement string }

// byDay compacts what is written in order, never changes and expires in that
// order: a whole file is dropped when all of it has expired.
const byDay = ` AND compaction = {'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'DAYS', 'compaction_window_size': 1}`

// migrations lead from version to version. A statement may be executed again,
// since who began may die.
func migrations() [][]step {
	return [][]step{{
		{"history", `CREATE TABLE IF NOT EXISTS %s (
			user_hash int, month int, accepted_at timestamp, id blob, attempt smallint, state tinyint,
			user_id text, ref text, reason text, at timestamp, replay_of blob, attempted blob, delivery blob,
			PRIMARY KEY ((user_hash, month), accepted_at, id, attempt, state)
		) WITH CLUSTERING ORDER BY (accepted_at DESC, id DESC, attempt ASC, state ASC) AND default_time_to_live = %d` + byDay},
		{"dead_letters", `CREATE TABLE IF NOT EXISTS %s (
			channel tinyint, hour int, id blob,
			user_id text, reason text, record blob, replayed_by blob, undecodable blob,
			PRIMARY KEY ((channel, hour), id)
		) WITH CLUSTERING ORDER BY (id DESC) AND default_time_to_live = %d` + byDay},
		{"dead_hours", `CREATE TABLE IF NOT EXISTS %s (
			list tinyint, hour int, channel tinyint,
			PRIMARY KEY ((list), hour, channel)
		) WITH CLUSTERING ORDER BY (hour DESC, channel ASC) AND default_time_to_live = %d`},
		{"put_aside", `CREATE TABLE IF NOT EXISTS %s (
			channel tinyint, partition int, position bigint, digest blob, id blob,
			PRIMARY KEY ((channel, partition, position, digest))
		) WITH default_time_to_live = %d`},
		{"erasures", `CREATE TABLE IF NOT EXISTS %s (
			list tinyint, noted_at timestamp, user_id text, until timestamp,
			PRIMARY KEY ((list), noted_at, user_id)
		) WITH CLUSTERING ORDER BY (noted_at DESC, user_id ASC) AND default_time_to_live = %d`},
		{"load_runs", `CREATE TABLE IF NOT EXISTS %s (
			list tinyint, run text, hour int, touched timestamp,
			PRIMARY KEY ((list), run, hour)
		) WITH gc_grace_seconds = 3600 AND default_time_to_live = %d`}, // a run that comes back is no harm, and tombstones are
		{"load_run_outcomes", `CREATE TABLE IF NOT EXISTS %s (
			run text, hour int, state tinyint, digest blob, sequences blob,
			PRIMARY KEY ((run, hour), state, digest)
		) WITH default_time_to_live = %d` + byDay},
	}}
}

// lifetimes are the default TTLs of the tables, by retention. What finds rows
// outlives them: a letter is written up to a day and more after the hour of its
// acceptance, and who was erased must be known for as long as anything of
// before may turn up.
func lifetimes(retention time.Duration) map[string]time.Duration {
	return map[string]time.Duration{
		"history":           retention,
		"dead_letters":      retention,
		"dead_hours":        2 * retention,
		"put_aside":         retention,
		"erasures":          erasureLife(retention),
		"load_runs":         2 * retention,
		"load_run_outcomes": 2 * retention,
	}
}

const (
	// lockLife is after how long a migration whose process died is taken over.
	lockLife = 60 * time.Second
	// migrationTimeout bounds all of it: another's migration is waited for, and
	// the nodes' agreement.
	migrationTimeout = 2 * time.Minute
	migrationPoll    = 200 * time.Millisecond
)

// migration is the schema of a keyspace, as a session sees it that is connected
// to none. What depends on something that was made before is asked of one node:
// another may not have heard of it.
type migration struct {
	*gocql.Session
	cfg    *Config
	node   string // its id
	holder string
}

func newMigration(ctx context.Context, s *gocql.Session, cfg *Config) (*migration, error) {
	var node gocql.UUID
	if err := s.Query("SELECT host_id FROM system.local WHERE key = 'local'").Consistency(gocql.One).ScanContext(ctx, &node); err != nil {
		return nil, fmt.Errorf("ask a node for its id: %w", err)
	}
	return &migration{Session: s, cfg: cfg, node: node.String(), holder: rand.Text()}, nil
}

// ask is a statement for the one node, of what it knows itself.
func (m *migration) ask(statement string, values ...any) *gocql.Query {
	return m.Query(statement, values...).Consistency(gocql.One).SetHostID(m.node)
}

// migrate brings the keyspace to our version, by one process at a time. A table
// that two nodes make at once under one name would be two tables; so the first,
// by which the processes find whose turn it is, has an id that both give it.
func (m *migration) migrate(ctx context.Context) error {
	if err := m.versionTable(ctx); err != nil {
		return err
	}
	for {
		done, err := m.advance(ctx)
		switch {
		case err != nil && !unheard(err):
			return err
		case done:
			return m.keep(ctx)
		}
		select {
		case <-time.After(migrationPoll):
		case <-ctx.Done():
			if err != nil {
				return err
			}
			return fmt.Errorf("another process migrates the schema of the keyspace %s, or died at it less than a minute ago: %w", m.cfg.Keyspace, ctx.Err())
		}
	}
}

// advance brings the keyspace to our version, unless it has it, or it is another
// process's turn: then it is not done.
func (m *migration) advance(ctx context.Context) (done bool, err error) {
	version, err := m.version(ctx)
	if err != nil {
		return false, fmt.Errorf("read the version of the schema: %w", err)
	}
	if known := len(migrations()); version > known {
		return false, m.cfg.permanent(fmt.Errorf("the schema of the keyspace %s has version %d, newer than this program's %d", m.cfg.Keyspace, version, known),
			"use the program that made it, or a later one")
	} else if version == known {
		return true, nil
	}
	ours, err := m.lock(ctx)
	if err != nil {
		return false, fmt.Errorf("take the lock of the schema: %w", err)
	}
	if !ours {
		return false, nil
	}
	err = m.run(ctx, version)
	return err == nil, err
}

// unheard says whether a node answers that it does not know a table. A node lists
// a table that is being made before it can be used there, and before it counts
// for the nodes' agreement: who finds it listed may be too early for any of them.
func unheard(err error) bool {
	var invalid *gocql.RequestErrInvalid
	return errors.As(err, &invalid) && strings.HasSuffix(invalid.Error(), "does not exist")
}

func (m *migration) table(name string) string { return m.cfg.Keyspace + "." + name }

// versionTable makes the table of the version, unless it is there.
func (m *migration) versionTable(ctx context.Context) error {
	var name string
	err := m.ask("SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? AND table_name = 'schema_version'", m.cfg.Keyspace).
		ScanContext(ctx, &name)
	if errors.Is(err, gocql.ErrNotFound) {
		statement := fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (name text PRIMARY KEY, version int, holder text) WITH id = %s",
			m.table("schema_version"), tableID(m.table("schema_version")))
		err = m.ask(statement).ExecContext(ctx)
	}
	if err != nil {
		return fmt.Errorf("make the table of the schema's version: %w", err)
	}
	return m.agree(ctx)
}

// tableID makes a table's id of its name, a UUID of version 8.
func tableID(name string) gocql.UUID {
	sum := sha256.Sum256([]byte("notifyctl " + name))
	id := gocql.UUID(sum[:16])
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	return id
}

// agree waits until all nodes that are up have the schema of the one node. It is
// that node which is asked: one that has not heard of a change takes all others
// for not having it either.
func (m *migration) agree(ctx context.Context) error {
	for {
		differ, err := m.differing(ctx)
		if err == nil && len(differ) == 0 {
			return nil
		}
		select {
		case <-time.After(migrationPoll):
		case <-ctx.Done():
			if err == nil {
				err = fmt.Errorf("these have another: %s", strings.Join(differ, ", "))
			}
			return fmt.Errorf("the nodes do not agree on the schema: %w", err)
		}
	}
}

// differing lists the nodes that are up and have another schema.
func (m *migration) differing(ctx context.Context) (differ []string, err error) {
	var ours gocql.UUID
	if err := m.ask("SELECT schema_version FROM system.local WHERE key = 'local'").ScanContext(ctx, &ours); err != nil {
		return nil, err
	}
	up := map[string]string{}
	for _, h := range m.GetHosts() {
		if h.IsUp() {
			up[h.HostID()] = h.ConnectAddress().String()
		}
	}
	peers := m.ask("SELECT host_id, schema_version FROM system.peers_v2").IterContext(ctx)
	var id, theirs gocql.UUID
	for peers.Scan(&id, &theirs) {
		if address, found := up[id.String()]; found && theirs != ours {
			differ = append(differ, address)
		}
	}
	return differ, peers.Close()
}

// version is 0 where there is none yet. It is read by those who agreed on it.
func (m *migration) version(ctx context.Context) (version int, err error) {
	err = m.Query("SELECT version FROM "+m.table("schema_version")+" WHERE name = ?", schemaName).
		Consistency(gocql.LocalSerial).ScanContext(ctx, &version)
	if errors.Is(err, gocql.ErrNotFound) {
		return 0, nil
	}
	return version, err
}

func (m *migration) lock(ctx context.Context) (ours bool, err error) {
	was := map[string]any{}
	ours, err = m.Query("INSERT INTO "+m.table("schema_version")+" (name, holder) VALUES (?, ?) IF NOT EXISTS USING TTL ?",
		schemaLock, m.holder, int(lockLife.Seconds())).MapScanCASContext(ctx, was)
	// A repetition, after an answer that was lost, finds its own.
	return ours || was["holder"] == m.holder, err
}

// run executes what leads from a version to ours, at one node, and lets go.
func (m *migration) run(ctx context.Context, version int) error {
	steps, keep := migrations()[version:], lifetimes(m.cfg.Retention)
	for _, step := range slices.Concat(steps...) {
		statement := fmt.Sprintf(step.statement, m.table(step.table), int(keep[step.table].Seconds()))
		if err := m.ask(statement).ExecContext(ctx); err != nil {
			return fmt.Errorf("migrate the schema: table %s: %w", step.table, err)
		}
	}
	if err := m.agree(ctx); err != nil {
		return err
	}
	// Under the same agreement as the reads of the version.
	_, err := m.Query("UPDATE "+m.table("schema_version")+" SET version = ? WHERE name = ? IF version = ?",
		len(migrations()), schemaName, nullable(version)).MapScanCASContext(ctx, map[string]any{})
	if err != nil {
		return fmt.Errorf("write the version of the schema: %w", err)
	}
	m.cfg.Log.Info("migrated the schema of the history", slog.String("keyspace", m.cfg.Keyspace),
		slog.Int("from", version), slog.Int("to", len(migrations())))
	_, err = m.Query("DELETE FROM "+m.table("schema_version")+" WHERE name = ? IF holder = ?", schemaLock, m.holder).
		MapScanCASContext(ctx, map[string]any{})
	return err
}

func nullable(version int) any {
	if version == 0 {
		return nil
	}
	return version
}

// keep sets how long the tables keep what is written from now on.
func (m *migration) keep(ctx context.Context) error {
	tables := m.ask("SELECT table_name, default_time_to_live FROM system_schema.tables WHERE keyspace_name = ?", m.cfg.Keyspace).IterContext(ctx)
	want, differ := lifetimes(m.cfg.Retention), map[string]int{}
	var (
		table string
		ttl   int
	)
	for tables.Scan(&table, &ttl) {
		if life, ours := want[table]; ours && int(life.Seconds()) != ttl {
			differ[table] = int(life.Seconds())
		}
	}
	if err := tables.Close(); err != nil {
		return fmt.Errorf("read how long the tables keep: %w", err)
	}
	if len(differ) == 0 {
		return nil
	}
	for table, seconds := range differ {
		if err := m.ask(fmt.Sprintf("ALTER TABLE %s WITH default_time_to_live = %d", m.table(table), seconds)).ExecContext(ctx); err != nil {
			return fmt.Errorf("set how long the table %s keeps: %w", table, err)
		}
	}
	m.cfg.Log.Info("the history is kept for", slog.Duration("retention", m.cfg.Retention), slog.String("keyspace", m.cfg.Keyspace))
	return m.agree(ctx)
}
