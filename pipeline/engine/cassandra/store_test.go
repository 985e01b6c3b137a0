package cassandra

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/engine/cassandra/cassandratest"
)

// another is a keyspace that a test has for itself.
func another(t *testing.T, name string) DSN {
	t.Helper()
	d := cluster(t)
	d.Keyspace += "_" + name
	t.Cleanup(func() {
		cassandratest.Drop(t, cassandratest.Keyspace{Hosts: d.Hosts, User: d.User, Password: d.Password, Name: d.Keyspace})
	})
	return d
}

// Several processes that start at once make one schema; each later one finds it
// as it is, however long it wants the history kept.
func TestOpensAtOnce(t *testing.T) {
	d := another(t, "opens")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			s, err := Open(t.Context(), config(d))
			if err != nil {
				t.Error(err)
				return
			}
			f := facts(1)
			if err := s.Record(t.Context(), f); err != nil {
				t.Error(err)
			}
			if rows, err := s.Rows(t.Context(), []pipeline.ID{f[0].Delivery.ID}); err != nil || rows[0].State != pipeline.Delivered {
				t.Errorf("found is %+v, %v", rows, err)
			}
			if err := errors.Join(s.Check(t.Context()), s.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	cfg := config(d)
	cfg.Replication, cfg.Retention = 1000, 30*24*time.Hour
	var log bytes.Buffer
	cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	s := open(t, cfg)
	if !strings.Contains(log.String(), "fewer copies than the plan") || strings.Contains(log.String(), "migrated") {
		t.Errorf("it logged %s", log.String())
	}
	var ttl int
	const kept = "SELECT default_time_to_live FROM system_schema.tables WHERE keyspace_name = ? AND table_name = 'history'"
	if err := s.session.Query(kept, d.Keyspace).Consistency(gocql.One).Scan(&ttl); err != nil || ttl != 30*24*3600 {
		t.Errorf("the history is kept for %d s, %v", ttl, err)
	}
	if err := s.query("UPDATE schema_version SET version = ? WHERE name = ?", len(migrations())+1, schemaName).Exec(); err != nil {
		t.Fatal(err)
	}
	refused(t, cfg, true, "newer than this program's", "a later one")
}

// secret is a password that no error may hold.
const secret = "not-the-password"

// refused checks that opening fails with one line that says all.
func refused(t *testing.T, cfg Config, permanent bool, says ...string) {
	t.Helper()
	_, err := Open(t.Context(), cfg)
	var fault *pipeline.EngineError
	if !errors.As(err, &fault) {
		t.Fatalf("it gave %v, want an engine's error", err)
	}
	for _, part := range append(says, "cassandra at "+cfg.Address()+":") {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("it says %q, want %q", err, part)
		}
	}
	if fault.Permanent != permanent || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), secret) {
		t.Errorf("it says %q, permanent: %v", err, fault.Permanent)
	}
}

func TestOpenRefuses(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	unreachable := config(DSN{Hosts: []string{closed.Addr().String()}, Keyspace: "k", Password: secret})
	refused(t, unreachable, false, "connection refused", "check the address")
	untrusting := unreachable
	untrusting.TLS, untrusting.CA = true, "missing.pem"
	refused(t, untrusting, true, "missing.pem: no such file", "?ca=FILE")
	for _, wrong := range []Config{
		{DSN: unreachable.DSN, Retention: time.Hour},
		{DSN: unreachable.DSN, Replication: 1, Retention: time.Minute},
		{DSN: unreachable.DSN, Replication: 1, Retention: 20 * 365 * 24 * time.Hour},
	} {
		refused(t, wrong, true, "want 1")
	}
}

func TestOpenRefusesCluster(t *testing.T) {
	cfg := config(cluster(t))
	cfg.LocalDC = "elsewhere"
	refused(t, cfg, true, `no node is in the data centre "elsewhere"`, "its data centres are: ")
	if cfg = config(cluster(t)); cfg.User == "" {
		t.Skip("the cluster takes anybody")
	}
	cfg.Password = secret
	refused(t, cfg, true, "check the user and the password")
}

func TestRemedies(t *testing.T) {
	for says, want := range map[string]string{
		"gocql: unable to create session: unable to connect to initial hosts: Provided username a and/or password are incorrect": "password",
		"gocql: unable to create session: unable to connect to initial hosts: Invalid or unsupported protocol version (5)":       "4.0 or later",
		"tls: failed to verify certificate: x509: certificate signed by unknown authority":                                       "tls and ca",
		"make the keyspace k: User a has no CREATE permission on <all keyspaces> or any of its parents":                          "grant",
	} {
		if text, permanent := remedy(errors.New(says)); !permanent || !strings.Contains(text, want) {
			t.Errorf("%q: do %q (permanent: %v), want %q", says, text, permanent, want)
		}
	}
	d := DSN{Hosts: []string{"a:9042"}}
	for says, found := range map[string]error{
		"cassandra at a:9042: dial tcp a:9042: connect: connection refused; start it, or check the address": errors.New(
			"gocql: unable to create session: unable to connect to initial hosts: dial tcp a:9042: connect: connection refused"),
		"cassandra at a:9042: take the lock of the schema: no answer in time; see whether its nodes are up and how busy they are, or wait longer by --wait": fmt.Errorf(
			"take the lock of the schema: %w", context.DeadlineExceeded),
	} {
		if got := d.fault(found); got.Error() != says {
			t.Errorf("the line is %q, want %q", got, says)
		}
	}
	if text, permanent := remedy(fmt.Errorf("dial: %w", &net.DNSError{Err: "no such host", Name: "a"})); permanent || !strings.Contains(text, "names") {
		t.Errorf("an unknown host: do %q (permanent: %v)", text, permanent)
	}
}
