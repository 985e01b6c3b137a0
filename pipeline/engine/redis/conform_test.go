package redis

import (
	"testing"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

func TestKeysConform(t *testing.T) {
	onEach(t, func(t *testing.T, open opener) {
		pipelinetest.Keys(t, func(t *testing.T, times pipelinetest.KeyTimes) pipelinetest.IdempotencyKeys {
			return open(t, Config{KeyTTL: times.TTL, Reservation: times.Reservation}).Keys()
		})
	})
}

func TestLimitsConform(t *testing.T) {
	onEach(t, func(t *testing.T, open opener) {
		pipelinetest.RateLimits(t, func(t *testing.T) pipeline.Limits {
			c := open(t, Config{})
			clearCounters(t, c)
			return c.Limits()
		})
	})
}

func TestBusConforms(t *testing.T) {
	onEach(t, func(t *testing.T, open opener) {
		pipelinetest.Bus(t, func(t *testing.T, ends int) []pipeline.Bus {
			first := open(t, Config{})
			all := []pipeline.Bus{first.Bus()}
			for len(all) < ends {
				all = append(all, open(t, Config{DSN: first.dsn}).Bus())
			}
			return all
		}, interrupt)
	})
}

// interrupt cuts the connection of an end's subscription.
func interrupt(end pipeline.Bus) {
	b := end.(*Bus)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.current.close()
}
