package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/engine/postgres"
)

func TestBadAddresses(t *testing.T) {
	for _, c := range []struct{ dsn, want string }{
		{"", "want postgres://"},
		{"localhost:5432/db", "want postgres://"},
		{"host=localhost password=secret", "want postgres://"},
		{"mysql://u:secret@h/db", "want postgres://"},
		{"postgres://u:sec/ret@h/db", "want postgres://"},
		{"postgres://u:sec ret@h:x/db", "want postgres://"},
		{"postgres://u:secret@h1:5432,h2:secret/db", "want postgres://"},
		{"postgres://u:secret@h", "no database is named"},
		{"postgres://u:secret@/db", "want postgres://"},
		{"postgres://u:secret@h/db?sslmode=secret", "sslmode"},
		{"postgres://u:secret@h/db?connect_timeout=x", "connect_timeout"},
		{"postgres://u:secret@h/db?pool_max_conns=x", "pool_max_conns"},
	} {
		err := postgres.CheckDSN(c.dsn)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") ||
			strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "sec/ret") || strings.Contains(err.Error(), "sec ret") {
			t.Errorf("%q: %v, want one line with %q and without the password", c.dsn, err, c.want)
		}
		if c.dsn == "" {
			continue
		}
		_, err = tryOpen(t, slog.New(slog.DiscardHandler), "postgres://u@h/db", c.dsn)
		if err == nil || !strings.HasPrefix(err.Error(), "--postgres, number 2: ") {
			t.Errorf("%q: %v", c.dsn, err)
		}
	}
	for _, dsn := range []string{"postgres://u:p%40%2F@h1:1,h2:2,h3:3/db?sslmode=disable&search_path=x", "postgresql://h/db"} {
		if err := postgres.CheckDSN(dsn); err != nil {
			t.Errorf("%q: %v", dsn, err)
		}
	}
	if _, err := tryOpen(t, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("no address is taken")
	}
}

// wantFault is an engine's error of one line.
func wantFault(t *testing.T, err error, permanent bool, want ...string) {
	t.Helper()
	fault, ok := errors.AsType[*pipeline.EngineError](err)
	if !ok || fault.Engine != pipeline.EnginePostgres || fault.Address == "" || fault.Permanent != permanent || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v (%+v)", err, fault)
		return
	}
	for _, text := range want {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("got %v, want %q", err, text)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	discard := slog.New(slog.DiscardHandler)
	refused := func(t *testing.T, permanent bool, dsns []string, want ...string) {
		t.Helper()
		_, err := tryOpen(t, discard, dsns...)
		wantFault(t, err, permanent, want...)
	}
	s := newPrimary(t)
	s.sql("CREATE ROLE weak LOGIN PASSWORD 'secret'", "CREATE DATABASE other")
	host := fmt.Sprintf("127.0.0.1:%d", s.port)
	t.Run("nobody there", func(t *testing.T) {
		refused(t, false, []string{fmt.Sprintf("postgres://u:secret@127.0.0.1:%d/db", freePort(t))}, "connection refused", "start it, or correct --postgres")
	})
	t.Run("a wrong password", func(t *testing.T) {
		refused(t, true, []string{"postgres://weak:secret2@" + host + "/postgres"}, "password authentication failed", "correct the user and password", host)
	})
	t.Run("no such database", func(t *testing.T) {
		refused(t, true, []string{"postgres://postgres@" + host + "/nowhere"}, `database "nowhere" does not exist`, "createdb")
	})
	t.Run("no such schema", func(t *testing.T) {
		refused(t, true, []string{"postgres://postgres@" + host + "/postgres?search_path=nowhere"}, "search_path")
	})
	t.Run("no right to make tables", func(t *testing.T) {
		refused(t, true, []string{"postgres://weak:secret@" + host + "/other"}, "permission denied", "let the role make tables")
	})
	t.Run("a replica alone", func(t *testing.T) {
		refused(t, false, []string{dsn(newReplica(t, s))}, "is a replica")
	})
	t.Run("another program's tables", func(t *testing.T) {
		dsns := newSchemas(t, dsn(s), 1)
		execute(t, primary(t, dsns[0]), "CREATE TABLE preferences (x integer)")
		refused(t, true, dsns, "already exists", "of its own")
	})
	t.Run("a newer schema", func(t *testing.T) {
		dsns := newSchemas(t, dsn(s), 1)
		open(t, dsns...)
		execute(t, primary(t, dsns[0]), "INSERT INTO notifyctl_migrations (version) VALUES (99)")
		refused(t, true, dsns, "its schema is version 99", "start a newer program")
	})
	t.Run("the same twice", func(t *testing.T) {
		dsns := newSchemas(t, dsn(s), 1)
		refused(t, true, []string{dsns[0], dsns[0]}, "it is given as shard 1, and is shard 0", "once")
	})
	t.Run("another order", func(t *testing.T) {
		dsns := newSchemas(t, dsn(s), 2)
		open(t, dsns...)
		refused(t, true, []string{dsns[1], dsns[0]}, "it is given as shard 0, and is shard 1", "same order")
	})
	t.Run("another installation's", func(t *testing.T) {
		dsns := newSchemas(t, dsn(s), 3)
		open(t, dsns[0], dsns[1])
		refused(t, true, []string{dsns[2], dsns[1]}, "of another installation")
	})
	t.Run("too few", func(t *testing.T) {
		dsns := newSchemas(t, dsn(s), 2)
		set := open(t, dsns...)
		if _, err := set.Layout(t.Context(), pipeline.Placement{Shards: 2, Sharding: pipeline.Modulo}); err != nil {
			t.Fatal(err)
		}
		_, err := open(t, dsns[0]).Layout(t.Context(), pipeline.Placement{Shards: 1, Sharding: pipeline.Modulo})
		wantFault(t, err, true, "the preferences lie on 2 shards", "give --postgres 2 times, in the same order")
		_, err = open(t, newSchemas(t, dsn(s), 1)...).Layout(t.Context(), pipeline.Placement{Shards: 3, Sharding: pipeline.Modulo})
		wantFault(t, err, true, "3 shards")
		err = set.SetLayout(t.Context(), pipeline.ShardLayout{Placement: pipeline.Placement{Shards: 2, Sharding: pipeline.Modulo}, Next: pipeline.Placement{Shards: 3, Sharding: pipeline.Modulo}})
		if refused, ok := errors.AsType[*pipeline.ShardsError](err); !ok || refused.To != 3 {
			t.Errorf("more shards than addresses: %v", err)
		}
	})
	t.Run("tables that are there need no rights", func(t *testing.T) {
		s.sql("CREATE SCHEMA ready", "GRANT USAGE ON SCHEMA ready TO weak", "ALTER DEFAULT PRIVILEGES IN SCHEMA ready GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON TABLES TO weak")
		open(t, "postgres://postgres@"+host+"/postgres?search_path=ready")
		write(t, openStore(t, open(t, "postgres://weak:secret@"+host+"/postgres?search_path=ready")), "ada", "x")
	})
}

// However many processes start at once over empty databases, they agree.
func TestManyOpenAtOnce(t *testing.T) {
	dsns := shared(t, 2)
	const processes = 6
	sets, keys := make([]*postgres.Shards, processes), make([]pipeline.IDKey, processes)
	layouts := make([]pipeline.ShardLayout, processes)
	var wg sync.WaitGroup
	for i := range processes {
		wg.Go(func() {
			var err error
			if sets[i], err = postgres.OpenShards(context.Background(), postgres.Config{DSNs: dsns, Connections: 2, Log: slog.New(slog.DiscardHandler)}); err != nil {
				t.Error(err)
				return
			}
			keys[i], err = sets[i].IDKey(context.Background(), nil)
			if err != nil {
				t.Error(err)
			}
			layouts[i], err = sets[i].Layout(context.Background(), pipeline.Placement{Shards: 1 + i%2, Sharding: pipeline.JumpHash})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i, set := range sets {
		if set == nil {
			continue
		}
		closeAtEnd(t, set)
		if keys[i] != keys[0] || layouts[i] != layouts[0] || keys[i] == (pipeline.IDKey{}) {
			t.Errorf("process %d has key %x and layout %+v, the first %x and %+v", i, keys[i], layouts[i], keys[0], layouts[0])
		}
	}
}

func TestIDKey(t *testing.T) {
	given, other := pipeline.IDKey{1, 2, 3}, pipeline.IDKey{4}
	t.Run("made here", func(t *testing.T) {
		dsns := shared(t, 1)
		made, err := open(t, dsns...).IDKey(t.Context(), nil)
		if err != nil || made == (pipeline.IDKey{}) {
			t.Fatalf("made %x, %v", made, err)
		}
		again := open(t, dsns...)
		if key, err := again.IDKey(t.Context(), nil); err != nil || key != made {
			t.Errorf("the next process has %x, %v", key, err)
		}
		if key, err := again.IDKey(t.Context(), &made); err != nil || key != made {
			t.Errorf("given, it is %x, %v", key, err)
		}
		_, err = again.IDKey(t.Context(), &other)
		wantFault(t, err, true, "NOTIFYCTL_ID_KEY is another key", "give the key that the installation began with")
	})
	t.Run("given", func(t *testing.T) {
		dsns := shared(t, 1)
		set := open(t, dsns...)
		for range 2 {
			if key, err := set.IDKey(t.Context(), &given); err != nil || key != given {
				t.Errorf("got %x, %v", key, err)
			}
		}
		var kept *string
		if err := primary(t, dsns[0]).QueryRow(t.Context(), "SELECT key::text FROM id_key").Scan(&kept); err != nil || kept != nil {
			t.Errorf("the database has %v, %v", kept, err)
		}
		_, err := set.IDKey(t.Context(), nil)
		wantFault(t, err, true, "was given from outside", "give it by NOTIFYCTL_ID_KEY")
		_, err = set.IDKey(t.Context(), &other)
		wantFault(t, err, true, "NOTIFYCTL_ID_KEY is another key")
	})
}
