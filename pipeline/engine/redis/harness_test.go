package redis

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	goredis "github.com/redis/go-redis/v9"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

// opener opens clients of one Redis.
type opener func(t *testing.T, cfg Config) *Client

// onEach runs a test on a Redis in the process, on a real one, and on a real
// cluster. The real ones are shared with other tests.
func onEach(t *testing.T, test func(t *testing.T, open opener)) {
	t.Helper()
	t.Run("miniredis", func(t *testing.T) { test(t, openMini) })
	for _, engine := range []string{"redis", "redis-cluster"} {
		t.Run(engine, func(t *testing.T) {
			dsn := parse(t, pipelinetest.Engine(t, engine))
			test(t, func(t *testing.T, cfg Config) *Client {
				cfg.DSN = dsn
				return open(t, cfg)
			})
		})
	}
}

func parse(t testing.TB, text string) DSN {
	t.Helper()
	dsn, err := ParseDSN(text)
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

func open(t testing.TB, cfg Config) *Client {
	t.Helper()
	c, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, c)
	return c
}

func closeAfter(t testing.TB, c *Client) {
	t.Helper()
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

// openMini opens a client of a Redis in the process, of its own where none is
// named, whose entries expire in real time.
func openMini(t *testing.T, cfg Config) *Client {
	t.Helper()
	if cfg.DSN.Addresses == nil {
		cfg.DSN = DSN{Addresses: []string{runMini(t).Addr()}}
	}
	cfg.timeout = patience // it is slow, the more so under the race detector
	return connectTo(t, cfg)
}

func runMini(t *testing.T) *miniredis.Miniredis {
	t.Helper()
	server := miniredis.RunT(t)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for last := time.Now(); ; {
			select {
			case <-done:
				return
			case now := <-time.After(5 * time.Millisecond):
				server.FastForward(now.Sub(last))
				last = now
			}
		}
	})
	t.Cleanup(func() { close(done); wg.Wait() })
	return server
}

// connectTo makes a client without the checks of Open.
func connectTo(t testing.TB, cfg Config) *Client {
	t.Helper()
	c, err := connect(cfg)
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, c)
	return c
}

// clearCounters removes what tests count in years to come.
func clearCounters(t *testing.T, c *Client) {
	t.Helper()
	err := c.eachPrimary(t.Context(), func(ctx context.Context, node *goredis.Client) error {
		names := node.Scan(ctx, 0, "rate:user:*:203?-*", 1000).Iterator()
		for names.Next(ctx) {
			if err := node.Del(ctx, names.Val()).Err(); err != nil {
				return err
			}
		}
		return names.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}

func preferenceKey(user string) pipeline.PreferenceKey {
	return pipeline.PreferenceKey{UserID: user, Channel: pipeline.Email}
}
