package ingest

import (
	"sync"

	"github.com/notifyctl/notifyctl/pipeline"
)

// admissionLists pools the memory of slices' admissions: it is a slice's until they
// are committed.
type admissionLists struct{ pool sync.Pool }

// get gives n zero admissions.
func (p *admissionLists) get(n int) *[]pipeline.Admission {
	list, ok := p.pool.Get().(*[]pipeline.Admission)
	if !ok || cap(*list) < n {
		made := make([]pipeline.Admission, n)
		return &made
	}
	*list = (*list)[:n]
	return list
}

// put takes a list back that nobody holds any more.
func (p *admissionLists) put(list *[]pipeline.Admission) {
	clear(*list) // they would keep their requests alive
	p.pool.Put(list)
}
