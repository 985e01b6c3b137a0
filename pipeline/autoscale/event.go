package autoscale

import (
	"fmt"
	"strings"
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
	if e.Act != Wants {
		return fmt.Sprintf("%s: %s %s", e.Name, e.counted(), e.verb())
	}
	if e.Granted != e.Count {
		return fmt.Sprintf("%s wants %s and gets %d", e.Name, e.counted(), e.Granted)
	}
	return fmt.Sprintf("%s wants %s", e.Name, e.counted())
}

// counted is the count with its noun.
func (e Event) counted() string {
	noun := string(e.Kind)
	if e.Count == 1 {
		noun = strings.TrimSuffix(noun, "s")
	}
	return fmt.Sprintf("%d %s", e.Count, noun)
}

// verb is the act, of one or of many.
func (e Event) verb() string {
	if e.Count == 1 {
		return string(e.Act)
	}
	return strings.TrimSuffix(string(e.Act), "s")
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
