package pipelinetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Bus runs the conformance suite of [pipeline.Bus]. open gives as many ends of
// one bus as there are processes on it. interrupt cuts an end's subscriptions
// off for a moment; nil for a bus that cannot lose anything.
func Bus(t *testing.T, open func(t *testing.T, ends int) []pipeline.Bus, interrupt func(end pipeline.Bus)) {
	t.Helper()
	t.Run("tells every listener, the publisher's too", func(t *testing.T) { busTellsAll(t, open(t, 3)) })
	t.Run("keeps a publisher's order, a call at a time", func(t *testing.T) { busOrders(t, open(t, 2)) })
	t.Run("calls nobody who stopped", func(t *testing.T) { busStops(t, open(t, 2)) })
	t.Run("carries any user id", func(t *testing.T) { busCarriesText(t, open(t, 2)) })
	if interrupt != nil {
		t.Run("tells of what may be lost", func(t *testing.T) { busMisses(t, open(t, 2), interrupt) })
	}
}

// ear is a listener that keeps what it hears.
type ear struct {
	called atomic.Int32 // calls under way
	heard  chan pipeline.Invalidation
	missed chan struct{}
}

func listen(t *testing.T, b pipeline.Bus) (e *ear, stop func()) {
	t.Helper()
	e = &ear{heard: make(chan pipeline.Invalidation, 10_000), missed: make(chan struct{}, 1)}
	stop, err := b.Subscribe(t.Context(), pipeline.Listener{
		Heard: func(all []pipeline.Invalidation) {
			if e.called.Add(1) != 1 {
				t.Error("two calls at once")
			}
			defer e.called.Add(-1)
			for _, i := range all {
				e.heard <- i
			}
		},
		Missed: func() {
			select {
			case e.missed <- struct{}{}:
			default:
			}
		},
	})
	if err != nil {
		t.Fatalf("subscribe: %v", err)
	}
	return e, stop
}

func (e *ear) await(t *testing.T, n int) (heard []pipeline.Invalidation) {
	t.Helper()
	deadline := time.After(patience)
	for len(heard) < n {
		select {
		case i := <-e.heard:
			heard = append(heard, i)
		case <-deadline:
			t.Fatalf("heard %d of %d", len(heard), n)
		}
	}
	return heard
}

func publish(t *testing.T, b pipeline.Bus, users ...string) {
	t.Helper()
	var all []pipeline.Invalidation
	for _, user := range users {
		all = append(all, pipeline.Invalidation{Subject: pipeline.SubjectPreferences, UserID: user})
	}
	if err := b.Publish(t.Context(), all); err != nil {
		t.Fatalf("publish: %v", err)
	}
}

func busTellsAll(t *testing.T, ends []pipeline.Bus) {
	var ears []*ear
	for _, end := range append(ends, ends[0]) { // two at one end
		e, stop := listen(t, end)
		defer stop()
		ears = append(ears, e)
	}
	publish(t, ends[0], "ada", "bob")
	for i, e := range ears {
		if heard := e.await(t, 2); heard[0].UserID != "ada" || heard[1] != (pipeline.Invalidation{Subject: pipeline.SubjectPreferences, UserID: "bob"}) {
			t.Errorf("listener %d heard %+v", i, heard)
		}
	}
}

func busOrders(t *testing.T, ends []pipeline.Bus) {
	const publishers, each = 4, 200
	e, stop := listen(t, ends[1])
	defer stop()
	var wg sync.WaitGroup
	for p := range publishers {
		wg.Go(func() {
			for i := range each {
				publish(t, ends[p%2], fmt.Sprintf("%d/%d", p, i))
			}
		})
	}
	wg.Wait()
	var next [publishers]int
	for _, i := range e.await(t, publishers*each) {
		var p, n int
		if _, err := fmt.Sscanf(i.UserID, "%d/%d", &p, &n); err != nil || n != next[p] {
			t.Fatalf("heard %q, want number %d", i.UserID, next[p])
		}
		next[p]++
	}
}

func busStops(t *testing.T, ends []pipeline.Bus) {
	gone, stopGone := listen(t, ends[1])
	stays, stop := listen(t, ends[1])
	defer stop()
	publish(t, ends[0], "before")
	gone.await(t, 1)
	stopGone()
	publish(t, ends[0], "after")
	stays.await(t, 2)
	if len(gone.heard) != 0 {
		t.Errorf("it heard %+v after it stopped", <-gone.heard)
	}
}

func busCarriesText(t *testing.T, ends []pipeline.Bus) {
	e, stop := listen(t, ends[1])
	defer stop()
	users := []string{"\"{}", "ä\u2028", "\x01to:00ff", "a b", "日本"}
	publish(t, ends[0], users...)
	for i, got := range e.await(t, len(users)) {
		if got.UserID != users[i] {
			t.Errorf("heard %q, want %q", got.UserID, users[i])
		}
	}
}

// busMisses cuts a listener off: what is published meanwhile is heard, or told
// of as missed; what comes after is heard.
func busMisses(t *testing.T, ends []pipeline.Bus, interrupt func(pipeline.Bus)) {
	e, stop := listen(t, ends[1])
	defer stop()
	interrupt(ends[1])
	select {
	case <-e.missed:
	case <-time.After(patience):
		t.Fatal("it was not told that it may have missed something")
	}
	publish(t, ends[0], "after")
	if heard := e.await(t, 1); heard[0].UserID != "after" {
		t.Errorf("heard %+v", heard)
	}
}
