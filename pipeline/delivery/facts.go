package delivery

import (
	"sync"

	"github.com/notifyctl/notifyctl/pipeline"
)

// factLists pools the memory of batches' facts: it is a batch's until the
// settler has copied them.
type factLists struct{ pool sync.Pool }

// factList is the pooled facts of one batch.
type factList struct{ facts []pipeline.Fact }

// get gives n zero facts.
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
	p.pool.Put(l)
}
