package redis

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// A Redis that hangs costs one call in a second its time, and the others
// nothing; once it answers again all are tried.
func TestPauseKeepsCallsFromARedisThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pause
		hangs, tried := true, 0
		call := func() error {
			return p.run(t.Context(), time.Second, func(ctx context.Context) error {
				if tried++; !hangs {
					return nil
				}
				<-ctx.Done()
				return ctx.Err()
			})
		}
		began := time.Now()
		for range 1000 { // one each 10 ms
			_ = call()
			time.Sleep(10 * time.Millisecond) // virtual, as below
		}
		took := time.Since(began)
		if most := int(took/(2*time.Second)) + 1; tried == 0 || tried > most {
			t.Errorf("%d calls were tried in %v, want %d at most", tried, took, most)
		}
		time.Sleep(pauseFor)
		_ = call()
		hangs = false
		if err := call(); err == nil {
			t.Error("a call was tried within the pause")
		}
		time.Sleep(pauseFor)
		for range 3 {
			if err := call(); err != nil {
				t.Errorf("when it answers again: %v", err)
			}
		}
	})
}

// What fails at once, or by its caller, costs no others.
func TestPauseIsOfWhatWaitedInVain(t *testing.T) {
	var p pause
	ended, end := context.WithCancel(t.Context())
	end()
	for name, ctx := range map[string]context.Context{"refused": t.Context(), "its caller gave up": ended} {
		for range 2 {
			err := p.run(ctx, time.Minute, func(ctx context.Context) error { return errors.Join(io.EOF, ctx.Err()) })
			if !errors.Is(err, io.EOF) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// Of many that come when a pause ends, one finds out.
func TestPauseEndsWithOneThatFindsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pause
		hang := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		_ = p.run(t.Context(), time.Second, hang)
		time.Sleep(pauseFor)
		paused := make(chan error, 10)
		for range cap(paused) {
			go func() { paused <- p.run(t.Context(), time.Second, hang) }()
		}
		tried := 0
		for range cap(paused) {
			if !errors.Is(<-paused, errPaused) {
				tried++
			}
		}
		if tried != 1 {
			t.Errorf("%d were tried", tried)
		}
	})
}
