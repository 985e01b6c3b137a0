package policy

import (
	"math"
	"time"
)

// Pool is what was measured of one channel's workers and of what waits for them.
// Rates are notifications a second.
type Pool struct {
	Depth      float64 // notifications that wait
	Arrivals   float64 // that come in
	Throughput float64 // that are sent
	Workers    int     // that run, or were started and do not serve yet
	Rate       float64 // that one busy worker sends; 0 while nothing was measured
}

// PoolTargets is what a pool is held to.
type PoolTargets struct {
	Min, Max    int
	Utilisation float64       // how busy workers are meant to be, above 0 to 1
	Lag         time.Duration // within which a backlog is meant to be gone
}

// A WorkerPolicy wishes a number of workers for a pool. A wish may lie outside
// the pool's bounds, and shows by how much they bind; whoever grants it clamps it
// with [PoolTargets.Clamp].
type WorkerPolicy func(Pool, PoolTargets) int

// WorkerPolicyNames lists the names of the worker policies, the default first.
func WorkerPolicyNames() []string { return []string{"arrivals", "steps", "drain"} }

// WorkerPolicyNamed finds a worker policy by its name.
func WorkerPolicyNamed(name string) (WorkerPolicy, bool) {
	switch name {
	case "arrivals":
		return Arrivals, true
	case "steps":
		return Steps, true
	case "drain":
		return Drain, true
	}
	return nil, false
}

// Clamp brings a wish within the pool's bounds.
func (t PoolTargets) Clamp(wish int) int { return max(t.Min, min(wish, t.Max)) }

// What Steps goes by: the depths beyond which it acts, what of the depth makes a
// worker, the share of the workers that it keeps, and the fewest that it leaves,
// whatever the pool's minimum.
const (
	stepsHigh      = 10_000
	stepsLow       = 1_000
	stepsPerWorker = 100
	stepsKept      = 0.7
	stepsFloor     = 20
)

// Steps is a rule of thumb by depth alone: over 10,000 a worker for each 100, up
// to the maximum; under 1,000 three workers in ten fewer, down to 20; in between
// as many as there are.
//
// It is kept with its faults. It does not look at arrivals, so it takes workers
// from a pool that is just keeping up, and its floor of 20 knows nothing of the
// pool's minimum.
func Steps(p Pool, t PoolTargets) int {
	switch {
	case p.Depth > stepsHigh:
		return min(whole(math.Floor(p.Depth/stepsPerWorker)), t.Max)
	case p.Depth < stepsLow:
		return max(stepsFloor, whole(math.Floor(stepsKept*float64(p.Workers))))
	}
	return p.Workers
}

// DrainRate is what Drain takes for the rate of one worker, in notifications a
// second, whatever the channel.
const DrainRate = 10

// What else Drain goes by: the depths beyond which it acts, and the seconds
// within which it means to drain the queue.
const (
	drainHigh    = 5_000
	drainLow     = 1_000
	drainSeconds = 60
)

// Drain means to empty the queue in a minute: over a depth of 5,000 it wishes
// depth / (10/s x 60 s) workers, up to the maximum; under 1,000 as many as the
// throughput needs at 10/s a worker, but the minimum; in between as many as there
// are.
//
// It is kept with its faults. It drains as if nothing arrived meanwhile, so just
// over 5,000 it wishes 8 workers for a pool that may need hundreds, below any
// minimum; and 10/s is the rate of one channel sent singly.
func Drain(p Pool, t PoolTargets) int {
	switch {
	case p.Depth > drainHigh:
		return min(whole(math.Floor(p.Depth/(DrainRate*drainSeconds))), t.Max)
	case p.Depth < drainLow:
		return max(t.Min, whole(math.Floor(p.Throughput/DrainRate)))
	}
	return p.Workers
}

// Arrivals wishes what the arrivals need at the target utilisation, and beside
// them what drains the backlog within the lag target, by the measured rate of a
// worker; the minimum at least, and more than the maximum if that is what it
// takes:
//
//	(arrivals / utilisation + depth / lag) / rate, rounded up
//
// It gives workers back only when more than a tenth of them is to spare, so that
// noise moves nobody. While no rate was measured it keeps what there is.
func Arrivals(p Pool, t PoolTargets) int {
	if !(p.Rate > 0) {
		return max(p.Workers, t.Min)
	}
	needed := p.Arrivals / t.Utilisation
	if p.Depth > 0 {
		needed += p.Depth / t.Lag.Seconds()
	}
	wish := max(roundUp(needed/p.Rate), t.Min)
	if wish < p.Workers && float64(wish) >= (1-tolerance)*float64(p.Workers) {
		return p.Workers
	}
	return wish
}

// tolerance is the share by which a metric may be off its target before anything
// is scaled. Source: Kubernetes, "Horizontal Pod Autoscaling", 0.1 by default.
const tolerance = 0.1

// mostWished bounds every wish, whatever was measured.
const mostWished = math.MaxInt32

// roundUp makes a wish of what is needed. A part of 1e-12 of it is taken for
// rounding of the arithmetic before: 700 / 0.7 / 10 is a little over 100 in
// floats, and must not start a worker more.
func roundUp(v float64) int { return whole(math.Ceil(v * (1 - 1e-12))) }

// whole makes a wish of a number: none below zero, none beyond counting, and the
// most for what is no number.
func whole(v float64) int {
	if !(v < mostWished) {
		return mostWished
	}
	return int(max(v, 0))
}
