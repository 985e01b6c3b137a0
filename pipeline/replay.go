package pipeline

import (
	"fmt"
	"time"
)

// MaxReplay is the most dead letters that one request sends again: they are one
// slice.
const MaxReplay = MaxSlice

// Replay asks for dead letters to be sent again, each as a new notification
// with ReplayOf. A dead letter is sent again once: asked for another time, the
// answer names the same new notification.
type Replay struct {
	Client string // the name of the API key it came under
	// Key is the request's idempotency key, or empty. With it a repeated
	// request by filter is answered as the first was; without it, it sends
	// again what the filter chooses by then.
	Key string
	// IDs are the dead letters, at most MaxReplay and none twice. When there
	// are none, Filter, From and To choose: the newest that were not replayed,
	// MaxReplay of them at most. What cannot be sent again is passed over.
	IDs      []ID
	Filter   DeadFilter
	From, To time.Time // of acceptance: at From or later, before To; zero is open
}

// Replacement is a dead letter that was sent again.
type Replacement struct {
	Dead ID // it stays dead
	New  ID // the notification that was made of it
}

// NotReplayableError says which of the ids of a [Replay] cannot be sent again.
// Nothing was.
type NotReplayableError struct {
	Index  int // into the ids
	Detail string
}

// Error names the id by its index.
func (e *NotReplayableError) Error() string { return fmt.Sprintf("id %d: %s", e.Index, e.Detail) }
