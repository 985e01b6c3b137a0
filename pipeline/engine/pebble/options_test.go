package pebble

import (
	"bytes"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// slowSyncs is a disk whose syncs of the log take some time.
type slowSyncs struct{ takes atomic.Int64 }

func (s *slowSyncs) MaybeError(op errorfs.Op) error {
	switch op.Kind {
	case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
		if strings.HasSuffix(op.Path, ".log") {
			time.Sleep(time.Duration(s.takes.Load()))
		}
	}
	return nil
}

func (*slowSyncs) String() string { return "slow syncs" }

// A commit that waits for the disk for long says so while it waits, and one that
// does not is not talked of.
func TestASlowDiskIsLogged(t *testing.T) {
	for _, test := range []struct {
		takes time.Duration
		said  bool
	}{{100 * time.Millisecond, false}, {10 * time.Second, true}} {
		t.Run(test.takes.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer // its handler writes one line at a time
				syncs := &slowSyncs{}
				cfg := inMemory(errorfs.Wrap(vfs.NewMem(), syncs))
				cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
				s, err := Open(cfg)
				if err != nil {
					t.Fatal(err)
				}
				syncs.takes.Store(int64(test.takes))
				began := time.Now()
				newSubmitter(s).mustCommit(t, 1)
				if took := time.Since(began); took < test.takes {
					t.Fatalf("the commit did not wait for the disk: %v", took)
				}
				syncs.takes.Store(0)
				closeStore(t, s)
				synctest.Wait()
				if said := strings.Contains(log.String(), `msg="the disk is slow" operation=sync`); said != test.said {
					t.Errorf("logged:\n%s", log.String())
				}
			})
		})
	}
}
