package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/engine/sqlite"
	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

// openAll opens a directory's first shards.
func openAll(t testing.TB, dir string, total int) []pipeline.PreferenceStore {
	t.Helper()
	set, err := sqlite.OpenShards(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := set.Close(); err != nil {
			t.Error(err)
		}
	}()
	var shards []pipeline.PreferenceStore
	for i := range total {
		s, err := set.Open(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		shards = append(shards, s)
	}
	return shards
}

func closeShards(t testing.TB, shards []pipeline.PreferenceStore) {
	t.Helper()
	for _, s := range shards {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestConformance(t *testing.T) {
	pipelinetest.PreferenceStore(t, func(t *testing.T) pipeline.PreferenceStore {
		return openAll(t, t.TempDir(), 1)[0]
	})
}

func TestShardsConform(t *testing.T) {
	pipelinetest.PreferenceShards(t, func(t *testing.T) func() pipeline.PreferenceShards {
		dir := t.TempDir()
		return func() pipeline.PreferenceShards {
			set, err := sqlite.OpenShards(dir)
			if err != nil {
				t.Fatal(err)
			}
			return set
		}
	})
}

// Shards of the first schema, in which each file knew the total, are divided as
// they were.
func TestTheFirstSchemaIsDividedByTheModulo(t *testing.T) {
	dir := t.TempDir()
	script, err := os.ReadFile("migrations/0001_preferences.sql")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		db, err := sql.Open("sqlite", filepath.Join(dir, fmt.Sprintf("preferences-%03d.db", i)))
		if err != nil {
			t.Fatal(err)
		}
		for _, statement := range []string{
			string(script), "PRAGMA application_id = 1853122169; PRAGMA user_version = 1",
			fmt.Sprintf("INSERT INTO shard (position, total) VALUES (%d, 3)", i),
			fmt.Sprintf("INSERT INTO preferences VALUES ('u%d', 2, 1, 0, '[]', 7)", i),
		} {
			if _, err := db.Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	set, err := sqlite.OpenShards(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = set.Close() }()
	want := pipeline.ShardLayout{Placement: pipeline.Placement{Shards: 3, Sharding: pipeline.Modulo}}
	if got, err := set.Layout(t.Context(), pipeline.Placement{Shards: 5, Sharding: pipeline.JumpHash}); err != nil || got != want {
		t.Errorf("the layout is %+v, %v, want %+v", got, err, want)
	}
	shards := openAll(t, dir, 3)
	defer closeShards(t, shards)
	for i, s := range shards {
		if got, err := s.Read(t.Context(), email(fmt.Sprint("u", i))); err != nil || len(got) != 1 || got[0].Version != 7 || got[0].Promotional {
			t.Errorf("shard %d has %+v, %v", i, got, err)
		}
	}
}

// The first shard knows how users are divided: without it, the others are not
// opened as if they were divided otherwise.
func TestOtherShardsAreNotOpenedWithoutTheFirst(t *testing.T) {
	dir := t.TempDir()
	closeShards(t, openAll(t, dir, 3))
	if err := os.Remove(filepath.Join(dir, "preferences-000.db")); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a file that was made anew is no answer either
		set, err := sqlite.OpenShards(dir)
		if err != nil {
			t.Fatal(err)
		}
		_, err = set.Layout(t.Context(), pipeline.Placement{Shards: 2, Sharding: pipeline.Modulo})
		if err == nil || !strings.Contains(err.Error(), "restore it from a copy") {
			t.Errorf("got %v", err)
		}
		if err := set.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func email(user string) []pipeline.PreferenceKey {
	return []pipeline.PreferenceKey{{UserID: user, Channel: pipeline.Email}}
}

func TestReopenedShardsKeepTheirRows(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b?c#d%20", "preferences")
	shards := openAll(t, dir, 3)
	for i, s := range shards {
		row := pipeline.Preference{PreferenceKey: email(fmt.Sprint("u", i))[0], Addresses: []string{"a@b"}}
		if err := s.Write(t.Context(), []pipeline.Preference{row}); err != nil {
			t.Fatal(err)
		}
	}
	closeShards(t, shards)
	shards = openAll(t, dir, 3)
	defer closeShards(t, shards)
	for i, s := range shards {
		got, err := s.Read(t.Context(), email(fmt.Sprint("u", i)))
		if err != nil || len(got) != 1 || got[0].Addresses[0] != "a@b" {
			t.Errorf("shard %d: %+v, %v", i, got, err)
		}
	}
}

func TestFilesAreForTheirOwnerAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "preferences")
	shards := openAll(t, dir, 2)
	defer closeShards(t, shards)
	if err := shards[0].Write(t.Context(), []pipeline.Preference{{PreferenceKey: email("u")[0]}}); err != nil {
		t.Fatal(err)
	}
	seen := 0
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		seen++
		return nil
	})
	if err != nil || seen < 4 { // the directory, two files, a WAL
		t.Errorf("saw %d files, %v", seen, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	file := func(dir string) string { return filepath.Join(dir, "preferences-000.db") }
	foreign := func(t *testing.T, dir, script string) {
		db, err := sql.Open("sqlite", file(dir))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(script); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name    string
		prepare func(t *testing.T, dir string)
		want    string
	}{
		{"another shard's file", func(t *testing.T, dir string) {
			closeShards(t, openAll(t, dir, 3))
			if err := os.Rename(filepath.Join(dir, "preferences-002.db"), file(dir)); err != nil {
				t.Fatal(err)
			}
		}, "it is shard 2, not 0"},
		{"a damaged file", func(t *testing.T, dir string) {
			if err := os.WriteFile(file(dir), []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "the file is damaged or no database"},
		{"a cut file", func(t *testing.T, dir string) {
			closeShards(t, openAll(t, dir, 1))
			if err := os.Truncate(file(dir), 5000); err != nil {
				t.Fatal(err)
			}
		}, "the file is damaged or no database"},
		{"a directory as a file", func(t *testing.T, dir string) {
			if err := os.Mkdir(file(dir), 0o700); err != nil {
				t.Fatal(err)
			}
		}, "is a directory"},
		{"another program's database", func(t *testing.T, dir string) { foreign(t, dir, "CREATE TABLE x (y)") }, "of another program"},
		{"a newer schema", func(t *testing.T, dir string) {
			closeShards(t, openAll(t, dir, 1))
			foreign(t, dir, "PRAGMA user_version = 99")
		}, "start a newer program"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			c.prepare(t, dir)
			set, err := sqlite.OpenShards(dir)
			if err == nil {
				_ = set.Close()
			}
			if err == nil || set != nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("got %v, want one line with %q", err, c.want)
			}
		})
	}
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.OpenShards(filepath.Join(blocked, "x")); err == nil {
		t.Error("a directory within a file was opened")
	}
}

// While another process holds the file, a write waits and then says so; it is
// not there half.
func TestLockedFile(t *testing.T) {
	dir := t.TempDir()
	shards := openAll(t, dir, 1)
	defer closeShards(t, shards)
	db, err := sql.Open("sqlite", filepath.Join(dir, "preferences-000.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	err = shards[0].Write(t.Context(), []pipeline.Preference{{PreferenceKey: email("u")[0]}})
	if !errors.Is(err, pipeline.ErrUnavailable) || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("got %v", err)
	}
	if got, err := shards[0].Read(t.Context(), email("u")); err != nil || len(got) != 0 {
		t.Errorf("a reader got %+v, %v", got, err)
	}
	if _, err := db.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := shards[0].Write(t.Context(), []pipeline.Preference{{PreferenceKey: email("u")[0]}}); err != nil {
		t.Errorf("after the lock: %v", err)
	}
}

// BenchmarkRead looks up all channels of users drawn from many more than the page
// caches hold, as caches in the process have missed them.
func BenchmarkRead(b *testing.B) {
	shards := openAll(b, b.TempDir(), 1)
	defer closeShards(b, shards)
	const users = 250_000
	keysOf := func(keys []pipeline.PreferenceKey, name string, user int) []pipeline.PreferenceKey {
		for _, c := range pipeline.Channels() {
			keys = append(keys, pipeline.PreferenceKey{UserID: fmt.Sprintf("%s%d", name, user), Channel: c})
		}
		return keys
	}
	for from := 0; from < users; from += 5000 {
		var rows []pipeline.Preference
		for i := range 5000 {
			for _, key := range keysOf(nil, "u", from+i) {
				rows = append(rows, pipeline.Preference{PreferenceKey: key, Addresses: []string{fmt.Sprintf("%032d", from+i)}})
			}
		}
		if err := shards[0].Write(context.Background(), rows); err != nil {
			b.Fatal(err)
		}
	}
	for _, name := range []string{"u", "unknown"} {
		for _, n := range []int{1, 10, 100} {
			b.Run(fmt.Sprintf("users=%s/n=%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					var keys []pipeline.PreferenceKey
					for range n {
						keys = keysOf(keys, name, rand.IntN(users))
					}
					if _, err := shards[0].Read(context.Background(), keys); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/user")
			})
		}
	}
}
