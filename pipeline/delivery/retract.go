package delivery

import (
	"context"
	"log/slog"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Reasons of permanent answers that say something of an address beyond the
// notification, as the providers' clients give them.
const (
	ReasonUnregistered = "unregistered" // the address is gone
	ReasonUnsubscribed = "unsubscribed" // the recipient opted out at the provider
)

// Retractions keeps what providers say of addresses, so that the next
// notification is not sent in vain.
type Retractions interface {
	// Retract takes addresses out of the preferences, or opts their users out.
	// It may be repeated with the same retractions, and what is not there any
	// more is no error.
	Retract(ctx context.Context, retractions []pipeline.Retraction) error
}

// retractionOf says what an answer says of the address.
func retractionOf(d *pipeline.Delivery, address string, a *pipeline.Answer) (pipeline.Retraction, bool) {
	if a.Class != pipeline.Permanent || a.Reason != ReasonUnregistered && a.Reason != ReasonUnsubscribed {
		return pipeline.Retraction{}, false
	}
	key := pipeline.PreferenceKey{UserID: d.UserID, Channel: d.Channel}
	return pipeline.Retraction{PreferenceKey: key, Address: address, OptedOut: a.Reason == ReasonUnsubscribed}, true
}

// The bounds of what waits to be retracted, and of one retraction.
const (
	maxRetracting  = 64 // batches
	retractTimeout = 2 * time.Second
)

// retractor retracts beside the deliveries: nothing waits for it. What it
// cannot do is logged and let go: the next notification to the address brings
// the same answer.
type retractor struct {
	to    Retractions // nil: nothing is done
	log   *slog.Logger
	queue chan []pipeline.Retraction
	done  chan struct{}
	// ctx ends when the rest is let go.
	ctx    context.Context
	cancel context.CancelFunc
}

func newRetractor(to Retractions, log *slog.Logger) *retractor {
	r := &retractor{to: to, log: log, queue: make(chan []pipeline.Retraction, maxRetracting), done: make(chan struct{})}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

func (r *retractor) start() {
	go func() {
		defer close(r.done)
		for retractions := range r.queue {
			r.retract(retractions)
		}
	}()
}

// finish waits for what was added, but no longer than one retraction may take.
func (r *retractor) finish() {
	close(r.queue)
	defer time.AfterFunc(retractTimeout, r.cancel).Stop()
	<-r.done
	r.cancel()
}

// add gives what the answers of one call say.
func (r *retractor) add(retractions []pipeline.Retraction) {
	if r.to == nil || len(retractions) == 0 {
		return
	}
	select {
	case r.queue <- retractions:
	default:
		r.warn(len(retractions), "too many wait already")
	}
}

func (r *retractor) retract(retractions []pipeline.Retraction) {
	ctx, cancel := context.WithTimeout(r.ctx, retractTimeout)
	defer cancel()
	if err := r.to.Retract(ctx, retractions); err != nil {
		r.warn(len(retractions), err.Error())
	}
}

func (r *retractor) warn(n int, why string) {
	r.log.Warn("addresses that providers do not serve any more stay in the preferences",
		slog.Int("addresses", n), slog.String("reason", why))
}
