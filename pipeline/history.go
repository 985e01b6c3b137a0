package pipeline

import (
	"context"
	"errors"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
)

// ErrUnknownRun says that no outcome of a load run is kept.
var ErrUnknownRun = errors.New("no such run")

// MaxRuns is how many load runs' outcomes are kept; the one that was touched
// longest ago makes room.
const MaxRuns = 16

// Reasons of outcomes that a store decides.
const (
	// ReasonErased: the recipient was erased while the notification waited.
	ReasonErased = "erased"
	// ReasonUndecodable: what the queue held is no record.
	ReasonUndecodable = "undecodable"
)

// Entry is what is known of a notification: its history row, or where it
// stands in the queue.
type Entry struct {
	ID       ID
	State    State // zero: not known
	Ref      string
	UserID   string // may be empty while it is queued
	Reason   string
	EndedAt  time.Time
	ReplayOf ID
	Attempts []Attempt
}

// History answers what became of notifications. It is safe for concurrent use.
type History interface {
	// ByID looks ids up, one entry an id in the same order. An id made by this
	// installation is found from the moment its commit was acknowledged: Queued
	// until it has a row, or Sending, where it can be seen who has it. Its state
	// is zero once its day was dropped or its user was erased; where queues
	// cannot be searched it is zero without a row, too, when another user was
	// erased whose hash is the same.
	ByID(ctx context.Context, ids []ID) ([]Entry, error)
	// RunOutcomes gives the outcomes of a load run, whose notifications carry
	// refs of the form run-sequence. They outlive history and erasures: they
	// say nothing of anybody. Errors: ErrUnknownRun.
	RunOutcomes(ctx context.Context, run string) (RunOutcomes, error)
}

// RunOutcomes holds the sequences of a load run by outcome.
type RunOutcomes map[State]*roaring.Bitmap

// UserHistory is the history by user. It is safe for concurrent use.
type UserHistory interface {
	// ByUser lists a user's notifications, newest first by the time of their
	// acceptance, and says where the next page begins. An unknown user has
	// none. Listed is what was tried or has ended. What still waits for its
	// first try is listed when an engine finds it without a search: the
	// embedded one holds in memory what is due next, which without a backlog is
	// all there is. ByID finds each of them in any case.
	//
	// Pages neither repeat nor miss what was listed before the first of them,
	// whatever is accepted in the meantime. A page may hold less than its limit,
	// even nothing, and still have a next. Errors: ErrBadCursor.
	ByUser(ctx context.Context, user string, p Page) ([]Entry, Cursor, error)
	// Erase forgets a user's notifications that were accepted before. From its
	// nil on they are found by nobody, and none is handed out: what was queued
	// ends Suppressed for ReasonErased, counted in the account, and nothing is
	// kept of it that names the user. A send already under way is not called
	// back. What is accepted afterwards is kept as anybody's. It may be
	// repeated; after an error the user may be erased in part, and repeating it
	// finishes. Errors: ErrFull, when more users are being erased than can be
	// remembered.
	Erase(ctx context.Context, user string) error
}

// DeadLetter is a dead notification that is kept to be looked at, and to be
// sent again.
//
// To send it again is to make a new notification of its record, with an id of
// its own and with ReplayOf: the dead one stays dead. Once: the [Intake]'s
// commit of one with ReplayOf notes the new id at the dead letter and forgets
// its record, since nobody needs the variables any more. Who replays claims an
// idempotency key that is made of the dead id, so that of two at a time one
// waits, and then learns of the other's. If the new one dies too, it is a dead
// letter of its own.
type DeadLetter struct {
	// Entry is its history; the id is zero when the queue held bytes from which
	// not even that could be read.
	Entry
	Queue Queue
	// ReplayedBy is the notification that was made of it, or zero.
	ReplayedBy ID
	// Record is what can be sent again: nil in a list, once it was replayed, and
	// for bytes that are no record.
	Record *Record
	// Undecodable is what the queue held in place of a record.
	Undecodable []byte
}

// DeadFilter chooses among dead letters; what is zero is not asked for.
type DeadFilter struct {
	Channel Channel
	Reason  string
}

// DeadLetters keeps dead notifications for as long as their history. It is safe
// for concurrent use.
type DeadLetters interface {
	// Dead lists dead letters without their records, newest first by the time
	// of their acceptance, and says where the next page begins. Pages are as
	// those of [UserHistory]. Errors: ErrBadCursor.
	Dead(ctx context.Context, f DeadFilter, p Page) ([]DeadLetter, Cursor, error)
	// DeadByID looks dead letters up with their records, one an id in the same
	// order. Its state is zero where an id is of none: it is not dead, not known
	// any more, or its user was erased.
	DeadByID(ctx context.Context, ids []ID) ([]DeadLetter, error)
}
