package pipeline

import (
	"context"
	"errors"
	"time"
)

// ErrFenced says that a lease has another owner by now: the facts stand, the
// mark did not move.
var ErrFenced = errors.New("the lease has another owner")

// ErrLeaseEnded says that a lease hands out no more.
var ErrLeaseEnded = errors.New("the lease has ended")

// Token names a delivery to the Feed that handed it out and to the Settlement
// beside it; to everybody else it is opaque.
type Token struct {
	Partition int32
	Position  int64
}

// Delivery is a record that is due to be sent.
type Delivery struct {
	Record
	Token Token
	// Origin is the token under which it was first queued, where an engine
	// queues retries as records of their own; else zero.
	Origin   Token
	Attempts []Attempt // those made before
	// Doubt marks a record that a former owner may have sent: ask History
	// before it is sent. An engine that marks ahead what may be sent doubts
	// after a crash some of what was not handed out, too.
	Doubt bool
	// Due is when it may be sent: its acceptance, or the end of its wait.
	Due time.Time
	// Fetched is when the feed handed it out.
	Fetched time.Time
}

// Feed leases the partitions of a channel and hands out what is due.
type Feed interface {
	// Acquire waits until partitions of the channel are ours. A process holds
	// at most one lease a channel. Errors: ErrUnavailable, when it is worth
	// another try.
	Acquire(ctx context.Context, c Channel) (Lease, error)
	// Depths counts what is in flight, a row for each queue.
	Depths(ctx context.Context) ([]Depth, error)
}

// Lease is a process's hold on partitions of one channel. Await and Fetch are
// called by one goroutine a priority.
type Lease interface {
	// Channel is the channel it was acquired for.
	Channel() Channel
	// Await returns when a batch of the priority is due to be cut: max
	// deliveries are due, or the first of them has been for wait. It hands out
	// nothing, so that a batch is cut when a worker takes it, as full as it
	// can be. Errors: ctx's, ErrLeaseEnded.
	Await(ctx context.Context, p Priority, max int, wait time.Duration) error
	// Fetch hands out at most max deliveries of a priority that are due,
	// retries included, perhaps none. The records of a partition come in
	// order. What it hands out was marked durably before as possibly sent,
	// and it hands out nothing while the window of unfinished records is full.
	// Errors: ctx's, ErrLeaseEnded.
	Fetch(ctx context.Context, p Priority, max int) ([]*Delivery, error)
	// Ending is closed when the lease is about to be taken away: send nothing
	// new, settle what was sent, then Close.
	Ending() <-chan struct{}
	// Share is the part of the channel's partitions that is leased, above 0 and
	// at most 1: the part of the channel's work that is this process's.
	Share() float64
	// Close gives the partitions back. What was handed out and not settled is
	// handed out again later, in doubt; an orderly end settles it before.
	Close(ctx context.Context) error
}

// Depth counts what a queue holds that has not ended.
type Depth struct {
	Queue
	Waiting  int64     // not handed out yet
	Windowed int64     // handed out, not settled
	Retrying int64     // waiting for a retry, or handed out for one
	Oldest   time.Time // acceptance of the oldest waiting record; zero when none waits
}

// InFlight is all of it.
func (d Depth) InFlight() int64 { return d.Waiting + d.Windowed + d.Retrying }

// Fact is what became of a delivery.
type Fact struct {
	Delivery *Delivery
	// State is an outcome; Retrying, to be handed out again at Due; Sending,
	// when only the attempt is to be noted before the send; or zero, when the
	// delivery turned out to have ended before and just leaves the window.
	State   State
	Reason  string    // of an outcome other than delivered
	At      time.Time // when
	Due     time.Time // of a retry
	Attempt Attempt   // the attempt that led here; its class is 0 when there was none
}

// Settlement records what became of deliveries and moves the lease's mark.
type Settlement interface {
	// Settle makes facts durable, together with the mark that follows from
	// them. It may be repeated with the same facts. Where stores of their own
	// take part it waits for one that is away, until ctx ends or the lease is
	// another's. When it returns nil or ErrFenced it keeps none of the facts, whose
	// memory is used again. Errors: ErrFenced, the facts are recorded, the mark is
	// not ours any more; ErrUnavailable.
	Settle(ctx context.Context, l Lease, facts []Fact) error
	// Account sums up, from durable counts, all that was ever accepted here.
	Account(ctx context.Context) (Account, error)
}

// Account is the promise as an equation: every accepted notification has ended
// or is in flight. InFlight is counted in the queues, never subtracted.
type Account struct {
	Accepted    int64
	Delivered   int64
	Suppressed  int64
	Expired     int64
	RateDropped int64
	Dead        int64
	InFlight    int64
	Ambiguous   int64 // answers that left open whether the provider accepted
	Takeovers   int64 // records found possibly sent after a crash
}

// Ended is the number that met an outcome.
func (a Account) Ended() int64 {
	return a.Delivered + a.Suppressed + a.Expired + a.RateDropped + a.Dead
}
