package sequence

import (
	"testing"

	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

// inMemory is what a store in sequence does beyond what the ports ask of all,
// when its limits are exact, as those in memory are.
func inMemory() pipelinetest.Features {
	return pipelinetest.Features{ExactLimits: true, BoundsKeys: true}
}

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

func TestKeysInMemoryAreKeys(t *testing.T) {
	pipelinetest.Keys(t, func(_ *testing.T, times pipelinetest.KeyTimes) pipelinetest.IdempotencyKeys {
		d := newKeyDisk()
		d.reserved, d.answered = times.Reservation, times.TTL
		return &memoryKeys{&process{}, d}
	})
}

func TestRowsInMemoryAreRows(t *testing.T) {
	d := newRowDisk()
	pipelinetest.Rows(t, func(*testing.T) pipelinetest.HistoryRows { return &memoryRows{&process{}, d} })
}
