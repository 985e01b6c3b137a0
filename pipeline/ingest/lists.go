package ingest

import (
	"sync"

	"github.com/notifyctl/notifyctl/pipeline"
)

// lists is the memory of a slice's admission: it is a slice's until that is over.
type lists struct {
	admissions  []pipeline.Admission
	users       []pipeline.PreferenceKey
	preferences []pipeline.Preference // of the users
	recipients  []pipeline.Recipient
}

// newLists makes what else admissions need.
func newLists(admissions []pipeline.Admission) *lists {
	n := len(admissions)
	return &lists{
		admissions: admissions, users: make([]pipeline.PreferenceKey, n),
		preferences: make([]pipeline.Preference, n), recipients: make([]pipeline.Recipient, 0, n),
	}
}

// listPool has the lists of earlier slices.
type listPool struct{ pool sync.Pool }

// get gives lists of n zero values, and no recipients.
func (p *listPool) get(n int) *lists {
	l, ok := p.pool.Get().(*lists)
	if !ok || cap(l.admissions) < n {
		return newLists(make([]pipeline.Admission, n))
	}
	l.admissions, l.users, l.preferences = l.admissions[:n], l.users[:n], l.preferences[:n]
	return l
}

// put takes lists back that nobody holds any more.
func (p *listPool) put(l *lists) {
	// They would keep their requests alive.
	clear(l.admissions)
	clear(l.users)
	clear(l.preferences)
	clear(l.recipients)
	l.recipients = l.recipients[:0]
	p.pool.Put(l)
}
