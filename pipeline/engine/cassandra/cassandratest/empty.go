// Package cassandratest empties a keyspace between tests, which takes some tens
// of milliseconds, where making another takes seconds.
package cassandratest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
	"golang.org/x/sync/errgroup"
)

// Keyspace is a keyspace of a cluster, with user and password, which may be
// empty.
type Keyspace struct {
	Hosts          []string
	User, Password string
	Name           string
}

// Empty deletes what the tables of a keyspace hold, but for the version of the
// schema. A keyspace that is not there is empty. Who has it open must open it
// anew: who was erased is remembered in memory, and so are load runs.
func Empty(t testing.TB, k Keyspace) {
	t.Helper()
	s := k.connect(t)
	defer s.Close()
	tables := map[string][]string{} // the columns of their partition keys
	columns := s.Query("SELECT table_name, column_name, kind, position FROM system_schema.columns WHERE keyspace_name = ?", k.Name).Iter()
	var (
		table, column, kind string
		position            int
	)
	for columns.Scan(&table, &column, &kind, &position) {
		if kind != "partition_key" || table == "schema_version" {
			continue
		}
		for len(tables[table]) <= position {
			tables[table] = append(tables[table], "")
		}
		tables[table][position] = column
	}
	if err := columns.Close(); err != nil {
		t.Fatalf("read the tables of %s: %v", k.Name, err)
	}
	for table, key := range tables {
		emptyTable(t, s, k.Name+"."+table, key)
	}
}

// Drop takes the keyspace away.
func Drop(t testing.TB, k Keyspace) {
	t.Helper()
	s := k.connect(t)
	defer s.Close()
	if err := s.Query("DROP KEYSPACE IF EXISTS " + k.Name).Exec(); err != nil {
		t.Fatalf("drop %s: %v", k.Name, err)
	}
}

func (k Keyspace) connect(t testing.TB) *gocql.Session {
	t.Helper()
	c := gocql.NewCluster(k.Hosts...)
	c.ProtoVersion, c.Timeout, c.ConnectTimeout = 5, 30*time.Second, 10*time.Second
	c.Consistency = gocql.LocalQuorum
	if k.User != "" {
		c.Authenticator = gocql.PasswordAuthenticator{Username: k.User, Password: k.Password}
	}
	s, err := c.CreateSession()
	if err != nil {
		t.Fatalf("connect to Cassandra: %v", err)
	}
	return s
}

// emptyTable deletes the partitions of a table, of which tests make few.
func emptyTable(t testing.TB, s *gocql.Session, table string, key []string) {
	t.Helper()
	found := s.Query(fmt.Sprintf("SELECT DISTINCT %s FROM %s", strings.Join(key, ", "), table)).Iter()
	statement := fmt.Sprintf("DELETE FROM %s WHERE %s = ?", table, strings.Join(key, " = ? AND "))
	var deletes errgroup.Group
	deletes.SetLimit(32)
	for row := map[string]any{}; found.MapScan(row); row = map[string]any{} {
		values := make([]any, len(key))
		for i, column := range key {
			values[i] = row[column]
		}
		deletes.Go(func() error { return s.Query(statement, values...).Exec() })
	}
	if err := errors.Join(found.Close(), deletes.Wait()); err != nil {
		t.Fatalf("empty %s: %v", table, err)
	}
}
