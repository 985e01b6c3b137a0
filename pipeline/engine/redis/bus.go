package redis

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	goredis "github.com/redis/go-redis/v9"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Bus carries invalidations between processes, one message each, by a channel of
// Redis's. It is a [pipeline.Bus]. All listeners of a process share one
// subscription, which begins with the first of them and is made anew whenever it
// is lost; then all are told that they may have missed something.
//
// In a cluster all publish to, and subscribe at, the server that has the
// channel's slot, so that a process's messages keep their order, and none is
// lost between servers unnoticed.
type Bus struct {
	client *Client
	// channel is what the messages are published on.
	channel string
	ctx     context.Context // of the subscription; ends with the bus
	cancel  context.CancelFunc

	// mu guards what follows, and is held while listeners are called: one call
	// at a time, and none after stop has returned.
	mu        sync.Mutex
	listeners map[*pipeline.Listener]struct{}
	running   chan struct{} // closed when the upkeep has ended; nil before it begins
	live      bool          // whether what is published now will be heard
	changed   chan struct{} // closed when live changes
	current   *subscription
}

func newBus(c *Client) *Bus {
	b := &Bus{client: c, channel: c.dsn.name(pipeline.InvalidationChannel), listeners: map[*pipeline.Listener]struct{}{}, changed: make(chan struct{})}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	return b
}

// close ends the subscription. No listener is called any more.
func (b *Bus) close() {
	b.cancel()
	b.mu.Lock()
	running := b.running
	if b.current != nil {
		b.current.close()
	}
	b.mu.Unlock()
	if running != nil {
		<-running
	}
}

// home is the server that the channel is on.
func (b *Bus) home(ctx context.Context) (*goredis.Client, error) {
	switch rdb := b.client.rdb.(type) {
	case *goredis.ClusterClient:
		return rdb.MasterForKey(ctx, b.channel)
	case *goredis.Client:
		return rdb, nil
	default:
		panic(fmt.Sprintf("BUG: the driver made a %T", rdb))
	}
}

// Publish tells every listener of every process, in one round trip. Errors:
// [pipeline.ErrUnavailable]; then some may be told.
func (b *Bus) Publish(ctx context.Context, invalidations []pipeline.Invalidation) error {
	if len(invalidations) == 0 {
		return nil
	}
	return b.client.passOver(ctx, func(ctx context.Context) error { return b.publish(ctx, invalidations) })
}

func (b *Bus) publish(ctx context.Context, invalidations []pipeline.Invalidation) error {
	server, err := b.home(ctx)
	if err != nil {
		return err
	}
	pipe := server.Pipeline()
	for _, invalidation := range invalidations {
		message, err := json.Marshal(invalidation)
		if err != nil {
			panic("BUG: an invalidation has no JSON form: " + err.Error())
		}
		pipe.Publish(ctx, b.channel, message)
	}
	_, err = pipe.Exec(ctx)
	return err
}

// Subscribe adds a listener, and returns when Redis has confirmed that it will
// hear. One that joins a subscription whose loss nobody has noticed yet is told
// by Missed, as those before it are. Errors: [pipeline.ErrUnavailable], when
// Redis does not confirm within about two seconds.
func (b *Bus) Subscribe(ctx context.Context, l pipeline.Listener) (stop func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, b.client.callTimeout)
	defer cancel()
	added := &l
	b.mu.Lock()
	b.listeners[added] = struct{}{}
	if b.running == nil {
		b.running = make(chan struct{})
		go b.upkeep(b.running)
	}
	b.mu.Unlock()
	stop = func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.listeners, added)
	}
	for {
		b.mu.Lock()
		live, changed := b.live, b.changed
		b.mu.Unlock()
		if live {
			return stop, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			stop()
			return nil, b.client.fault(fmt.Errorf("its channel %s cannot be subscribed to: %w", b.channel, ctx.Err()))
		case <-b.ctx.Done():
			stop()
			return nil, b.client.fault(goredis.ErrClosed)
		}
	}
}

// upkeep keeps a subscription for as long as the bus is open.
func (b *Bus) upkeep(ended chan<- struct{}) {
	defer close(ended)
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 50*time.Millisecond, 2*time.Second
	for first := true; ; {
		s, err := b.subscribe()
		if err == nil {
			b.begin(s, !first)
			first = false
			wait.Reset()
			err = s.receive(b.heard, b.garbled)
			b.end(s)
		}
		if b.ctx.Err() != nil {
			return
		}
		pause := wait.NextBackOff()
		b.client.log.Warn("the bus of invalidations is cut off from redis: caches may be old until it is back",
			slog.Any("error", b.client.fault(err)), slog.Duration("retry_in", pause))
		select {
		case <-time.After(pause):
		case <-b.ctx.Done():
			return
		}
	}
}

// subscribe makes a subscription that Redis has confirmed.
func (b *Bus) subscribe() (*subscription, error) {
	ctx, cancel := context.WithTimeout(b.ctx, b.client.callTimeout)
	defer cancel()
	server, err := b.home(ctx)
	if err != nil {
		return nil, err
	}
	return subscribe(ctx, server, b.channel, func() bool {
		home, err := b.home(b.ctx)
		return err != nil || home == server
	})
}

// begin has what is published from here on heard, and tells of what was missed
// before anything else is.
func (b *Bus) begin(s *subscription, missed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.current = s
	if b.ctx.Err() != nil { // close has looked already
		s.close()
	}
	if missed {
		b.missed()
	}
	b.setLive(true)
}

func (b *Bus) end(s *subscription) {
	s.close()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.current = nil
	b.setLive(false)
}

func (b *Bus) setLive(live bool) {
	b.live = live
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *Bus) missed() {
	for l := range b.listeners {
		l.Missed()
	}
}

func (b *Bus) heard(i pipeline.Invalidation) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for l := range b.listeners {
		l.Heard([]pipeline.Invalidation{i})
	}
}

// garbled takes a message that is no invalidation for one of anything.
func (b *Bus) garbled(err error) {
	b.client.log.Warn("the bus of invalidations heard what is none: all cached is taken for old",
		slog.String("address", b.client.dsn.Address()), slog.Any("error", err))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.missed()
}
