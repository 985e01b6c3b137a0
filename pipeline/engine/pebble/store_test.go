package pebble

import (
	"errors"
	"log/slog"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

// inMemory is the configuration of a store on a file system in memory, or on the
// disk with nil.
func inMemory(files vfs.FS) Config {
	if files != nil {
		files = withoutLinks{files}
	}
	return Config{
		Dir: "store", Partitions: 4, Log: slog.New(slog.DiscardHandler),
		Fatal: func(err error) { panic(err) },
		fs:    files,
	}
}

// withoutLinks is a file system without hard links, where Pebble copies instead.
// MemFS.Link takes a lock twice to read, and waits for itself when CrashClone
// asks for it in between.
type withoutLinks struct{ vfs.FS }

func (withoutLinks) Link(string, string) error { return errors.ErrUnsupported }

func open(t *testing.T, files vfs.FS) *Store {
	t.Helper()
	s, err := Open(inMemory(files))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeStore(t *testing.T, s pipelinetest.Store) {
	t.Helper()
	if err := s.(*Store).Close(); err != nil {
		t.Error(err)
	}
}

// A crash leaves what was synced. So the store is opened again on what was
// synced of its files while it was open, and the old one is then closed where
// it no longer matters.
func TestConformance(t *testing.T) { conform(t, inMemory) }

func conform(t *testing.T, config func(vfs.FS) Config) {
	pipelinetest.Stores(t, func(*testing.T) pipelinetest.StoreUnderTest {
		disk := vfs.NewCrashableMem()
		return pipelinetest.StoreUnderTest{
			Features: pipelinetest.Features{
				ListsQueued: true, ShowsSending: true, SettlesAtIngest: true, ExactDoubt: true, TellsAlikeApart: true, ExactLimits: true, BoundsKeys: true, DropsDays: true,
			},
			Open: func(t *testing.T, l pipelinetest.StoreLimits) pipelinetest.Store {
				cfg := config(disk)
				cfg.QueueBytes, cfg.IdempotencyBytes, cfg.HistoryBytes = l.Queue, l.Keys, l.History
				s, err := Open(cfg)
				if err != nil {
					t.Fatal(err)
				}
				return s
			},
			Close: closeStore,
			Kill: func(t *testing.T, s pipelinetest.Store) {
				left := disk.CrashClone(vfs.CrashCloneCfg{})
				closeStore(t, s)
				disk = left
			},
		}
	})
}
