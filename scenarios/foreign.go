package scenarios

import (
	"context"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/notifyctl/notifyctl/scenarios/load"
)

// arrivalSilence is how long nothing may arrive at the providers before a system
// that does not say what it holds is taken to have sent all that it will.
const arrivalSilence = 10 * time.Second

// reach connects once to a target that tells nothing of itself, so that one which
// is not there is named before it is loaded.
func (r *Run) reach(ctx context.Context, target *load.Endpoint) error {
	conn, err := target.Dial(ctx, "tcp")
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return &NoAnswerError{Target: target.Base(), Err: err}
	}
	_ = conn.Close() // nothing was said over it
	return nil
}

// awaitArrivals waits for the notifications of a system that does not say what it
// holds: until all that it accepted has reached the mock providers, nothing more
// has for a while, or the scenario's patience is at its end.
func (r *Run) awaitArrivals(ctx context.Context, b Bench) {
	if b.System != nil || b.Ledger == nil {
		return
	}
	waiting, cancel := context.WithTimeout(ctx, r.options.Scenario.Drain)
	defer cancel()
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	accepted := r.generator.Accepted()
	arrived, last := uint64(0), time.Now()
	for {
		if ledger, err := b.Ledger.Run(waiting, r.name); err == nil {
			there := roaring.And(ledger.Sequences(), accepted).GetCardinality()
			if there == accepted.GetCardinality() {
				return
			}
			if there > arrived {
				arrived, last = there, time.Now()
			}
		}
		if time.Since(last) >= arrivalSilence {
			return
		}
		select {
		case <-waiting.Done():
			return
		case <-ticker.C:
		}
	}
}

// targetName is how results call the target: its address, and of one that does
// not have our API the path, but never what follows it, which may hold a secret.
func (r *Run) targetName(b Bench) string {
	if r.options.Foreign == nil {
		return b.Target.Base()
	}
	return b.Target.Base() + b.Target.URL.EscapedPath()
}
