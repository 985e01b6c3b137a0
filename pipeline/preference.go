package pipeline

import "context"

// PreferenceKey names what a user wants of one channel.
type PreferenceKey struct {
	UserID  string
	Channel Channel
}

// Preference is what a user wants of one channel. A user without one has
// [DefaultPreference].
type Preference struct {
	PreferenceKey
	Transactional bool
	Promotional   bool
	Addresses     []string // e-mail addresses, E.164 numbers or device tokens, preferred first
	// Version grows with each change, so that a late read never replaces a
	// newer value in a cache.
	Version int64
}

// DefaultPreference is what holds for a user who never said anything:
// everything is wanted, and no address is known.
func DefaultPreference(key PreferenceKey) Preference {
	return Preference{PreferenceKey: key, Transactional: true, Promotional: true}
}

// Wants says whether the user takes notifications of the category.
func (p Preference) Wants(c Category) bool {
	if c == Promotional {
		return p.Promotional
	}
	return p.Transactional
}

// PreferenceStore is one shard of the preferences. It is safe for concurrent
// use.
type PreferenceStore interface {
	// Read looks keys up by one batch query and returns those that exist, in
	// any order.
	Read(ctx context.Context, keys []PreferenceKey) ([]Preference, error)
	// Write sets preferences, all or none, and gives each a version above its
	// last. It returns when they are durable.
	Write(ctx context.Context, preferences []Preference) error
	Close() error
}
