package delivery

import (
	"sync"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
)

// factLists pools the memory of batches' facts and passages: it is a batch's until
// the settler has copied them.
type factLists struct{ pool sync.Pool }

// factList is the pooled facts of one batch, and the passages of those that ended.
type factList struct {
	facts    []pipeline.Fact
	passages []telemetry.Passage
}

// get gives n zero facts, and no passages.
func (p *factLists) get(n int) *factList {
	l, ok := p.pool.Get().(*factList)
	if !ok {
		l = &factList{}
	}
	if cap(l.facts) < n {
		l.facts = make([]pipeline.Fact, n)
	}
	l.facts = l.facts[:n]
	return l
}

// put takes a list back that nobody holds any more.
func (p *factLists) put(l *factList) {
	clear(l.facts) // they would keep their deliveries alive
	l.passages = l.passages[:0]
	p.pool.Put(l)
}
