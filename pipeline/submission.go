package pipeline

import (
	"fmt"
	"strings"
)

// Submission is one request's notifications, decoded.
type Submission struct {
	Client        string // the name of the API key it came under
	Notifications []Notification
	// Key is the idempotency key of the whole request; Keys are those of the
	// entries, nil or one an entry, empty where an entry has none.
	Key  string
	Keys []string
	// Faults were found while it was decoded. Ingest adds its own, so that a
	// client learns of all at once.
	Faults []Fault
}

// Receipt is what a client is told of one notification.
type Receipt struct {
	ID ID
	Result
	Replayed bool
}

// Fault is something wrong with a field of a submission.
type Fault struct {
	Entry  int    // index of the notification
	Field  string // path below the entry, as in "variables/name"; empty for the entry itself
	Detail string
}

// InvalidError refuses a submission for its faults; nothing of it is accepted.
type InvalidError struct{ Faults []Fault }

// Error lists the faults.
func (e *InvalidError) Error() string {
	details := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		details[i] = fmt.Sprintf("notification %d: %s: %s", f.Entry, f.Field, f.Detail)
	}
	return "invalid submission: " + strings.Join(details, "; ")
}
