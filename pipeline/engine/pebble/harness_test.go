package pebble

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/notifyctl/notifyctl/pipeline"
)

// submitter commits notifications that end at once, so that each leaves a row
// to look for.
type submitter struct {
	store *Store
	ids   *pipeline.IDMinter
	// acknowledged counts those whose commit has returned.
	acknowledged atomic.Int64
}

func newSubmitter(s *Store) *submitter {
	return &submitter{store: s, ids: pipeline.NewIDMinter(pipeline.IDKey{1, 2, 3})}
}

// commit commits n notifications, in rows of about a thousand bytes.
func (s *submitter) commit(t *testing.T, n int) error {
	now, first := time.Now(), s.ids.Reserve(n)
	admissions := make([]pipeline.Admission, n)
	for i := range admissions {
		notification := pipeline.Notification{
			UserID: fmt.Sprint("user", i), Channel: pipeline.Email, Priority: pipeline.High, Category: pipeline.Promotional,
		}
		admissions[i] = pipeline.Admission{
			Record: pipeline.Record{ID: s.ids.Make(now, &notification, first+uint32(i)), Notification: notification},
			Result: pipeline.Result{State: pipeline.Suppressed, Reason: strings.Repeat("opted out ", 100)}, Claim: -1,
		}
	}
	r, err := s.store.Reserve(t.Context(), nil)
	if err != nil {
		return err
	}
	defer r.Release()
	if err := r.Commit(t.Context(), admissions); err != nil {
		return err
	}
	s.acknowledged.Add(int64(n))
	return nil
}

func (s *submitter) mustCommit(t *testing.T, n int) {
	t.Helper()
	if err := s.commit(t, n); err != nil {
		t.Fatal(err)
	}
}

// wantWhole opens a store and looks for what was acknowledged.
func wantWhole(t *testing.T, files vfs.FS, acknowledged int64) {
	t.Helper()
	s, err := Open(inMemory(files))
	if err != nil {
		t.Errorf("with %d acknowledged, and no damage: %v", acknowledged, err)
		return
	}
	wantAll(t, s, acknowledged)
	closeStore(t, s)
}

func wantAll(t *testing.T, s *Store, acknowledged int64) {
	t.Helper()
	a, err := s.Account(t.Context())
	if err != nil || a.Accepted < acknowledged || a.Suppressed != a.Accepted {
		t.Errorf("the account is %+v, %v; %d were acknowledged", a, err, acknowledged)
	}
	if rows, err := countRows(s); err != nil || rows != a.Accepted {
		t.Errorf("of %d accepted there are %d rows, %v", a.Accepted, rows, err)
	}
}

func countRows(s *Store) (n int64, err error) {
	rows, err := allRows(s)
	return int64(len(rows)), err
}

// allRows reads every row, in tables and in memory.
func allRows(s *Store) (rows map[pipeline.ID]string, err error) {
	rows = map[pipeline.ID]string{}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: rowsBefore(0)})
	if err != nil {
		return nil, err
	}
	defer closeIter(it, &err)
	for valid := it.First(); valid; valid = it.Next() {
		_, _, id, err := parseRowKey(it.Key())
		if err != nil {
			return nil, err
		}
		rows[id] = string(it.Value())
	}
	s.recent.mu.RLock()
	defer s.recent.mu.RUnlock()
	for _, g := range append(s.recent.sealed[:len(s.recent.sealed):len(s.recent.sealed)], s.recent.current) {
		for id, row := range g.sorted() {
			rows[id] = string(row)
		}
	}
	return rows, nil
}

// toTables writes all rows to tables.
func toTables(t *testing.T, s *Store) {
	t.Helper()
	s.recent.sealAny()
	if err := s.recent.await(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
}

// killed is the disk as a killed process leaves it: all that was written.
func killed(disk *vfs.MemFS) *vfs.MemFS {
	return disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(0, 0))})
}

// wantRefused opens a store that is damaged, and sees that it is refused with
// what can be done, and left as it is.
func wantRefused(t *testing.T, files vfs.FS) {
	t.Helper()
	before := contents(t, files)
	s, err := Open(inMemory(files))
	if err == nil {
		t.Error("it opened")
		closeStore(t, s)
		return
	}
	for _, words := range []string{"the store in store", "its files are damaged", "restore them from a copy", "another directory"} {
		if !strings.Contains(err.Error(), words) {
			t.Errorf("the error does not say %q: %v", words, err)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %v", err)
	}
	after := contents(t, files)
	for name, content := range before {
		if now, found := after[name]; !found || now != content {
			t.Errorf("%s had %d bytes, and is there %v with %d", name, len(content), found, len(now))
		}
	}
}

// contents reads the files of a store.
func contents(t *testing.T, files vfs.FS) map[string]string {
	t.Helper()
	names, err := files.List("store")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, name := range names {
		f, err := files.Open(path.Join("store", name))
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		all[name] = string(content)
	}
	return all
}

// diskOf lays files on a new disk.
func diskOf(t *testing.T, all map[string]string) vfs.FS {
	t.Helper()
	disk := vfs.NewMem()
	if err := disk.MkdirAll("store", 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range all {
		f, err := disk.Create(path.Join("store", name), vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return disk
}

// damaged is a copy of the files with one of them damaged.
func damaged(all map[string]string, name string, damage func(content string) string) map[string]string {
	left := map[string]string{}
	for n, content := range all {
		if n != name {
			left[n] = content
		} else if damage != nil {
			left[n] = damage(content)
		}
	}
	return left
}

// damages are what can befall a file; nil removes it.
func damages() map[string]func(content string) string {
	return map[string]func(content string) string{
		"missing": nil,
		"empty":   func(string) string { return "" },
		"garbled": func(content string) string { return strings.Repeat("\xa5", len(content)) },
		"zeroed":  func(content string) string { return strings.Repeat("\x00", len(content)) },
		"halved":  func(content string) string { return content[:len(content)/2] },
		"a bit":   func(content string) string { return flip(content, len(content)/3) },
		"its end": func(content string) string { return flip(content, len(content)-1) },
	}
}

func flip(content string, at int) string {
	b := []byte(content)
	b[at] ^= 4
	return string(b)
}

func logsOf(all map[string]string) []string {
	var logs []string
	for name := range all {
		if isLog(name) {
			logs = append(logs, name)
		}
	}
	slices.Sort(logs)
	return logs
}

// stall is a file system whose operations of one kind wait.
type stall struct {
	kinds   []errorfs.OpKind
	suffix  string
	on      atomic.Bool
	reached chan struct{} // gets an element when one waits
	release chan struct{}
}

func newStall(suffix string, kinds ...errorfs.OpKind) *stall {
	return &stall{kinds: kinds, suffix: suffix, reached: make(chan struct{}, 1), release: make(chan struct{})}
}

func (s *stall) MaybeError(op errorfs.Op) error {
	if s.on.Load() && strings.HasSuffix(op.Path, s.suffix) && slices.Contains(s.kinds, op.Kind) {
		select {
		case s.reached <- struct{}{}:
		default:
		}
		<-s.release
	}
	return nil
}

func (*stall) String() string { return "stall" }

// keyNumber is a key like those that requests have, which are hashes.
func keyNumber(n int) (key pipeline.KeyHash) {
	random := rand.New(rand.NewPCG(uint64(n), 1))
	binary.LittleEndian.PutUint64(key[:8], random.Uint64())
	binary.LittleEndian.PutUint64(key[8:], random.Uint64())
	return key
}

// answerKeys keeps the answers of requests with n keys from first on.
func answerKeys(t testing.TB, s *Store, first, n int) {
	t.Helper()
	claims, admissions := make([]pipeline.Claim, n), make([]pipeline.Admission, n)
	for i := range claims {
		claims[i] = pipeline.Claim{Key: keyNumber(first + i), Stamp: pipeline.Stamp{At: time.Now()}, Entries: 1}
		to := pipeline.Notification{UserID: "ada", Channel: pipeline.Email, Priority: pipeline.High, Category: pipeline.Promotional}
		admissions[i] = pipeline.Admission{
			Record: pipeline.Record{ID: pipeline.IDKey{}.Make(time.Now(), &to, uint32(first+i)), Notification: to},
			Result: pipeline.Result{State: pipeline.Suppressed}, Claim: i,
		}
	}
	r, err := s.Reserve(t.Context(), claims)
	must(t, err)
	must(t, r.Commit(t.Context(), admissions))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
