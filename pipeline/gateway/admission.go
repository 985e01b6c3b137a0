package gateway

import "sync"

// admission bounds what is in progress, so that overload is answered and not
// queued in memory.
type admission struct {
	mu          sync.Mutex
	requests    int
	bytes       int64
	maxRequests int
	maxBytes    int64
}

// enter takes a place for a request and its body's bytes. The one who got it
// gives it back by leave.
func (a *admission) enter(bytes int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	// A single request always fits, however small the limit of bytes.
	if a.requests >= a.maxRequests || a.requests > 0 && a.bytes+bytes > a.maxBytes {
		return false
	}
	a.requests++
	a.bytes += bytes
	return true
}

// shrink gives back bytes that were taken for a body of unknown length and did
// not come.
func (a *admission) shrink(bytes int64) {
	a.mu.Lock()
	a.bytes -= bytes
	a.mu.Unlock()
}

func (a *admission) leave(bytes int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests--
	a.bytes -= bytes
	if a.requests < 0 || a.bytes < 0 {
		panic("BUG: a request left twice")
	}
}
