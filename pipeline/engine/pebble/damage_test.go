package pebble

import (
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// While tables cannot be written the logs gather. Whichever of them is damaged
// then, the store is refused.
func TestADamagedLogIsRefused(t *testing.T) {
	disk := vfs.NewCrashableMem()
	tables := newStall(".sst", errorfs.OpCreate)
	tables.on.Store(true)
	s := open(t, errorfs.Wrap(disk, tables))
	load := newSubmitter(s)
	for range 500 {
		load.mustCommit(t, 5)
	}
	all := contents(t, killed(disk))
	close(tables.release)
	closeStore(t, s)
	logs := logsOf(all)
	if len(logs) < 3 {
		t.Fatalf("only %v have gathered", logs)
	}
	wantWhole(t, diskOf(t, all), load.acknowledged.Load())
	for _, log := range logs {
		for name, damage := range damages() {
			t.Run(name+" "+log, func(t *testing.T) { wantRefused(t, diskOf(t, damaged(all, log, damage))) })
		}
	}
}

// Whatever is damaged, after an orderly end or a kill: the store is refused, or
// all that was acknowledged is there, or who reads what is not gets an error.
func TestNoDamageGoesUnseen(t *testing.T) {
	disk := vfs.NewCrashableMem()
	s := open(t, disk)
	load := newSubmitter(s)
	for range 150 {
		load.mustCommit(t, 5)
	}
	left := map[string]map[string]string{"killed": contents(t, killed(disk))}
	closeStore(t, s)
	left["ended"] = contents(t, disk)
	for end, all := range left {
		wantWhole(t, diskOf(t, all), load.acknowledged.Load())
		for file := range all {
			for name, damage := range damages() {
				if all[file] == "" && damage != nil {
					continue // the lock
				}
				t.Run(end+" "+name+" "+file, func(t *testing.T) {
					s, err := Open(inMemory(diskOf(t, damaged(all, file, damage))))
					if err != nil {
						return
					}
					if _, err := countRows(s); err == nil || !strings.HasSuffix(file, ".sst") {
						wantAll(t, s, load.acknowledged.Load())
					}
					closeStore(t, s)
				})
			}
		}
		for _, name := range []string{"missing", "empty", "garbled", "zeroed"} {
			t.Run(end+" "+name+" "+acknowledgedName, func(t *testing.T) {
				wantRefused(t, diskOf(t, damaged(all, acknowledgedName, damages()[name])))
			})
		}
	}
}

// What a process had written when it was killed, but not yet synced, nobody was
// promised: the log may end anywhere in it. Where it ends before that, the
// store is refused. The boundary is exact.
func TestATornEnd(t *testing.T) {
	disk := vfs.NewCrashableMem()
	syncs := newStall(".log", errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo)
	s := open(t, errorfs.Wrap(disk, syncs))
	load := newSubmitter(s)
	load.mustCommit(t, 3)
	load.mustCommit(t, 2)
	promised := load.acknowledged.Load()
	log := logsOf(contents(t, disk))
	last := log[len(log)-1]
	synced := len(contents(t, disk)[last])

	syncs.on.Store(true)
	var late sync.WaitGroup
	late.Go(func() {
		if err := load.commit(t, 1); err != nil {
			t.Error(err)
		}
	})
	<-syncs.reached
	all := contents(t, disk)
	syncs.on.Store(false)
	close(syncs.release)
	late.Wait()
	closeStore(t, s)

	if len(all[last]) <= synced {
		t.Fatalf("nothing stands behind the %d synced bytes", synced)
	}
	cut := func(at int) map[string]string {
		return damaged(all, last, func(content string) string { return content[:at] })
	}
	for at := synced; at <= len(all[last]); at += 13 {
		wantWhole(t, diskOf(t, cut(at)), promised)
	}
	torn := damaged(all, last, func(content string) string { return flip(content, synced+100) })
	wantWhole(t, diskOf(t, torn), promised)
	for at := synced - 1; at >= 0; at -= 97 {
		wantRefused(t, diskOf(t, cut(at)))
	}
	wantRefused(t, diskOf(t, damaged(all, last, func(content string) string { return flip(content, synced-1) })))
}

// A power cut leaves what was synced, and any part of what was not. Whenever it
// comes in the life of a store, the store opens with all that was acknowledged.
func TestAPowerCutAtAnyMoment(t *testing.T) {
	const every = 5 // of the operations, so that it takes seconds
	type remains struct {
		files        map[string]string
		acknowledged int64
	}
	disk := vfs.NewCrashableMem()
	var (
		mu           sync.Mutex
		operations   int
		cuts         []remains
		acknowledged atomic.Int64
		rng          = rand.New(rand.NewPCG(1, 2))
	)
	cut := errorfs.InjectorFunc(func(op errorfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
			return nil
		}
		if _, err := disk.Stat("store"); err != nil {
			return nil // it is about to be made
		}
		if operations++; operations%every == 0 {
			known := acknowledged.Load() // before the cut: what comes meanwhile may be lost
			cuts = append(cuts, remains{powerCut(t, disk, rng), known})
		}
		return nil
	})
	for range 3 {
		s := open(t, errorfs.Wrap(disk, cut))
		load := newSubmitter(s)
		for range 100 {
			load.mustCommit(t, 5)
			acknowledged.Add(5)
		}
		closeStore(t, s)
	}
	t.Logf("%d power cuts in %d operations", len(cuts), operations)
	for _, c := range cuts {
		wantWhole(t, diskOf(t, c.files), c.acknowledged)
	}
}

// powerCut takes any of the blocks that were written and not synced. The
// directory is as it was left, since file systems keep its changes in their
// order, and with them what a file held that is not in the synced directory.
func powerCut(t *testing.T, disk *vfs.MemFS, rng *rand.Rand) map[string]string {
	written := contents(t, killed(disk))
	synced := map[string]string{}
	nothingElse := disk.CrashClone(vfs.CrashCloneCfg{})
	if _, err := nothingElse.Stat("store"); err == nil {
		synced = contents(t, nothingElse)
	}
	const block = 4096
	percent := 10 * rng.IntN(11)
	for name, content := range written {
		old, found := synced[name]
		if !found {
			continue
		}
		mixed := []byte(old)
		for at := 0; at < len(content); at += block {
			if end := min(at+block, len(content)); rng.IntN(100) < percent {
				mixed = append(mixed, make([]byte, max(0, end-len(mixed)))...)
				copy(mixed[at:end], content[at:end])
			}
		}
		written[name] = string(mixed)
	}
	return written
}

// An orderly end writes all to tables, so that no log is needed.
func TestAnOrderlyEndNeedsNoLog(t *testing.T) {
	disk := vfs.NewMem()
	s := open(t, disk)
	load := newSubmitter(s)
	load.mustCommit(t, 5)
	closeStore(t, s)
	all := contents(t, disk)
	for _, log := range logsOf(all) {
		delete(all, log)
	}
	wantWhole(t, diskOf(t, all), load.acknowledged.Load())
}

// When the tables cannot be written the end says so, is not held up, and leaves
// all of it in the log.
func TestAnEndWithoutTables(t *testing.T) {
	disk := vfs.NewMem()
	tables := &fault{file: ".sst", kinds: []errorfs.OpKind{errorfs.OpCreate}}
	s := open(t, errorfs.Wrap(disk, tables))
	load := newSubmitter(s)
	load.mustCommit(t, 5)
	tables.on.Store(true)
	if err := s.Close(); err == nil || !strings.Contains(err.Error(), "stay in the log") {
		t.Errorf("it ended with %v", err)
	}
	wantWhole(t, disk, load.acknowledged.Load())
}

func TestADirectoryOpenedTwice(t *testing.T) {
	cfg := inMemory(nil)
	cfg.Dir = t.TempDir()
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), "open in this process already") || strings.Contains(err.Error(), "damaged") {
		t.Errorf("the second opening: %v", err)
	}
	newSubmitter(s).mustCommit(t, 1)
	closeStore(t, s)
}
