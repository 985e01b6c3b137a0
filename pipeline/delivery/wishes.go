package delivery

import (
	"sync"

	"github.com/notifyctl/notifyctl/pipeline"
)

// wishes is the memory of what is asked, and found, of a batch's users. It is a
// batch's while that is looked at.
type wishes struct {
	users       []pipeline.PreferenceKey
	preferences []pipeline.Preference
	recipients  []pipeline.Recipient
}

// wishPool has the memory of earlier batches.
type wishPool struct{ pool sync.Pool }

// get gives room for n users, and no recipients.
func (p *wishPool) get(n int) *wishes {
	w, ok := p.pool.Get().(*wishes)
	if !ok || cap(w.users) < n {
		return &wishes{users: make([]pipeline.PreferenceKey, n), preferences: make([]pipeline.Preference, n), recipients: make([]pipeline.Recipient, 0, n)}
	}
	w.users, w.preferences = w.users[:n], w.preferences[:n]
	return w
}

// put takes back what nobody looks at any more.
func (p *wishPool) put(w *wishes) {
	// It would keep its texts alive.
	clear(w.users)
	clear(w.preferences)
	clear(w.recipients)
	w.recipients = w.recipients[:0]
	p.pool.Put(w)
}
