package pebble

import (
	"log/slog"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

// inMemory is the configuration of a store on a file system in memory.
func inMemory(files vfs.FS) Config {
	return Config{
		Dir: "store", Partitions: 4, Log: slog.New(slog.DiscardHandler),
		Fatal: func(err error) { panic(err) },
		fs:    files,
	}
}

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
func TestConformance(t *testing.T) {
	pipelinetest.Stores(t, func(*testing.T) pipelinetest.StoreUnderTest {
		disk := vfs.NewCrashableMem()
		return pipelinetest.StoreUnderTest{
			Features: pipelinetest.Features{
				ListsQueued: true, ShowsSending: true, SettlesAtIngest: true, ExactDoubt: true, TellsAlikeApart: true, ExactLimits: true, BoundsKeys: true, DropsDays: true,
			},
			Open: func(t *testing.T, l pipelinetest.StoreLimits) pipelinetest.Store {
				cfg := inMemory(disk)
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
