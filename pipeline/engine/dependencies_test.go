package engine

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/gateway"
)

// An engine that is away is told of within seconds, by what is not done without
// it, and by whether anything is.
func TestADependencyThatGoesAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		s := &System{cfg: Config{Log: slog.New(slog.NewTextHandler(&logged, nil))}}
		var away atomic.Bool
		ping := func(context.Context) error {
			if away.Load() {
				return errors.New("connection refused")
			}
			return nil
		}
		s.depend(&dependency{name: "redis", address: "127.0.0.1:6379", ping: ping, without: "limits grant all"})
		s.depend(&dependency{name: "kafka", address: "127.0.0.1:9092", ping: ping, without: "nothing is accepted", needed: true})
		redis, kafka := s.dependencies[0], s.dependencies[1]
		began := time.Now()
		after := func(d time.Duration) { time.Sleep(d); synctest.Wait() }

		after(10 * time.Second)
		if err := errors.Join(redis.check(t.Context()), kafka.check(t.Context())); err != nil {
			t.Errorf("while all answer: %v", err)
		}
		if status := kafka.status(); status.State != "up" || !status.Since.Equal(began) || status.Address != "127.0.0.1:9092" || status.Error != "" {
			t.Errorf("while it answers: %+v", status)
		}
		away.Store(true)
		after(5 * time.Second)
		err := redis.check(t.Context())
		if degraded, ok := errors.AsType[*gateway.DegradedError](err); !ok || !strings.HasPrefix(degraded.Without, "limits grant all, since 2000-01-01T00:00:11Z") {
			t.Errorf("what can be done without says %v", err)
		}
		err = kafka.check(t.Context())
		if _, degraded := errors.AsType[*gateway.DegradedError](err); degraded || err == nil || !strings.HasPrefix(err.Error(), "nothing is accepted, since 2000-01-01T00:00:11Z; connection refused") {
			t.Errorf("what cannot be done without says %v", err)
		}
		if status := kafka.status(); status.State != "down" || status.Since.Sub(began) != 11*time.Second || status.Error != "connection refused" {
			t.Errorf("while it is away: %+v", status)
		}
		if seen := s.observeDependencies()[1]; seen.Up || seen.Failed != 5 {
			t.Errorf("the metrics see %+v", seen)
		}
		away.Store(false)
		after(2 * time.Second)
		if status := kafka.status(); status.State != "up" || status.Since.Sub(began) != 16*time.Second {
			t.Errorf("when it answers again: %+v", status)
		}
		if n := strings.Count(logged.String(), `msg="an engine does not answer" engine=kafka`); n != 1 || !strings.Contains(logged.String(), `msg="an engine answers again" engine=kafka`) {
			t.Errorf("it was said %d times:\n%s", n, &logged)
		}
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
}

// One that hangs is away, however long it takes, and readiness waits for nobody.
func TestADependencyThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &System{cfg: Config{Log: slog.New(slog.DiscardHandler)}}
		s.depend(&dependency{name: "redis", needed: true, ping: func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}})
		time.Sleep(askEvery + askPatience)
		synctest.Wait()
		began := time.Now()
		if err := s.dependencies[0].check(t.Context()); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 0 {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
}
