package pebble

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
)

// inSegments is a configuration with segments and slices of a few rows.
func inSegments(files vfs.FS) Config {
	cfg := inMemory(files)
	cfg.segmentRows, cfg.sliceRows = 5, 8
	return cfg
}

// TestConformanceInSegments has what the suite keeps go through many tables.
func TestConformanceInSegments(t *testing.T) { conform(t, inSegments) }

// version is what a test's row says.
type version struct {
	user string
	n    int
}

// put writes a row as a commit of its own.
func put(ctx context.Context, s *Store, id pipeline.ID, v version) error {
	row := appendAttempts(appendRowHead(nil, pipeline.Delivered, id.Time(), time.Time{}, fmt.Sprint(v.n),
		&pipeline.Record{Notification: pipeline.Notification{UserID: v.user}}), nil, pipeline.Attempt{})
	return s.submitRows(ctx, func(g *group) { g.setRow(id, row) }, nil)
}

// wantVersion compares an id's row with what was written last.
func wantVersion(t rapid.TB, s *Store, id pipeline.ID, want version, there bool) {
	t.Helper()
	w, found, err := s.row(id)
	if err != nil || found != there || found && (w.user != want.user || w.reason != fmt.Sprint(want.n)) {
		t.Fatalf("the row of %s is %q of %q, there %v, %v; want %+v, there %v", id, w.reason, w.user, found, err, want, there)
	}
}

// keptRows is a store beside a model of its rows. Its store's clock stands
// before all of them, so that nothing is dropped unasked.
type keptRows struct {
	disk    *vfs.MemFS
	store   *Store
	rows    map[pipeline.ID]version
	horizon day
	n       int
}

const firstTestDay day = 20_000

func (k *keptRows) open(t *rapid.T) {
	cfg := inSegments(k.disk)
	cfg.HistoryBytes = 1
	cfg.Now = func() time.Time { return firstTestDay.begin().Add(-time.Hour) }
	var err error
	if k.store, err = Open(cfg); err != nil {
		t.Fatal(err)
	}
}

func (k *keptRows) close(t *rapid.T) {
	if err := k.store.Close(); err != nil {
		t.Fatal(err)
	}
}

// drawID draws an id that may be there: of a few users, days and moments.
func drawID(t *rapid.T) (pipeline.ID, string) {
	user := rapid.SampledFrom([]string{"ada", "bob", "eve"}).Draw(t, "user")
	at := (firstTestDay + day(rapid.IntRange(0, 2).Draw(t, "day"))).begin().Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "millisecond")) * time.Millisecond)
	n := pipeline.Notification{UserID: user, Channel: pipeline.Email, Priority: pipeline.High}
	return pipeline.IDKey{}.Make(at, &n, uint32(rapid.IntRange(0, 2).Draw(t, "sequence"))), user
}

func (k *keptRows) put(t *rapid.T) {
	id, user := drawID(t)
	k.n++
	if err := put(context.Background(), k.store, id, version{user, k.n}); err != nil {
		t.Fatal(err)
	}
	if dayOf(id.Time()) >= k.horizon {
		k.rows[id] = version{user, k.n}
	}
}

func (k *keptRows) get(t *rapid.T) {
	id, _ := drawID(t)
	want, there := k.rows[id]
	wantVersion(t, k.store, id, want, there)
}

// list compares a user's rows between two ids, or the first of them.
func (k *keptRows) list(t *rapid.T) {
	from, user := drawID(t)
	before, _ := drawID(t)
	limit := rapid.IntRange(1, 20).Draw(t, "limit")
	ids := slices.DeleteFunc(slices.Collect(maps.Keys(k.rows)), func(id pipeline.ID) bool {
		return k.rows[id].user != user || string(id[:]) < string(from[:]) || string(id[:]) >= string(before[:])
	})
	slices.SortFunc(ids, func(a, b pipeline.ID) int { return strings.Compare(string(b[:]), string(a[:])) })
	var want, got []string
	for _, id := range ids[:min(limit, len(ids))] {
		want = append(want, fmt.Sprint(id, " ", k.rows[id].n))
	}
	err := k.store.userRows(context.Background(), from.UserHash(), from, before, func(id pipeline.ID, value string) (bool, error) {
		w, err := decodeRow(value)
		got = append(got, fmt.Sprint(id, " ", w.reason))
		return len(got) < limit, err
	})
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("of %s from %s before %s there is %v, %v; want %v", user, from, before, got, err, want)
	}
}

// drop drops the days before one, in the tables and in memory.
func (k *keptRows) drop(t *rapid.T) {
	awaitTables := func() {
		if err := k.store.recent.await(context.Background(), 1); err != nil {
			t.Fatal(err)
		}
	}
	awaitTables() // with an older horizon
	before := firstTestDay + day(rapid.IntRange(0, 2).Draw(t, "before"))
	if err := k.store.writer.submit(context.Background(), func(g *group) { g.dropHistory(before) }, nil); err != nil {
		t.Fatal(err)
	}
	k.horizon = k.store.horizon()
	maps.DeleteFunc(k.rows, func(id pipeline.ID, _ version) bool { return dayOf(id.Time()) < k.horizon })
	k.store.recent.sealAny()
	awaitTables()
	rows, err := allRows(k.store)
	if err != nil || len(rows) != len(k.rows) {
		t.Fatalf("there are %d rows, %v, want %d", len(rows), err, len(k.rows))
	}
}

func (k *keptRows) reopen(t *rapid.T) {
	k.close(t)
	k.open(t)
}

func (k *keptRows) crash(t *rapid.T) {
	left := k.disk.CrashClone(vfs.CrashCloneCfg{})
	k.close(t)
	k.disk = left
	k.open(t)
}

// Whatever is written, over what, and wherever it stands by now: each row and
// each list is as it was written last.
func TestRowsAreWhereverTheyAreLookedFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := &keptRows{disk: vfs.NewCrashableMem(), rows: map[pipeline.ID]version{}}
		k.open(t)
		defer func() { k.close(t) }()
		t.Repeat(map[string]func(*rapid.T){
			"put": k.put, "put one more": k.put, "put another": k.put, "get": k.get, "list": k.list,
			"seal": func(*rapid.T) { k.store.recent.sealAny() },
			"write tables": func(t *rapid.T) {
				if err := k.store.recent.await(context.Background(), 1); err != nil {
					t.Fatal(err)
				}
			},
			"drop": k.drop, "reopen": k.reopen, "crash": k.crash,
		})
		for id, want := range k.rows {
			wantVersion(t, k.store, id, want, true)
		}
	})
}

// A process dies at any moment in the life of segments: while one is written,
// when the store has taken it in, before and after its rows have left the
// journal. The next has every row as it was acknowledged last, and nothing is
// left of what was not finished.
func TestACrashAtAnyMomentOfASegment(t *testing.T) {
	type remains struct {
		files *vfs.MemFS
		rows  map[pipeline.ID]version
	}
	var (
		mu           sync.Mutex
		cuts         []remains
		acknowledged = map[pipeline.ID]version{}
		disk         = vfs.NewCrashableMem()
		unsynced     = 0
	)
	cut := errorfs.InjectorFunc(func(op errorfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && len(acknowledged) > 0 {
			unsynced = 100 - unsynced // in turn a power cut and a kill
			left := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: unsynced, RNG: rand.New(rand.NewPCG(1, 2))})
			cuts = append(cuts, remains{left, maps.Clone(acknowledged)})
		}
		return nil
	})
	s, err := Open(inSegments(errorfs.Wrap(disk, cut)))
	if err != nil {
		t.Fatal(err)
	}
	ids := pipeline.NewIDMinter(pipeline.IDKey{1})
	var all []pipeline.ID
	for n := range 60 {
		v := version{fmt.Sprint("user", n%7), n}
		id := ids.Make(time.Now(), &pipeline.Notification{UserID: v.user, Channel: pipeline.Email, Priority: pipeline.High}, ids.Reserve(1))
		if n%4 == 3 { // one of before again
			id = all[n/2]
			v.user = acknowledged[id].user
		}
		all = append(all, id)
		if err := put(t.Context(), s, id, v); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		acknowledged[id] = v
		mu.Unlock()
	}
	toTables(t, s)
	closeStore(t, s)
	t.Logf("%d crashes", len(cuts))
	for _, c := range cuts {
		s, err := Open(inSegments(c.files))
		if err != nil {
			t.Fatal(err)
		}
		check := func() {
			for id, want := range c.rows {
				w, found, err := s.row(id)
				if n := 0; err == nil && found {
					_, _ = fmt.Sscan(w.reason, &n)
					if n >= want.n && w.user == want.user { // or one that was on its way
						continue
					}
				}
				t.Fatalf("the row of %s is %+v, %v, %v, want at least %+v", id, w, found, err, want)
			}
		}
		check()
		toTables(t, s)
		check()
		closeStore(t, s)
		if left := unfinishedTables(t, c.files); len(left) > 0 {
			t.Fatalf("there are %v", left)
		}
	}
}

func unfinishedTables(t *testing.T, files vfs.FS) []string {
	t.Helper()
	names, err := files.List("store")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, tableName) })
}

// While tables cannot be written nothing is lost and nothing is hidden; those
// who bring more rows wait in the end, and go on when it can be done again.
func TestTablesThatCannotBeWritten(t *testing.T) {
	for name, kinds := range map[string][]errorfs.OpKind{
		"made":     {errorfs.OpCreate},
		"filled":   {errorfs.OpFileWrite},
		"synced":   {errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo},
		"taken in": {errorfs.OpOpen},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk := vfs.NewMem()
				f := &fault{file: tableName, kinds: kinds}
				cfg := inSegments(errorfs.Wrap(disk, f))
				s, err := Open(cfg)
				if err != nil {
					t.Fatal(err)
				}
				defer closeStore(t, s)
				f.on.Store(true)
				defer f.on.Store(false)
				ids := pipeline.NewIDMinter(pipeline.IDKey{1})
				rows := map[pipeline.ID]version{}
				n := 0
				var first pipeline.ID
				add := func(ctx context.Context) error {
					v := version{"ada", n}
					id := ids.Make(time.Now(), &pipeline.Notification{UserID: v.user, Channel: pipeline.Email, Priority: pipeline.High}, ids.Reserve(1))
					switch {
					case n == 0:
						first = id
					case n%cfg.segmentRows == 0:
						id = first // in each segment
					}
					n++
					err := put(ctx, s, id, v)
					if err == nil {
						rows[id] = v
					}
					return err
				}
				check := func() {
					t.Helper()
					for id, v := range rows {
						wantVersion(t, s, id, v, true)
					}
				}
				for range maxSealed * cfg.segmentRows {
					if err := add(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if err := add(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("with %d segments in memory another row: %v", maxSealed, err)
				}
				check()
				f.on.Store(false)
				if err := add(t.Context()); err != nil {
					t.Fatal(err)
				}
				toTables(t, s)
				check()
				if n := len(s.recent.current.entries); n > 0 {
					t.Errorf("%d rows are in memory still", n)
				}
				if value, found, err := s.get(journalKey(s.writer.commits - 1)); found || err != nil {
					t.Errorf("the journal holds %x, %v", value, err)
				}
				if left := unfinishedTables(t, disk); len(left) > 0 {
					t.Errorf("there are %v", left)
				}
			})
		})
	}
}

// An id that is in a table is of the same slice for good, whatever comes later.
func TestSlicesBeginBehindWhatIsThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := sliced{rows: rapid.IntRange(1, 20).Draw(t, "rows"), days: map[day]*slicedDay{}}
		s.publish()
		kept := map[pipeline.ID]slice{}
		for range rapid.IntRange(1, 20).Draw(t, "segments") {
			g := newSegment(0)
			for range rapid.IntRange(1, 10).Draw(t, "size") {
				id, _ := drawID(t)
				if err := g.add(appendJournalled(nil, id, nil), 1); err != nil {
					t.Fatal(err)
				}
				if known, found := kept[id]; found && known != s.of(id) {
					t.Fatalf("%s was of %x, and is of %x", id, known, s.of(id))
				}
				kept[id] = s.of(id)
				if s.of(id).day() != dayOf(id.Time()) {
					t.Fatalf("%s is of day %d", id, s.of(id).day())
				}
			}
			for _, d := range s.written(s.brings(g, 0), 0) {
				if again, err := decodeSlicedDay(appendSlicedDay(nil, d)); err != nil || fmt.Sprint(again) != fmt.Sprint(d) {
					t.Fatalf("%+v is read as %+v, %v", d, again, err)
				}
			}
			s.publish()
		}
		for id, known := range kept {
			if s.of(id) != known {
				t.Fatalf("%s was of %x, and is of %x", id, known, s.of(id))
			}
		}
	})
}

// A commit of more than a chunk is found whole, and so is what comes behind it.
func TestASegmentOfLargeCommits(t *testing.T) {
	g, ids := newSegment(0), pipeline.NewIDMinter(pipeline.IDKey{1})
	want := map[pipeline.ID]int{}
	for commit, rows := range []int{3, 1000, 1, 300, 2000} {
		var journal []byte
		for n := range rows {
			id := ids.Make(time.Now(), &pipeline.Notification{UserID: fmt.Sprint("user", n), Channel: pipeline.Email, Priority: pipeline.High}, ids.Reserve(1))
			want[id] = commit*n + 1
			journal = appendJournalled(journal, id, []byte(strings.Repeat("x", want[id])))
		}
		if err := g.add(journal, uint64(commit)); err != nil {
			t.Fatal(err)
		}
	}
	if len(g.chunks) < 3 {
		t.Fatalf("only %d chunks", len(g.chunks))
	}
	for id, size := range want {
		if row, found := g.get(id); !found || len(row) != size {
			t.Fatalf("%s has %d bytes, found %v, want %d", id, len(row), found, size)
		}
	}
	n := 0
	var last []byte
	for id, row := range g.sorted() {
		key := appendRowKey(nil, 0, id)
		if n++; len(row) != want[id] || n > 1 && string(key) <= string(last) {
			t.Fatalf("%x with %d bytes comes behind %x, want %d bytes", key, len(row), last, want[id])
		}
		last = key
	}
	if n != len(want) {
		t.Errorf("%d of %d rows", n, len(want))
	}
}
