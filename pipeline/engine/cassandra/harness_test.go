package cassandra

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

// keyspace is the test binary's own. Its tables take seconds to make, so all
// tests share them, with users, ids and reasons of their own.
//
//nolint:gochecknoglobals // shared by the tests and dropped behind the last
var keyspace struct {
	name string
	once sync.Once
	dsn  DSN
}

func TestMain(m *testing.M) {
	keyspace.name = "test_" + strings.ToLower(rand.Text()[:12])
	code := m.Run()
	if len(keyspace.dsn.Hosts) > 0 {
		if err := dropKeyspace(keyspace.dsn); err != nil {
			fmt.Fprintln(os.Stderr, "the keyspace of the tests is left:", err)
		}
	}
	os.Exit(code)
}

// dropKeyspace takes away what tests made.
func dropKeyspace(d DSN) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := d.probe(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Query("DROP KEYSPACE IF EXISTS " + d.Keyspace).ExecContext(ctx)
}

// cluster is the cluster under test with a keyspace, or the test is skipped.
func cluster(t testing.TB) DSN {
	t.Helper()
	d, err := ParseDSN(pipelinetest.Engine(t, "cassandra"))
	if err != nil {
		t.Fatal(err)
	}
	d.Keyspace = keyspace.name
	keyspace.once.Do(func() { keyspace.dsn = d })
	return d
}

// config is one for tests: erasures take a tenth of a second.
func config(d DSN) Config {
	return Config{
		DSN: d, Replication: 3, Retention: 60 * 24 * time.Hour, ErasureLag: 100 * time.Millisecond,
		Log: slog.New(slog.DiscardHandler),
	}
}

func open(t testing.TB, cfg Config) *Store {
	t.Helper()
	s, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
