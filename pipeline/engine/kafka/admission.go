package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// lookEvery is how often admission looks at what is queued.
const lookEvery = time.Second

// admission closes the queues before they reach their limit. Between two looks
// it counts what this process appends, and nothing of what leaves.
type admission struct {
	limit  int64
	depths func(context.Context) ([]pipeline.Depth, error)
	log    *slog.Logger

	bytes, records atomic.Int64 // appended by this process
	// queued is what the last look found, less what had been appended before it
	// began: with what has been appended by now, an upper bound.
	queued atomic.Int64

	end   context.CancelFunc
	ended sync.WaitGroup
}

// newAdmission starts to look, if there is a limit.
func newAdmission(cfg Config, depths func(context.Context) ([]pipeline.Depth, error)) *admission {
	ctx, cancel := context.WithCancel(context.Background())
	a := &admission{limit: cfg.QueueBytes, depths: depths, log: cfg.Log, end: cancel}
	if a.limit > 0 {
		a.ended.Go(func() { a.run(ctx) })
	}
	return a
}

func (a *admission) close() {
	a.end()
	a.ended.Wait()
}

func (a *admission) run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	failed := false
	for {
		err := a.look(ctx)
		if err != nil && !failed && ctx.Err() == nil {
			a.log.Warn("it cannot be found out how much is queued; what is appended is added to what was known", slog.Any("cause", err))
		}
		failed = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look finds out how much is queued.
func (a *admission) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	before := a.bytes.Load()
	depths, err := a.depths(ctx)
	if err != nil {
		return err
	}
	inFlight := int64(0)
	for i := range depths {
		inFlight += depths[i].InFlight()
	}
	a.queued.Store(inFlight*a.meanRecord() - before)
	return nil
}

// meanRecord is the mean size of what this process appended, in bytes.
func (a *admission) meanRecord() int64 {
	records := a.records.Load()
	if records == 0 {
		return guessedRecord
	}
	return a.bytes.Load() / records
}

// appended counts what is being appended.
func (a *admission) appended(records, bytes int) {
	// Bytes first: the mean is never too small for it.
	a.bytes.Add(int64(bytes))
	a.records.Add(int64(records))
}

// atMost is an upper bound of what is queued, in bytes. It is looked after where
// there is a limit.
func (a *admission) atMost() int64 { return a.queued.Load() + a.bytes.Load() }

// admit refuses when the limit is reached. Errors: [pipeline.ErrFull].
func (a *admission) admit() error {
	if a.limit == 0 {
		return nil
	}
	if queued := a.atMost(); queued >= a.limit {
		return fmt.Errorf("%w: about %d bytes are queued, and the limit is %d", pipeline.ErrFull, queued, a.limit)
	}
	return nil
}
