package api

import "time"

// Notification is one entry of POST /v1/notifications.
type Notification struct {
	Ref             string            `json:"ref,omitempty"` // the client's own name for it
	UserID          string            `json:"user_id"`
	Channel         string            `json:"channel"`            // push, email or sms
	Priority        string            `json:"priority,omitempty"` // high, normal (the default) or low
	Category        string            `json:"category,omitempty"` // transactional (the default) or promotional
	TemplateID      string            `json:"template_id"`
	TemplateVersion uint32            `json:"template_version,omitempty"` // the newest when 0
	Locale          string            `json:"locale,omitempty"`
	Variables       map[string]string `json:"variables,omitempty"`
	To              string            `json:"to,omitempty"` // the address; else one from the preferences
	ExpiresAt       time.Time         `json:"expires_at,omitzero"`
	IdempotencyKey  string            `json:"idempotency_key,omitempty"`
}

// Submission is the body of POST /v1/notifications with many entries.
type Submission struct {
	Notifications []Notification `json:"notifications"`
}

// Accepted is the 202 of POST /v1/notifications, in the order of the entries.
type Accepted struct {
	Results []Result `json:"results"`
}

// Result is what a client is told of one notification.
type Result struct {
	ID       string `json:"id"`
	Status   string `json:"status"` // accepted, or an outcome met at once: suppressed, rate_dropped, expired, dead
	Reason   string `json:"reason,omitempty"`
	Replayed bool   `json:"replayed,omitempty"` // the stored answer to an earlier request with the same key
}

// Entry is the answer of GET /v1/notifications/{id}.
type Entry struct {
	ID         string    `json:"id,omitempty"`
	Ref        string    `json:"ref,omitempty"`
	UserID     string    `json:"user_id,omitempty"` // not known before the first attempt was recorded
	Channel    string    `json:"channel"`
	Priority   string    `json:"priority"`
	State      string    `json:"state"` // queued, sending, retrying, delivered, suppressed, expired, rate_dropped or dead
	AcceptedAt time.Time `json:"accepted_at,omitzero"`
	EndedAt    time.Time `json:"ended_at,omitzero"`
	Reason     string    `json:"reason,omitempty"`
	ReplayOf   string    `json:"replay_of,omitempty"`
	Attempts   []Attempt `json:"attempts"`
}

// Ended says whether the notification has met its outcome.
func (e Entry) Ended() bool {
	switch e.State {
	case "delivered", "suppressed", "expired", "rate_dropped", "dead":
		return true
	}
	return false
}

// Attempt is one try to hand a notification to a provider.
type Attempt struct {
	Provider string    `json:"provider"`
	At       time.Time `json:"at"`
	Result   string    `json:"result"` // sent, permanent, throttled, transient, ambiguous or uncertain
	Error    string    `json:"error,omitempty"`
}

// NotificationList is a page of GET /v1/users/{user}/notifications, the newest
// first.
type NotificationList struct {
	Notifications []Entry `json:"notifications"`
	NextCursor    string  `json:"next_cursor,omitempty"` // for the next page; empty at the end
}

// DeadLetterList is a page of GET /v1/deadletters, the newest first.
type DeadLetterList struct {
	DeadLetters []DeadLetter `json:"deadletters"`
	NextCursor  string       `json:"next_cursor,omitempty"` // for the next page; empty at the end
}

// DeadLetter is a dead notification that is kept. Its id and time of acceptance
// are empty when the queue held bytes from which they could not be read.
type DeadLetter struct {
	Entry
	ReplayedBy string `json:"replayed_by,omitempty"` // the notification that was made of it
}

// ReplayRequest is the body of POST /v1/deadletters/replay: ids or a filter.
type ReplayRequest struct {
	IDs    []string      `json:"ids,omitempty"`
	Filter *ReplayFilter `json:"filter,omitempty"`
}

// ReplayFilter chooses dead letters that were not replayed before, the newest
// 1000 at most; what is empty is not asked for.
type ReplayFilter struct {
	Channel string    `json:"channel,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	From    time.Time `json:"from,omitzero"` // accepted then or later
	To      time.Time `json:"to,omitzero"`   // accepted before
}

// Replays is the 202 of POST /v1/deadletters/replay.
type Replays struct {
	Results []Replay `json:"results"`
}

// Replay is a dead letter that was sent again.
type Replay struct {
	ID       string `json:"id"`        // the dead one, which stays so
	ReplayID string `json:"replay_id"` // the new notification
}

// Template is one version of a template in a locale: the body of GET and PUT
// /v1/templates/{id}/{version}.
type Template struct {
	ID      string `json:"id"`
	Version uint32 `json:"version"`
	Locale  string `json:"locale"` // empty: the default
	Subject string `json:"subject,omitempty"`
	Body    string `json:"body"`
}

// ReshardRequest is the body of POST /v1/reshard.
type ReshardRequest struct {
	To uint32 `json:"to"` // shards
}

// Readiness is the answer of GET /readyz, with 200 or 503.
type Readiness struct {
	Status string            `json:"status"` // ready, failing or draining
	Checks map[string]string `json:"checks"` // part -> ok, or what is wrong with it
}

// Preferences is what a user wants: the body of GET and PUT
// /v1/users/{user}/preferences.
type Preferences struct {
	UserID   string             `json:"user_id"`
	Channels ChannelPreferences `json:"channels"`
}

// ChannelPreferences is what a user wants of each channel. A PUT leaves a
// channel that it does not name as it was.
type ChannelPreferences struct {
	Email *Preference `json:"email,omitempty"`
	Push  *Preference `json:"push,omitempty"`
	SMS   *Preference `json:"sms,omitempty"`
}

// Preference is what a user wants of one channel, and where to reach the user
// there, preferred addresses first.
type Preference struct {
	Transactional bool     `json:"transactional"`
	Promotional   bool     `json:"promotional"`
	Addresses     []string `json:"addresses"`
}
