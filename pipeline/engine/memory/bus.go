package memory

import (
	"context"
	"sync"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Bus carries invalidations within the process. It is a [pipeline.Bus] that
// loses nothing: when Publish returns, every listener has heard it.
type Bus struct {
	mu        sync.RWMutex
	listeners map[*listener]struct{}
}

type listener struct {
	mu sync.Mutex // one call at a time
	pipeline.Listener
}

// NewBus makes a bus.
func NewBus() *Bus { return &Bus{listeners: map[*listener]struct{}{}} }

// Publish tells every listener. It never fails.
func (b *Bus) Publish(_ context.Context, invalidations []pipeline.Invalidation) error {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for l := range b.listeners {
		l.hear(invalidations)
	}
	return nil
}

func (l *listener) hear(invalidations []pipeline.Invalidation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Heard(invalidations)
}

// Subscribe adds a listener. It never fails.
func (b *Bus) Subscribe(_ context.Context, l pipeline.Listener) (stop func(), err error) {
	added := &listener{Listener: l}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.listeners[added] = struct{}{}
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.listeners, added)
	}, nil
}
