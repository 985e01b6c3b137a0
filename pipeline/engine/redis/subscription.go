package redis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/notifyctl/notifyctl/pipeline"
)

const (
	// pingEvery is how often a subscription asks for a sign of life, and
	// silentFor how long it does without one: a connection whose other end is
	// gone without a word is given up after that.
	pingEvery = time.Second
	silentFor = 3 * time.Second
)

// subscription is one connection that hears what is published. It ends with the
// first fault: the driver would mend it silently, and with it hide a gap.
type subscription struct {
	pubsub *goredis.PubSub
	heard  atomic.Int64 // when something last came, in nanoseconds since begun
	begun  time.Time
	ended  chan struct{}
	once   sync.Once
}

// subscribe waits until a server has confirmed a subscription to a channel. isHome says whether the channel
// is still that server's.
func subscribe(ctx context.Context, server *goredis.Client, channel string, isHome func() bool) (*subscription, error) {
	s := &subscription{pubsub: server.Subscribe(ctx, channel), begun: time.Now(), ended: make(chan struct{})}
	// Nothing else comes before, so that no deadline cuts a message in two.
	reply, err := s.pubsub.ReceiveTimeout(ctx, ioTimeout)
	if err == nil {
		if _, ok := reply.(*goredis.Subscription); !ok {
			err = fmt.Errorf("want the subscription confirmed, got %T", reply)
		}
	}
	if err != nil {
		s.close()
		return nil, err
	}
	go s.watch(isHome)
	return s, nil
}

func (s *subscription) close() {
	s.once.Do(func() {
		close(s.ended)
		_ = s.pubsub.Close() // there is nothing to save
	})
}

// watch ends the subscription when the server is silent for too long, or the
// channel has moved to another. Reading has no deadline, which might cut a
// message in two.
func (s *subscription) watch(isHome func() bool) {
	ticker := time.NewTicker(pingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-s.ended:
			return
		case <-ticker.C:
		}
		silent := time.Since(s.begun) - time.Duration(s.heard.Load())
		ctx, cancel := context.WithTimeout(context.Background(), ioTimeout)
		// After a ping that failed, the driver may have connected anew already.
		if silent > silentFor || !isHome() || s.pubsub.Ping(ctx) != nil {
			s.close()
		}
		cancel()
	}
}

// receive tells what comes until the subscription ends, and why.
func (s *subscription) receive(heard func(pipeline.Invalidation), garbled func(error)) error {
	for {
		reply, err := s.pubsub.Receive(context.Background())
		if err != nil {
			return err
		}
		s.heard.Store(int64(time.Since(s.begun)))
		switch reply := reply.(type) {
		case *goredis.Pong:
		case *goredis.Message:
			var i pipeline.Invalidation
			if err := json.Unmarshal([]byte(reply.Payload), &i); err != nil {
				garbled(err)
				continue
			}
			heard(i)
		case *goredis.Subscription:
			return errors.New("the connection was made anew")
		default:
			return fmt.Errorf("unknown message %T", reply)
		}
	}
}
