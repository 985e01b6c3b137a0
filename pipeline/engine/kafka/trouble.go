package kafka

import (
	"sync/atomic"
	"time"
)

// troubleAfter is how long nothing was written, with all tries failing, until
// the cluster is taken as away. It is above what the loss of a broker takes.
const troubleAfter = 5 * time.Second

// trouble knows whether the cluster is away, so that requests are refused at
// once rather than after a long wait. It never holds when nothing is tried: the
// next call finds out. Its zero value is no trouble.
type trouble struct {
	since atomic.Int64 // of the first failure after the last success, ns since 1970; 0 is none
	tries atomic.Int64 // calls under way
}

// enter counts a call that is under way, until the function that it gives is
// called.
func (t *trouble) enter() (leave func()) {
	t.tries.Add(1)
	return func() { t.tries.Add(-1) }
}

func (t *trouble) begin() { t.since.CompareAndSwap(0, time.Now().UnixNano()) }

func (t *trouble) over() { t.since.Store(0) }

// away says whether calls fail for troubleAfter by now.
func (t *trouble) away() bool {
	since := t.since.Load()
	return since != 0 && t.tries.Load() > 0 && time.Since(time.Unix(0, since)) > troubleAfter
}
