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

// Entry is what is known of a notification: its history row, or where it
// stands in the queue.
type Entry struct {
	ID       ID
	State    State // zero: not known
	Ref      string
	UserID   string // empty while it is queued
	Reason   string
	EndedAt  time.Time
	ReplayOf ID
	Attempts []Attempt
}

// History answers what became of notifications. It is safe for concurrent use.
type History interface {
	// ByID looks ids up, one entry an id in the same order. An id made by this
	// installation and within retention is found from the moment its commit
	// was acknowledged: Queued until it has a row.
	ByID(ctx context.Context, ids []ID) ([]Entry, error)
	// RunOutcomes gives the outcomes of a load run, whose notifications carry
	// refs of the form run-sequence. Errors: ErrUnknownRun.
	RunOutcomes(ctx context.Context, run string) (RunOutcomes, error)
}

// RunOutcomes holds the sequences of a load run by outcome.
type RunOutcomes map[State]*roaring.Bitmap
