package sequence

import (
	"log/slog"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

// disks is what outlives processes.
type disks struct {
	keys *keyDisk
	log  *logDisk
	rows *rowDisk
}

func newDisks() *disks { return &disks{newKeyDisk(), newLogDisk(), newRowDisk()} }

// open makes a process's store.
func (d *disks) open(p *process) *Store {
	return New(&memoryKeys{p, d.keys}, &memoryLog{p, d.log}, &memoryRows{p, d.rows}, Options{Log: slog.New(slog.DiscardHandler)})
}

// inMemory is what a store in sequence does beyond what the ports ask of all,
// when its limits are exact, as those in memory are.
func inMemory() pipelinetest.Features { return pipelinetest.Features{ExactLimits: true} }

func TestConformance(t *testing.T) {
	pipelinetest.Stores(t, func(*testing.T) pipelinetest.StoreUnderTest {
		d := newDisks()
		processes := map[pipelinetest.Store]*process{}
		return pipelinetest.StoreUnderTest{
			Features: inMemory(),
			Open: func(_ *testing.T, l pipelinetest.StoreLimits) pipelinetest.Store {
				d.log.limit, d.keys.limit = l.Queue, int(l.Keys/keyBytes)
				p := &process{}
				s := d.open(p)
				processes[s] = p
				return s
			},
			Close: func(_ *testing.T, s pipelinetest.Store) { processes[s].kill() },
			Kill:  func(_ *testing.T, s pipelinetest.Store) { processes[s].kill() },
		}
	})
}
