package pebble

import (
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/notifyctl/notifyctl/pipeline"
)

// What a day takes is the sum of its rows and letters, and known after a crash.
func TestHistoryIsCountedAsItIsWritten(t *testing.T) {
	disk := vfs.NewCrashableMem()
	s := open(t, disk)
	now := time.Now()
	admit(t, s, now.Add(-3*dayLength), "ada", 10, optedOut())
	admit(t, s, now, "ada", 10, died())
	admit(t, s, now, "ada", 10, queued())
	settleAll(t, s, pipeline.Dead)
	want := map[day]int64{}
	it, err := s.db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := allRows(s)
	if err != nil {
		t.Fatal(err)
	}
	for id, row := range rows {
		want[dayOf(id.Time())] += int64(rowKeySize + len(row))
	}
	for valid := it.First(); valid; valid = it.Next() {
		size := int64(len(it.Key()) + len(it.Value()))
		if id, err := parseDeadKey(it.Key()); err == nil {
			want[dayOf(id.Time())] += size
		}
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	check := func() {
		t.Helper()
		total := int64(0)
		for d, bytes := range want {
			total += bytes
			if got := s.writer.days[d]; got != bytes {
				t.Errorf("day %d takes %d bytes, and is counted as %d", d, bytes, got)
			}
		}
		if got := s.history.Load(); len(want) != 2 || len(s.writer.days) != 2 || got != total {
			t.Errorf("%d days take %d bytes, and %d are counted as %d", len(want), total, len(s.writer.days), got)
		}
	}
	check()
	left := disk.CrashClone(vfs.CrashCloneCfg{})
	closeStore(t, s)
	s = open(t, left)
	check()
	closeStore(t, s)
}

// The oldest unfinished one is found wherever it stands: at a mark, handed out
// or not, or among those that wait for a retry.
func TestTheOldestUnfinished(t *testing.T) {
	s := open(t, vfs.NewMem())
	defer closeStore(t, s)
	now := time.Now()
	within := func(what string, age time.Duration) {
		t.Helper()
		at := mustUnfinished(t, s)
		if want := now.Add(-age - stampSkew); at.Before(want.Add(-time.Minute)) || at.After(want.Add(time.Minute)) {
			t.Fatalf("%s: it is of %v, want about %v", what, at, want)
		}
	}
	within("nothing", 0)
	admit(t, s, now.Add(-4*time.Hour), "ada", 1, optedOut())
	within("what has ended", 0)
	admit(t, s, now.Add(-3*time.Hour), "ada", 1, queued())
	admit(t, s, now.Add(-time.Hour), "ada", 1, queued())
	within("queued", 3*time.Hour)
	l, err := s.Acquire(t.Context(), pipeline.Email)
	if err != nil {
		t.Fatal(err)
	}
	d, err := l.Fetch(t.Context(), pipeline.High, 10)
	if err != nil || len(d) != 2 {
		t.Fatalf("handed out %d, %v", len(d), err)
	}
	within("handed out", 3*time.Hour)
	settle := func(f pipeline.Fact) {
		t.Helper()
		f.At = now
		if err := s.Settle(t.Context(), l, []pipeline.Fact{f}); err != nil {
			t.Fatal(err)
		}
	}
	settle(pipeline.Fact{Delivery: d[0], State: pipeline.Retrying, Due: now})
	within("waiting", 3*time.Hour)
	settle(pipeline.Fact{Delivery: d[1], State: pipeline.Delivered})
	within("waiting alone", 3*time.Hour)
	d, err = l.Fetch(t.Context(), pipeline.High, 10)
	for err == nil && len(d) == 0 {
		d, err = l.Fetch(t.Context(), pipeline.High, 10)
	}
	if err != nil || len(d) != 1 {
		t.Fatalf("handed out again %d, %v", len(d), err)
	}
	within("handed out again", 3*time.Hour)
	settle(pipeline.Fact{Delivery: d[0], State: pipeline.Delivered})
	within("all ended", 0)
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A day that fills history alone stays, and closes admission; delivery goes on.
func TestAFirstDayOverTheLimit(t *testing.T) {
	cfg := inMemory(vfs.NewMem())
	cfg.HistoryBytes = 10_000
	now := time.Now().Truncate(dayLength).Add(dayLength / 2)
	cfg.Now = func() time.Time { return now }
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { closeStore(t, s) }()
	waiting := admit(t, s, now, "bob", 1, queued())
	for n := 0; s.history.Load() <= cfg.HistoryBytes; n++ {
		admit(t, s, now, "ada", 10, optedOut())
	}
	look := func() (open bool) {
		t.Helper()
		if err := s.lookAfter(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s.admit(0) == nil
	}
	if look() {
		t.Error("the store is open though its first day is over the limit")
	}
	settleAll(t, s, pipeline.Delivered)
	if look() {
		t.Error("the day is over the limit still")
	}
	closeStore(t, s)
	now = now.Add(dayLength)
	if s, err = Open(cfg); err != nil {
		t.Fatal(err)
	}
	if !look() {
		t.Error("the store is closed though the day may go")
	}
	unknown(t, s, waiting)
	if got := s.history.Load(); got != 0 {
		t.Errorf("%d bytes are counted of nothing", got)
	}
}
