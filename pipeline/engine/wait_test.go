package engine

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

var errRefused = errors.New("connection refused")

// dialer is an engine that answers from a time on; permanent faults are met at
// once.
type dialer struct {
	at        time.Time
	permanent bool
	hangs     bool
	attempts  int
}

func (d *dialer) open(ctx context.Context) (string, error) {
	d.attempts++
	if d.hangs {
		<-ctx.Done()
		return "", &pipeline.EngineError{Engine: "kafka", Address: "127.0.0.1:9092", Err: ctx.Err()}
	}
	if time.Now().Before(d.at) || d.permanent {
		return "", &pipeline.EngineError{Engine: "kafka", Address: "127.0.0.1:9092", Err: errRefused, Permanent: d.permanent}
	}
	return "opened", nil
}

func TestAwaitWaitsForWhatStartsLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		began := time.Now()
		d := &dialer{at: began.Add(4500 * time.Millisecond)}
		got, err := await(t.Context(), newPatience(30*time.Second, slog.New(slog.NewTextHandler(&logged, nil))), d.open)
		if got != "opened" || err != nil {
			t.Errorf("await gave %q, %v", got, err)
		}
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("it took %v, want the first second after the engine was there", took)
		}
		if n := strings.Count(logged.String(), "waiting for kafka at 127.0.0.1:9092: connection refused"); n != 5 {
			t.Errorf("it was said %d times in 5 s, want once a second:\n%s", n, &logged)
		}
	})
}

// What was opened as the caller gave up is not lost: there is one who closes it.
func TestAwaitGivesWhatWasOpenedAtTheEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	got, err := await(ctx, newPatience(0, slog.New(slog.DiscardHandler)), func(context.Context) (string, error) {
		cancel()
		return "opened", nil
	})
	if got != "opened" || err != nil {
		t.Errorf("await gave %q, %v", got, err)
	}
}

func TestAwaitGivesUp(t *testing.T) {
	for name, c := range map[string]struct {
		dialer dialer
		wait   time.Duration
		took   time.Duration
		says   string
		tries  int
	}{
		"one that is away":           {dialer{at: time.Now().AddDate(100, 0, 0)}, 10 * time.Second, 9 * time.Second, "connection refused (waited 10s", 10},
		"one that does not answer":   {dialer{hangs: true}, 10 * time.Second, 10 * time.Second, "deadline exceeded (waited 10s", 1},
		"what waiting does not mend": {dialer{permanent: true}, 10 * time.Second, 0, "connection refused", 1},
		"no wait":                    {dialer{at: time.Now().AddDate(100, 0, 0)}, 0, 0, "connection refused (waited 0s", 1},
		"no wait, and no answer":     {dialer{hangs: true}, 0, openAtLeast, "deadline exceeded", 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				_, err := await(t.Context(), newPatience(c.wait, slog.New(slog.DiscardHandler)), c.dialer.open)
				if err == nil || !strings.Contains(err.Error(), "kafka at 127.0.0.1:9092: ") || !strings.Contains(err.Error(), c.says) {
					t.Errorf("it says %v, want %q", err, c.says)
				}
				if took := time.Since(began); took != c.took || c.dialer.attempts != c.tries {
					t.Errorf("it took %v and %d attempts, want %v and %d", took, c.dialer.attempts, c.took, c.tries)
				}
			})
		})
	}
}

// A signal ends the waiting at once.
func TestAwaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		began := time.Now()
		d := dialer{at: began.AddDate(100, 0, 0)}
		_, err := await(ctx, newPatience(time.Hour, slog.New(slog.DiscardHandler)), d.open)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 2500*time.Millisecond {
			t.Errorf("it ended after %v: %v", time.Since(began), err)
		}
	})
}

// Several engines share one patience.
func TestAwaitSharesItsPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, began := newPatience(10*time.Second, slog.New(slog.DiscardHandler)), time.Now()
		first := dialer{at: began.Add(8 * time.Second)}
		second := dialer{at: began.Add(time.Minute)}
		if _, err := await(t.Context(), p, first.open); err != nil {
			t.Fatal(err)
		}
		if _, err := await(t.Context(), p, second.open); err == nil || time.Since(began) > 10*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}
