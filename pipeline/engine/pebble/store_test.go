package pebble

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(Config{
		Dir: dir, Partitions: 4, Log: slog.New(slog.DiscardHandler),
		Fatal: func(err error) { panic(err) },
	})
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

// A killed process leaves what was synced. So the store is opened again on a
// checkpoint of its files, taken while it is open, with the log as it stands,
// and the old one is then closed where it no longer matters.
func TestConformance(t *testing.T) {
	pipelinetest.Stores(t, func(t *testing.T) pipelinetest.StoreUnderTest {
		dir := t.TempDir()
		return pipelinetest.StoreUnderTest{
			Open:  func(t *testing.T) pipelinetest.Store { return open(t, dir) },
			Close: closeStore,
			Kill: func(t *testing.T, s pipelinetest.Store) {
				left := filepath.Join(t.TempDir(), "left")
				if err := s.(*Store).db.Checkpoint(left); err != nil {
					t.Fatal(err)
				}
				closeStore(t, s)
				dir = left
			},
		}
	})
}
