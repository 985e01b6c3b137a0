package pebble

import (
	"context"
	"sync"
)

// background is a goroutine of the store that nobody asks anything of.
type background struct {
	stop     context.CancelFunc
	finished sync.WaitGroup
}

// start runs it until it returns, as it must soon after its context ends.
func (b *background) start(run func(context.Context)) {
	ctx, stop := context.WithCancel(context.Background())
	b.stop = stop
	b.finished.Go(func() { run(ctx) })
}

// end ends it, and waits for that.
func (b *background) end() {
	b.stop()
	b.finished.Wait()
}
