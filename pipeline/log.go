package pipeline

import (
	"context"
	"time"
)

// The types below are what the external engines' parts say to each other: a log
// that queues records, rows that hold what became of them, and whoever puts the
// two in sequence. An engine that has both in one store needs none of them.

// LogEntry is a notification on its way into a log.
type LogEntry struct {
	Record
	// Result is Queued, or the outcome that it met at ingest: that is queued
	// too, to be settled without a send, so that the account has one source.
	Result
	// Check says that the request was begun before, so that the log may hold the
	// same id already.
	Check bool
}

// Logged is a record that a log hands out, before anybody looked up what is
// known of it.
type Logged struct {
	*Delivery
	// Result is the entry's: Queued for what is to be sent.
	Result
	// Check is the entry's. What is checked is looked up by its id before it is
	// sent, as what is in doubt is.
	Check bool
	// Undecodable is what the log held in place of a record. The delivery then
	// has a queue and a token and nothing else.
	Undecodable []byte
}

// LogLease is the hold on partitions of one channel of a log, as [Lease] is on
// those of a [Feed].
type LogLease interface {
	Channel() Channel
	Await(ctx context.Context, p Priority, max int, wait time.Duration) error
	Fetch(ctx context.Context, p Priority, max int) ([]Logged, error)
	Ending() <-chan struct{}
	Share() float64
	Close(ctx context.Context) error
}

// ExitKind says how a delivery leaves the window of its log.
type ExitKind uint8

// The kinds of exits.
const (
	// Stays: it does not leave; only its attempt is counted.
	Stays ExitKind = iota + 1
	// Ends: it met the fact's outcome.
	Ends
	// Waits: it is queued again, to be handed out at the fact's due time, before
	// this copy leaves.
	Waits
	// Waiting: as Waits, and it was queued again before.
	Waiting
	// Repeats: it is another copy of a record that is, or was, accounted for.
	Repeats
)

// Exit is a fact as a log counts it. Each record of a log leaves by exactly one
// exit, so that
//
//	accepted = records queued by an intake - repeats among them
//	         = outcomes + what has not left
type Exit struct {
	Fact
	Kind ExitKind
	// Check is set on what waits when the log may hold the same retry already.
	Check bool
}

// Row is what the history holds of a notification: of an outcome, if there is
// one, else of the retry whose delivery was due last, else of the notes of
// takeovers alone, in state Sending.
type Row struct {
	Entry // its state is zero where there is no row; of a retry too, EndedAt is when the fact was
	// Token is the delivery's that ended in State, Origin the one under which
	// the notification was first queued: by them a delivery that is handed out
	// again knows its own fact from that of another copy.
	Token  Token
	Origin Token
	// DeliveryDue is when the latest delivery was due of which an outcome or a
	// retry is recorded, that one's or a later one's. Each retry is due later
	// than what it is a retry of, so that by it a retry knows whether itself, or
	// its twin, or its own retry was settled, in whatever order the facts came.
	DeliveryDue time.Time
	// Due is when the retry of that delivery is to be handed out; zero when none
	// was recorded. It may stand beside an outcome of the same delivery, when two
	// owners had it in hand.
	Due time.Time
}
