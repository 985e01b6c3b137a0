package pebble

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/notifyctl/notifyctl/pipeline"
)

// What has ended takes space of the history, and none of the queues.
func TestSpaceGrowsWithWhatIsKept(t *testing.T) {
	cfg := inMemory(vfs.NewMem())
	cfg.QueueBytes, cfg.HistoryBytes, cfg.IdempotencyBytes = 1<<20, 2<<20, 3<<20
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	const n, least, most = 20, 1000, 1400 // bytes a row, see commit
	newSubmitter(s).mustCommit(t, n)
	space := s.Space()
	history := space[1].Bytes
	want := []pipeline.Space{
		{Part: pipeline.QueueSpace, Limit: 1 << 20},
		{Part: pipeline.HistorySpace, Bytes: history, Limit: 2 << 20},
		{Part: pipeline.IdempotencySpace, Limit: 3 << 20},
	}
	for i := range want {
		if space[i] != want[i] {
			t.Errorf("the space is %+v, want %+v", space[i], want[i])
		}
	}
	if history < n*least || history > n*most {
		t.Errorf("%d rows of about 1,100 bytes take %d bytes", n, history)
	}
}
