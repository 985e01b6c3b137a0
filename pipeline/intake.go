package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// MaxSlice is the most notifications that one request, and so one slice,
// carries.
const MaxSlice = 1000

// MaxUserID is the most bytes of a user's id: of whom a notification is for,
// and of whom preferences are kept and histories asked for.
const MaxUserID = 128

// Errors of an [Intake].
var (
	// ErrConflict: the key was used before with another body.
	ErrConflict = errors.New("idempotency key was used with another body")
	// ErrRunning: the first request with the key has not ended yet.
	ErrRunning = errors.New("a request with this idempotency key is still running")
	// ErrFull: a limit of the store is reached; nothing was written. Who shares
	// a store with others learns that a limit is reached a little later.
	ErrFull = errors.New("the store is full")
	// ErrUnavailable: the store did not answer before anything was written.
	ErrUnavailable = errors.New("the store is not available")
	// ErrAmbiguous: the commit began and its end is unknown; some records may
	// be queued. The same keys resume it.
	ErrAmbiguous = errors.New("the commit's end is unknown")
)

// KeyHash is the hash of a client's name and its idempotency key: keys belong
// to the client that used them.
type KeyHash [16]byte

// BodyHash is the hash of a request's decoded value: requests that decode
// alike are the same, whatever their spelling.
type BodyHash [16]byte

// Stamp is what the ids of a slice are made of, beside its body: the time, to
// the millisecond, and the first sequence. A reservation keeps it in place of
// the ids.
type Stamp struct {
	At    time.Time
	First uint32
}

// Claim is a request's wish to be the one that uses an idempotency key.
type Claim struct {
	Key   KeyHash
	Body  BodyHash
	Stamp Stamp // used when the claim is fresh
	// Entries is how many notifications of the slice the key covers: all of
	// them when the key stands on the request, else one. A key that covers none
	// is kept with its stamp alone.
	Entries int
}

// ClaimError says which claim was refused.
type ClaimError struct {
	Claim int   // index into the claims
	Err   error // ErrConflict or ErrRunning
}

// Error names the claim by its index.
func (e *ClaimError) Error() string { return fmt.Sprintf("claim %d: %v", e.Claim, e.Err) }

// Unwrap gives the reason.
func (e *ClaimError) Unwrap() error { return e.Err }

// StandingKind says what became of a claim.
type StandingKind uint8

// The standings of a claim.
const (
	Fresh    StandingKind = iota + 1 // the first of its key
	Replayed                         // answered before: Results is that answer
	Resumed                          // begun before by an owner that died: go on under its stamp
)

// Standing is what became of a claim.
type Standing struct {
	Kind    StandingKind
	Stamp   Stamp    // to make the ids of
	Results []Result // of a replayed claim, one an entry
}

// Result is what a request is told of one of its notifications: Queued when it
// was accepted for delivery, else the outcome it met at ingest. That is in the
// history and the account from the commit on, or, where it is queued like any
// other, once the queue was read that far.
type Result struct {
	State  State
	Reason string
}

// Admission is one notification of a commit.
type Admission struct {
	Record
	Result
	// Claim is the index of the claim that covers it, or -1.
	Claim int
}

// Intake makes a slice of notifications durable, once per idempotency key. It
// is safe for concurrent use.
type Intake interface {
	// Reserve takes the keys of a request, all or none, until the reservation
	// is committed or released. Without claims it does no I/O. Errors: a
	// *ClaimError of ErrConflict or ErrRunning, ErrFull, ErrUnavailable.
	Reserve(ctx context.Context, claims []Claim) (Reservation, error)
}

// Reservation holds a request's keys. It has one user, who ends it by Release
// whether or not it was committed.
type Reservation interface {
	// Standing is what became of each claim, in the order of the claims.
	Standing() []Standing
	// Commit makes the admissions durable, with the results of their claims.
	// Its nil is the promise behind a 202: they survive a crash from here on, and
	// it keeps none of them, whose memory is used again.
	// After ErrFull and ErrUnavailable nothing was written; after ErrAmbiguous
	// some may be. It is called at most once, and returns only when the end is
	// known or given up: cancelling ctx does not undo a commit under way.
	Commit(ctx context.Context, admissions []Admission) error
	// Release frees the keys that were not committed.
	Release()
}
