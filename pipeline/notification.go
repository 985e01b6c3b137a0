package pipeline

import (
	"fmt"
	"time"
)

// Channel is the way a notification reaches its recipient.
type Channel uint8

// The channels. The zero value is no channel.
const (
	Push Channel = iota + 1
	Email
	SMS
)

// Channels lists every channel, in the order reports show them.
func Channels() []Channel { return []Channel{Push, Email, SMS} }

// String gives the channel's name on the wire.
func (c Channel) String() string {
	switch c {
	case Push:
		return "push"
	case Email:
		return "email"
	case SMS:
		return "sms"
	}
	return fmt.Sprintf("channel(%d)", uint8(c))
}

// ParseChannel is the inverse of [Channel.String].
func ParseChannel(s string) (Channel, bool) {
	switch s {
	case "push":
		return Push, true
	case "email":
		return Email, true
	case "sms":
		return SMS, true
	}
	return 0, false
}

// Priority orders notifications that wait for the same workers.
type Priority uint8

// The priorities. The zero value is no priority.
const (
	High Priority = iota + 1
	Normal
	Low
)

// Priorities lists every priority, most urgent first.
func Priorities() []Priority { return []Priority{High, Normal, Low} }

// String gives the priority's name on the wire.
func (p Priority) String() string {
	switch p {
	case High:
		return "high"
	case Normal:
		return "normal"
	case Low:
		return "low"
	}
	return fmt.Sprintf("priority(%d)", uint8(p))
}

// ParsePriority is the inverse of [Priority.String].
func ParsePriority(s string) (Priority, bool) {
	switch s {
	case "high":
		return High, true
	case "normal":
		return Normal, true
	case "low":
		return Low, true
	}
	return 0, false
}

// Category says why a notification is sent; a recipient opts out of each apart.
type Category uint8

// The categories. The zero value is no category.
const (
	Transactional Category = iota + 1
	Promotional
)

// String gives the category's name on the wire.
func (c Category) String() string {
	switch c {
	case Transactional:
		return "transactional"
	case Promotional:
		return "promotional"
	}
	return fmt.Sprintf("category(%d)", uint8(c))
}

// ParseCategory is the inverse of [Category.String].
func ParseCategory(s string) (Category, bool) {
	switch s {
	case "transactional":
		return Transactional, true
	case "promotional":
		return Promotional, true
	}
	return 0, false
}

// Queue names one of the nine queues: a channel and a priority, so that a
// stalled channel never blocks another and bulk never blocks what is urgent.
type Queue struct {
	Channel  Channel
	Priority Priority
}

// String gives the queue's name, as topics are named: notify.email.high.
func (q Queue) String() string { return "notify." + q.Channel.String() + "." + q.Priority.String() }

// Queues lists the nine queues, by channel, then by priority.
func Queues() []Queue {
	queues := make([]Queue, 0, len(Channels())*len(Priorities()))
	for _, c := range Channels() {
		for _, p := range Priorities() {
			queues = append(queues, Queue{c, p})
		}
	}
	return queues
}

// Variable is a named value that a template asks for.
type Variable struct {
	Name  string
	Value string
}

// Notification is what a client asks to be sent, validated and with its
// defaults filled in.
type Notification struct {
	Ref             string // the client's own name for it, or empty
	UserID          string
	Channel         Channel
	Priority        Priority
	Category        Category
	TemplateID      string
	TemplateVersion uint32 // 0 until ingest pins the newest
	Locale          string // empty: the template's default
	Variables       []Variable
	To              string // an e-mail address, an E.164 number or a device token; empty until found in the preferences
	ExpiresAt       time.Time
}

// Queue is the queue that the notification waits in.
func (n *Notification) Queue() Queue { return Queue{n.Channel, n.Priority} }

// Record is an accepted notification, as the queue keeps it.
type Record struct {
	ID ID
	Notification
	// ReplayOf is the dead notification that this one sends again, or zero.
	ReplayOf ID
}

// AcceptedAt is the time of acceptance, to the millisecond; the id holds it.
func (r *Record) AcceptedAt() time.Time { return r.ID.Time() }
