package autoscale_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/autoscale"
)

// arrivals goes up with the load, drains what gathered meanwhile, and comes down
// after it; never below the minimum.
func TestArrivalsFollowsTheLoad(t *testing.T) {
	scaled(t, "arrivals", nil, func(w *world) {
		w.set(func() { w.arrivals = 300 })
		w.after(time.Minute)
		if workers, _ := w.now(); workers != 50 {
			t.Errorf("at 300/s there are %d workers, want the minimum of 50", workers)
		}
		w.set(func() { w.arrivals = 2000 })
		w.after(15*time.Second + 20*time.Second + time.Second)
		if workers, depth := w.now(); workers < 286 || depth < 1 {
			t.Errorf("a look and a start later there are %d workers and %v wait, want 286 or more, and a backlog", workers, depth)
		}
		w.after(5 * time.Minute)
		// 2000 / 0.7 / 10 = 285.7; a tenth more stays.
		if workers, depth := w.now(); workers < 286 || workers > 318 || depth > 2000 {
			t.Errorf("at 2000/s there are %d workers, and %v wait", workers, depth)
		}
		w.set(func() { w.arrivals = 100 })
		w.after(time.Minute)
		if workers, depth := w.now(); workers != 50 || depth > 0 {
			t.Errorf("after the load there are %d workers, and %v wait", workers, depth)
		}
		if w.fewest < 50 {
			t.Errorf("meanwhile there were %d workers", w.fewest)
		}
	})
}

// What is added serves after the start delay, and not before.
func TestWorkersServeAfterTheStartDelay(t *testing.T) {
	scaled(t, "arrivals", nil, func(w *world) {
		w.set(func() { w.arrivals = 700 }) // 100 workers, and some for what gathered
		w.after(15*time.Second + 100*time.Millisecond)
		g := w.email()
		if g.Running != 50 || g.Starting == 0 || g.Desired != 50+g.Starting {
			t.Fatalf("after a look there are %+v", g)
		}
		started := g.Starting
		w.after(19800 * time.Millisecond)
		if workers, _ := w.now(); workers != 50 {
			t.Errorf("%d workers serve before the delay is over", workers)
		}
		w.after(200 * time.Millisecond)
		if workers, _ := w.now(); workers != 50+started {
			t.Errorf("%d workers serve after it, want %d", workers, 50+started)
		}
	})
}

// What has not started is the first to go, and nobody who serves goes before it.
func TestWhatStartsGoesFirst(t *testing.T) {
	scaled(t, "arrivals", func(c *autoscale.Config) { c.Times.StartDelay = 10 * time.Minute }, func(w *world) {
		w.set(func() { w.arrivals = 700 })
		w.after(16 * time.Second)
		if g := w.email(); g.Starting == 0 {
			t.Fatalf("nothing starts: %+v", g)
		}
		w.set(func() { w.arrivals, w.depth = 0, 0 })
		w.after(16 * time.Second)
		if g := w.email(); g.Starting != 0 || g.Running != 50 {
			t.Errorf("after the load there are %+v", g)
		}
	})
}

// A wish beyond the maximum is shown, and cut.
func TestAWishIsShownBesideWhatIsGranted(t *testing.T) {
	scaled(t, "arrivals", nil, func(w *world) {
		w.set(func() { w.arrivals = 15_000 })
		w.after(2 * time.Minute)
		if g := w.email(); g.Wished < 2143 || g.Desired != 500 || g.Running != 500 {
			t.Errorf("there are %+v, want a wish of 2,143 or more and 500 that run", g)
		}
		said := fmt.Sprint(w.loop.Events())
		if !strings.Contains(said, "email wants ") || !strings.Contains(said, "and gets 500") {
			t.Errorf("the events are %s", said)
		}
	})
}

// steps goes up by depth, and down after it. That it takes workers from a pool
// that keeps up, and waits for a backlog to give them back, is its fault: at a
// constant load it never comes to rest.
func TestStepsSwingsUnderAConstantLoad(t *testing.T) {
	scaled(t, "steps", nil, func(w *world) {
		w.set(func() { w.arrivals = 2000 })
		most, least, swings, rising := 0, 500, 0, true
		last := 50
		for range 240 {
			w.after(15 * time.Second)
			workers, _ := w.now()
			most = max(most, workers)
			if most > 200 {
				least = min(least, workers)
			}
			if rising && workers < last || !rising && workers > last {
				swings, rising = swings+1, !rising
			}
			last = workers
		}
		// 200 workers carry it.
		if most < 200 || least >= 200 || swings < 5 {
			t.Errorf("steps went between %d and %d workers with %d swings", least, most, swings)
		}
		w.set(func() { w.arrivals, w.depth = 0, 0 })
		w.after(5 * time.Minute)
		// It would leave 20, of a minimum that it knows nothing of.
		if g := w.email(); g.Running != 50 || g.Wished >= 50 {
			t.Errorf("after the load there are %+v", g)
		}
	})
}

// drain goes up by depth, and down after it. That it forgets what arrives
// meanwhile is its fault: with a backlog just above its bound it takes the pool to
// its minimum, while the load needs four times as many.
func TestDrainForgetsWhatArrives(t *testing.T) {
	scaled(t, "drain", func(c *autoscale.Config) {
		c.Workers[pipeline.Email] = autoscale.Bounds{Start: 210, Min: 50, Max: 500}
	}, func(w *world) {
		w.set(func() { w.arrivals, w.workers, w.depth = 2000, 210, 8000 })
		w.after(16 * time.Second)
		if g := w.email(); g.Wished > 20 || g.Running != 50 {
			t.Errorf("with 8,000 waiting and 2,000/s arriving there are %+v", g)
		}
		w.after(20 * time.Minute)
		if workers, depth := w.now(); workers < 200 || depth < 5000 {
			t.Errorf("in the end %d workers stand before a backlog of %v", workers, depth)
		}
		w.set(func() { w.arrivals, w.depth = 0, 0 })
		w.after(time.Minute)
		if g := w.email(); g.Running != 50 || g.Wished != 50 {
			t.Errorf("after the load there are %+v", g)
		}
	})
}

// arrivals in the place of the other two comes to rest.
func TestArrivalsRestsUnderAConstantLoad(t *testing.T) {
	scaled(t, "arrivals", nil, func(w *world) {
		w.set(func() { w.arrivals = 2000 })
		w.after(5 * time.Minute)
		before := len(w.loop.Events())
		w.after(time.Hour)
		if events := w.loop.Events(); len(events) != before {
			t.Errorf("in an hour of constant load: %v", events[before:])
		}
	})
}

// What cannot be measured is not scaled, and is scaled again once it can.
func TestWithoutMeasurementsNothingMoves(t *testing.T) {
	scaled(t, "arrivals", nil, func(w *world) {
		w.set(func() { w.arrivals, w.failing = 2000, errNoFeed })
		w.after(2 * time.Minute)
		if workers, _ := w.now(); workers != 50 {
			t.Errorf("unmeasured, there are %d workers", workers)
		}
		w.set(func() { w.failing = nil })
		w.after(time.Minute)
		if workers, _ := w.now(); workers <= 200 {
			t.Errorf("measured again, there are %d workers", workers)
		}
	})
}

// The events are bounded, and the last ones stay.
func TestEventsAreBounded(t *testing.T) {
	scaled(t, "arrivals", nil, func(w *world) {
		for i := range 100 {
			w.set(func() { w.arrivals = float64(600 + 1400*(i%2)) })
			w.after(time.Minute)
		}
		events := w.loop.Events()
		if len(events) != 64 {
			t.Fatalf("%d events were kept", len(events))
		}
		if age := time.Since(events[63].At); age > 2*time.Minute {
			t.Errorf("the last is %v old", age)
		}
	})
}

func TestTimesAreScaledWithAFloor(t *testing.T) {
	full := autoscale.Times{Every: 15 * time.Second, StartDelay: 20 * time.Second, UpAfter: 2 * time.Minute, DownAfter: 10 * time.Minute}
	for factor, want := range map[float64]autoscale.Times{
		1:      full,
		0.5:    {Every: 7500 * time.Millisecond, StartDelay: 10 * time.Second, UpAfter: time.Minute, DownAfter: 5 * time.Minute},
		0.0067: {Every: time.Second, StartDelay: time.Second, UpAfter: time.Second, DownAfter: 4020 * time.Millisecond},
	} {
		if got := full.Scaled(factor); got != want {
			t.Errorf("by %v: %+v, want %+v", factor, got, want)
		}
	}
	none := autoscale.Times{Every: time.Second}
	if got := none.Scaled(0.1); got.StartDelay != 0 {
		t.Errorf("no delay became %v", got.StartDelay)
	}
}
