package pipeline

import "context"

// InvalidationChannel is the channel that a [Bus] between processes uses.
const InvalidationChannel = "cache.invalidate"

// Subject says which cached things an [Invalidation] is about.
type Subject string

// The subjects.
const (
	SubjectPreferences Subject = "preferences" // of a user
	SubjectAddresses   Subject = "addresses"   // of an address; the user id is that of its [PreferenceKey]
)

// Invalidation says that what is cached of a user is old. Its JSON form is the
// message between processes.
type Invalidation struct {
	Subject Subject `json:"type"`
	UserID  string  `json:"user_id"`
}

// Listener is told what a [Bus] hears, one call at a time. Its functions are
// quick, and publish nothing.
type Listener struct {
	// Heard is told what changed.
	Heard func([]Invalidation)
	// Missed is told that any number of invalidations may have been lost: all
	// that is cached may be old. Whatever is heard after it was published after
	// what was lost.
	Missed func()
}

// Bus carries invalidations to every process that shares the stores. It is safe
// for concurrent use. It delivers at most once: so whoever relies on it also
// bounds how long it believes what it heard nothing of.
type Bus interface {
	// Publish tells every listener, the publisher's own among them. Its nil says
	// that the message is on its way; an error, that nobody may get it. It may
	// be repeated: a listener that hears the same twice only forgets twice.
	Publish(ctx context.Context, invalidations []Invalidation) error
	// Subscribe adds a listener. What is published after its return is heard, or
	// else missed. After stop has returned the listener is not called any more.
	Subscribe(ctx context.Context, l Listener) (stop func(), err error)
}
