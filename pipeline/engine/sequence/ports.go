package sequence

import (
	"context"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Holder names a reservation to the [Keys], so that whoever lost its keys to
// another does nothing to them.
type Holder = [16]byte

// Keys is a store of idempotency keys. A key is free; reserved by a holder,
// until a deadline that the store sets by its own clock; resumable, when the
// deadline passed or its holder gave it up with something written; or done,
// with its answer, for as long as answers are kept. It is safe for concurrent
// use. Errors: [pipeline.ErrUnavailable], when it cannot be known what happened,
// too; then the keys are as before, or reserved until the deadline.
type Keys interface {
	// Reserve takes the keys of claims for a holder, all or none. A resumable
	// key of the same body goes to the holder, Resumed under the stamp that it
	// had. Errors: a *[pipeline.ClaimError], [pipeline.ErrFull].
	Reserve(ctx context.Context, h Holder, claims []pipeline.Claim) ([]pipeline.Standing, error)
	// Done stores the answers of keys that the holder has, results[i] of
	// claims[i], under the stamps of their standings. A key that is gone is
	// stored too; one that another holder has by now is left to it.
	Done(ctx context.Context, h Holder, claims []pipeline.Claim, standings []pipeline.Standing, results [][]pipeline.Result) error
	// Release frees the keys that the holder still has, when nothing was written
	// under them; those that it had resumed stay resumable.
	Release(ctx context.Context, h Holder, claims []pipeline.Claim, standings []pipeline.Standing) error
	// Yield makes the keys that the holder has resumable at once: something may
	// have been written under their stamps.
	Yield(ctx context.Context, h Holder, claims []pipeline.Claim) error
}

// Log queues records durably and hands them out to one owner a partition. It is
// safe for concurrent use.
type Log interface {
	// Admit says whether more may be queued. It does no I/O. Errors:
	// [pipeline.ErrFull], [pipeline.ErrUnavailable].
	Admit() error
	// Append queues entries and returns when they are durable. Errors:
	// [pipeline.ErrFull] and [pipeline.ErrUnavailable] when none was written,
	// [pipeline.ErrAmbiguous] when some may be.
	Append(ctx context.Context, entries []pipeline.LogEntry) error
	// Acquire waits until partitions of the channel are ours. A process holds
	// at most one lease a channel.
	Acquire(ctx context.Context, c pipeline.Channel) (pipeline.LogLease, error)
	// Exit queues what waits, and then commits, for each partition of the lease,
	// its mark, the counts of all that left, and what left beyond the mark: a
	// later owner finds them together. It may be repeated: a delivery that left
	// before is passed over, with its retry. It goes on for as long as the lease
	// is ours, and by its own clock it knows when that may be over: from then on
	// it queues nothing, since the new owner queues its own. Errors:
	// [pipeline.ErrFenced] when the lease is not ours any more; then nothing was
	// counted.
	Exit(ctx context.Context, l pipeline.LogLease, exits []pipeline.Exit) error
	// Account sums up the counts of all partitions, whoever owns them.
	Account(ctx context.Context) (pipeline.Account, error)
	// Depths counts what is queued, whoever owns it.
	Depths(ctx context.Context) ([]pipeline.Depth, error)
}

// Rows is the history, shared by all processes. It is safe for concurrent use.
type Rows interface {
	pipeline.History
	pipeline.UserHistory
	pipeline.DeadLetters
	// Rows looks up what is held of ids, one row an id in the same order, with all
	// attempts that were recorded, notes of takeovers among them. Its state is
	// zero where there is no row or its user was erased.
	Rows(ctx context.Context, ids []pipeline.ID) ([]pipeline.Row, error)
	// Record makes facts durable, the load runs' outcomes and the dead letters
	// among them; of a fact in state Sending its attempt. It may be repeated. Of
	// an erased user nothing is kept but the outcome of a load run. Errors:
	// [pipeline.ErrUnavailable]; then some may be recorded.
	Record(ctx context.Context, facts []pipeline.Fact) error
	// Erased says which deliveries are of notifications that were accepted
	// before their user was erased. From the nil of an Erase on, every process
	// says so.
	Erased(ctx context.Context, deliveries []*pipeline.Delivery) ([]bool, error)
	// Replayed notes at dead letters what was made of them, and forgets their
	// records. It may be repeated.
	Replayed(ctx context.Context, replacements []pipeline.Replacement) error
	// PutAside keeps as dead letters what a log held in place of records. It may
	// be repeated.
	PutAside(ctx context.Context, undecodable []pipeline.Logged) error
}
