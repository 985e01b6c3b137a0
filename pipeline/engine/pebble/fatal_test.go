package pebble

import (
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// fault is a file system that refuses some operations from a moment on.
type fault struct {
	file  string // a part of its name
	kinds []errorfs.OpKind
	on    atomic.Bool
}

func (f *fault) MaybeError(op errorfs.Op) error {
	if f.on.Load() && strings.Contains(op.Path, f.file) && slices.Contains(f.kinds, op.Kind) {
		return errorfs.ErrInjected
	}
	return nil
}

func (*fault) String() string { return "fault" }

// Whichever write or sync behind a 202 fails: the process is ended, and neither
// the one who waits for it is answered nor anybody after. What was acknowledged
// before is there at the next start.
func TestAWriteThatFailsIsFatal(t *testing.T) {
	write := []errorfs.OpKind{errorfs.OpFileWrite, errorfs.OpFileWriteAt}
	sync := []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo}
	for name, f := range map[string]*fault{
		"a write of the log":                    {file: ".log", kinds: write},
		"a sync of the log":                     {file: ".log", kinds: sync},
		"a write of what was acknowledged":      {file: acknowledgedName, kinds: write},
		"everything, as of a disk that is gone": {kinds: slices.Concat(write, sync)},
	} {
		t.Run(name, func(t *testing.T) {
			disk := vfs.NewCrashableMem()
			cfg := inMemory(errorfs.Wrap(disk, f))
			fatal := make(chan error, 1)
			cfg.Fatal = func(err error) {
				fatal <- err
				runtime.Goexit() // the process would end
			}
			s, err := Open(cfg)
			if err != nil {
				t.Fatal(err)
			}
			load := newSubmitter(s)
			load.mustCommit(t, 3)
			f.on.Store(true)
			answers := make(chan error, 1)
			go func() { answers <- load.commit(t, 1) }()
			select {
			case err := <-fatal:
				if !strings.Contains(err.Error(), "store in store") || !strings.Contains(err.Error(), "injected") {
					t.Errorf("the end is said to be for %v", err)
				}
			case err := <-answers:
				t.Fatalf("the submission was answered: %v", err)
			}
			s.writer.finished.Wait() // and nobody else could answer
			select {
			case err := <-answers:
				t.Errorf("the submission was answered: %v", err)
			default:
			}
			wantWhole(t, disk.CrashClone(vfs.CrashCloneCfg{}), 3)
			wantWhole(t, killed(disk), 3)
		})
	}
}
