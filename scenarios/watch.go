package scenarios

import (
	"context"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

const (
	// askMocksEvery is how often, in looks, the mock providers are asked how busy
	// they are, which they average over ten seconds; askMocksTimeout is how long
	// they may take to say it.
	askMocksEvery   = 5
	askMocksTimeout = pollEvery / 2
	// lookAfter is how long after each second the run is looked at: by then the
	// generator has added the second up.
	lookAfter = pollEvery / 20
)

// watch has a run looked at once a second: what the generator did and what the
// system says of itself goes into its course.
type watch struct {
	generator *load.Generator
	system    *observer // nil when the system shows no status
	ledger    Ledger    // nil when there is none
	course    *course
	began     time.Time

	looks   int
	seconds int           // of the generator that were taken
	until   time.Duration // where the last interval ended
	cpu     load.CPU
}

// follow looks once a second until the context ends.
func (w *watch) follow(ctx context.Context) {
	timer := time.NewTimer(lookAfter)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return
	case <-timer.C:
	}
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			_ = w.look(ctx) // a busy system may answer the next time
		}
	}
}

// look asks the system and takes what the generator did since the last time. The
// error is the system's.
func (w *watch) look(ctx context.Context) error {
	var status *api.Status
	var failed error
	if w.system != nil {
		if status, failed = w.system.poll(ctx); ctx.Err() == nil {
			w.course.answers(failed)
		}
	}
	last := interval{mock: w.mocksBusy(ctx)}
	if now, err := load.ReadCPU(); err == nil { // else nothing is known of the machine
		last.cpu, w.cpu = now.Since(w.cpu), now
	}
	seconds, taken := w.generator.SecondsAfter(w.seconds)
	w.seconds = taken
	for n, s := range seconds {
		i := interval{from: w.until, to: max(s.At, w.until), clients: clientsOf(s, w.until)}
		w.until = i.to
		if n < len(seconds)-1 {
			w.course.add(i, nil)
			continue
		}
		i.cpu, i.mock = last.cpu, last.mock
		last = i
	}
	if len(seconds) == 0 {
		last.from, last.to = w.until, max(time.Since(w.began), w.until)
		w.until = last.to
	}
	w.course.add(last, status)
	return failed
}

// mocksBusy asks the mock providers, now and then; 0 means that they did not say.
func (w *watch) mocksBusy(ctx context.Context) float64 {
	w.looks++
	if w.ledger == nil || w.looks%askMocksEvery != 0 {
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, askMocksTimeout)
	defer cancel()
	activity, err := w.ledger.Activity(ctx)
	if err != nil {
		return 0
	}
	return activity.Busy
}
