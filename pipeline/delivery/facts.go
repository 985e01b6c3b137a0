package delivery

import (
	"sync"

	"github.com/notifyctl/notifyctl/pipeline"
)

// batchFacts are the facts of a batch until the settler has copied them, in
// memory that batches pass on to each other.
type batchFacts struct{ list []pipeline.Fact }

// spareFacts holds the memory of batches that are done.
var spareFacts = sync.Pool{New: func() any { return new(batchFacts) }}

// takeFacts gives n zero facts.
func takeFacts(n int) *batchFacts {
	f := spareFacts.Get().(*batchFacts)
	if cap(f.list) < n {
		f.list = make([]pipeline.Fact, n)
	}
	f.list = f.list[:n]
	return f
}

// giveBack gives the memory back; nobody may hold the list any more.
func (f *batchFacts) giveBack() {
	clear(f.list) // it would keep the deliveries alive
	spareFacts.Put(f)
}
