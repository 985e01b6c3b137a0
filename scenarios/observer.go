package scenarios

import (
	"context"
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/api"
)

// pollEvery is how often the system is asked. It is one way for a system in
// this process and for any other.
const pollEvery = time.Second

// keptPolls is how many depths are kept for display.
const keptPolls = 120

// System is the part of a running system's interface that a run watches;
// [api.Client] is one.
type System interface {
	Status(ctx context.Context) (api.Status, error)
	RunOutcomes(ctx context.Context, run string) (api.RunOutcomes, error)
}

// observer asks a system for its status, and keeps the first and the last.
type observer struct {
	system System

	mu     sync.Mutex
	first  *api.Status
	last   *api.Status
	seen   time.Time // when the last came
	failed error     // of the last poll, nil when it was answered
	depths []int64   // of the queues together, the last ones
}

// observation is what the system said of itself over a run.
type observation struct {
	first, last *api.Status
	seen        time.Time
	stale       bool // whether the last poll was not answered
	depths      []int64
}

// poll asks once.
func (o *observer) poll(ctx context.Context) (*api.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*pollEvery)
	defer cancel()
	status, err := o.system.Status(ctx)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failed = err
	if err != nil {
		return nil, err
	}
	if o.first == nil {
		o.first = &status
	}
	o.last, o.seen = &status, time.Now()
	o.depths = append(o.depths, depthOf(status.Queues))
	if len(o.depths) > keptPolls {
		o.depths = append(o.depths[:0], o.depths[len(o.depths)-keptPolls:]...)
	}
	return &status, nil
}

// depthOf is how deep queues are, all together.
func depthOf(queues []api.Queue) (depth int64) {
	for _, q := range queues {
		depth += q.Depth()
	}
	return depth
}

// observation gives what was seen so far, nil if nothing.
func (o *observer) observation() *observation {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.first == nil {
		return nil
	}
	return &observation{
		first: o.first, last: o.last, seen: o.seen, stale: o.failed != nil,
		depths: append([]int64(nil), o.depths...),
	}
}

// drained says whether the system answered, and holds nothing in flight.
func (o *observer) drained() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.failed == nil && o.last != nil && o.last.Account.InFlight == 0
}

// inFlight is what the system held when it last answered.
func (o *observer) inFlight() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.last.Account.InFlight
}

// restart forgets what was seen but for the last, which is the first from now
// on.
func (o *observer) restart() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.first, o.depths = o.last, o.depths[len(o.depths)-1:]
}

// before is what the first snapshot said of a queue.
func (o *observation) before(now api.EndToEnd) api.EndToEnd {
	for _, then := range o.first.EndToEnd {
		if then.Channel == now.Channel && then.Priority == now.Priority {
			return then
		}
	}
	return api.EndToEnd{}
}
