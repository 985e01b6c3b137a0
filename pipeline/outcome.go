package pipeline

import (
	"fmt"
	"time"
)

// State is where a notification stands. From Delivered on it is an outcome:
// terminal, and every accepted notification reaches exactly one.
type State uint8

// The states. Queued and Sending are never stored alone: a valid id without a
// history row is queued.
const (
	Queued State = iota + 1
	Sending
	Retrying
	Delivered   // the provider accepted it
	Suppressed  // the recipient opted out
	Expired     // it was not sent by its time
	RateDropped // the recipient had enough for the day
	Dead        // it cannot be sent; the reason says why
)

// Outcomes lists the terminal states, in the order reports show them.
func Outcomes() []State { return []State{Delivered, Suppressed, Expired, RateDropped, Dead} }

// Terminal says whether the state is an outcome.
func (s State) Terminal() bool { return s >= Delivered && s <= Dead }

// String gives the state's name on the wire.
func (s State) String() string {
	switch s {
	case Queued:
		return "queued"
	case Sending:
		return "sending"
	case Retrying:
		return "retrying"
	case Delivered:
		return "delivered"
	case Suppressed:
		return "suppressed"
	case Expired:
		return "expired"
	case RateDropped:
		return "rate_dropped"
	case Dead:
		return "dead"
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

// AnswerClass is the one word that a provider's answer comes down to.
type AnswerClass uint8

// The classes of answers.
const (
	Sent      AnswerClass = iota + 1 // the provider accepted it
	Permanent                        // it will never be accepted: dead
	Throttled                        // refused for now, not processed
	Transient                        // failed, not processed: safe to try again
	Ambiguous                        // a timeout, or a reset after the request was written: it may have been accepted
	Uncertain                        // found possibly sent after a crash, and without an answer
	Unsent                           // no call was made with it, so that it is no attempt
)

// String gives the class's name on the wire.
func (c AnswerClass) String() string {
	switch c {
	case Sent:
		return "sent"
	case Permanent:
		return "permanent"
	case Throttled:
		return "throttled"
	case Transient:
		return "transient"
	case Ambiguous:
		return "ambiguous"
	case Uncertain:
		return "uncertain"
	case Unsent:
		return "unsent"
	}
	return fmt.Sprintf("answer(%d)", uint8(c))
}

// Attempt is one try to hand a notification to a provider; its class is never
// [Unsent].
type Attempt struct {
	Provider string
	At       time.Time
	Class    AnswerClass
	Error    string // the provider's words, cleaned and cut; empty when sent
}

// Message is one rendered notification, as a provider's client takes it.
type Message struct {
	ID        ID // travels to the provider, so that its ledger can be compared with ours
	Ref       string
	To        string
	Priority  Priority
	Subject   string // e-mail, and the title of a push
	Body      string
	ExpiresAt time.Time
}

// Answer is what a provider said of one message.
type Answer struct {
	Class      AnswerClass
	Reason     string        // why it is permanent, one word in snake case: unregistered, invalid_address
	Error      string        // the provider's words, without control bytes, at most 200 bytes
	RetryAfter time.Duration // how long the provider asks to wait; 0 when it does not say
}
