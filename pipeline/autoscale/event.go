package autoscale

import (
	"fmt"
	"time"
)

// Kind is what a group is made of.
type Kind string

// The kinds.
const (
	Workers  Kind = "workers"
	Gateways Kind = "gateways"
)

// Act is what happened to a group.
type Act string

// The acts.
const (
	Wants  Act = "wants"  // policy wishes another number
	Starts Act = "starts" // so many were added, and do not serve yet
	Serves Act = "serves" // so many now serve
	Stops  Act = "stops"  // so many were taken away
)

// Event is one act of the loop.
type Event struct {
	At    time.Time
	Kind  Kind
	Name  string
	Act   Act
	Count int // for Wants, the number wished; else how many more or fewer
	// Granted is, for Wants, what of the wish the bounds let through.
	Granted int
}

// String says it in words, as in "push wants 20 workers".
func (e Event) String() string {
	switch {
	case e.Act == Wants && e.Granted != e.Count:
		return fmt.Sprintf("%s wants %d %s and gets %d", e.Name, e.Count, e.Kind, e.Granted)
	case e.Act == Wants:
		return fmt.Sprintf("%s wants %d %s", e.Name, e.Count, e.Kind)
	}
	return fmt.Sprintf("%s: %d %s %s", e.Name, e.Count, e.Kind, e.plural())
}

// plural is the act of many.
func (e Event) plural() string {
	switch e.Act {
	case Starts:
		return "start"
	case Serves:
		return "serve"
	default:
		return "stop"
	}
}

// keptEvents is how many events are kept.
const keptEvents = 64

// events keeps the last events.
type events []Event

func (e *events) add(event Event) {
	if len(*e) == keptEvents {
		*e = append((*e)[:0], (*e)[1:]...)
	}
	*e = append(*e, event)
}
