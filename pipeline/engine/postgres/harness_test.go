package postgres_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/engine/postgres"
	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

// schemas counts those that this process has made.
//
//nolint:gochecknoglobals // tests of one process share a server
var schemas atomic.Int64

// primary connects to the host of an address that takes writes.
func primary(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), pipelinetest.WithParameter(t, dsn, "target_session_attrs", "read-write"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func execute(t testing.TB, conn *pgx.Conn, sql string, arguments ...any) {
	t.Helper()
	if _, err := conn.Exec(context.Background(), sql, arguments...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// newSchemas makes schemas that end with the test, and gives the address of
// each.
func newSchemas(t testing.TB, dsn string, n int) (dsns []string) {
	t.Helper()
	conn := primary(t, dsn)
	for range n {
		name := fmt.Sprintf("test_%d_%d", conn.PgConn().PID(), schemas.Add(1))
		execute(t, conn, "CREATE SCHEMA "+name)
		t.Cleanup(func() { execute(t, conn, "DROP SCHEMA "+name+" CASCADE") })
		dsns = append(dsns, pipelinetest.WithParameter(t, dsn, "search_path", name))
	}
	return dsns
}

// shared is new schemas on the engine that tests share, a primary with replicas.
func shared(t testing.TB, n int) []string {
	t.Helper()
	return newSchemas(t, pipelinetest.Engine(t, "postgres-0"), n)
}

// open opens shards that the test's end closes.
func open(t testing.TB, dsns ...string) *postgres.Shards {
	t.Helper()
	set, err := tryOpen(t, slog.New(slog.DiscardHandler), dsns...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func tryOpen(t testing.TB, log *slog.Logger, dsns ...string) (*postgres.Shards, error) {
	t.Helper()
	set, err := postgres.OpenShards(context.Background(), postgres.Config{DSNs: dsns, Log: log})
	if err == nil {
		closeAtEnd(t, set)
	}
	return set, err
}

func closeAtEnd(t testing.TB, closer interface{ Close() error }) {
	t.Cleanup(func() {
		if err := closer.Close(); err != nil {
			t.Error(err)
		}
	})
}

// openStore opens the first shard of a set.
func openStore(t testing.TB, set *postgres.Shards) pipeline.PreferenceStore {
	t.Helper()
	store, err := set.Open(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, store)
	return store
}

func email(user string) pipeline.PreferenceKey {
	return pipeline.PreferenceKey{UserID: user, Channel: pipeline.Email}
}

// write sets a user's address to a text.
func write(t testing.TB, s pipeline.PreferenceStore, user, text string) {
	t.Helper()
	if err := s.Write(context.Background(), []pipeline.Preference{{PreferenceKey: email(user), Addresses: []string{text}}}); err != nil {
		t.Fatal(err)
	}
}

// wantText reads a user's address.
func wantText(t testing.TB, s pipeline.PreferenceStore, user, want string) {
	t.Helper()
	got, err := s.Read(context.Background(), []pipeline.PreferenceKey{email(user)})
	if err != nil {
		t.Fatalf("read %s: %v", user, err)
	}
	if len(got) != 1 || len(got[0].Addresses) != 1 || got[0].Addresses[0] != want {
		t.Fatalf("%s has %+v, want %s", user, got, want)
	}
}

// journal is what was logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) has(text string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Contains(j.text.String(), text)
}

func (j *journal) log() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }
