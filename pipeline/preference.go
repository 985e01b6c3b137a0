package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
)

// ErrResharding says that the preferences are moved to another number of shards
// already.
var ErrResharding = errors.New("the preferences are being resharded already")

// ErrShardsInUse says that other processes use the shards, by which users cannot
// be moved: those would look for them where they are not.
var ErrShardsInUse = errors.New("other processes use the preferences: stop them first, all but one")

// ShardsError says that the preferences cannot be moved to a number of shards.
type ShardsError struct {
	To     int
	Detail string
}

// Error names the number.
func (e *ShardsError) Error() string { return fmt.Sprintf("%d shards: %s", e.To, e.Detail) }

// PreferenceKey names what a user wants of one channel.
type PreferenceKey struct {
	UserID  string
	Channel Channel
}

// Compare orders keys as a shard has its rows: by the bytes of the user id, then
// by channel.
func (k PreferenceKey) Compare(other PreferenceKey) int {
	return cmp.Or(strings.Compare(k.UserID, other.UserID), cmp.Compare(k.Channel, other.Channel))
}

// Preference is what a user wants of one channel. A user without one has
// [DefaultPreference]. Its texts are UTF-8 without NULs.
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
	// any order. It sees every change that had returned when it began, so that
	// an adapter with replicas asks one only once that has come so far. While it
	// cannot ask how far that is, it may answer by a replica that has all that
	// this process has seen or written: what other processes wrote last may then
	// be missed.
	Read(ctx context.Context, keys []PreferenceKey) ([]Preference, error)
	// Write sets preferences, all or none, and gives each a version above its
	// last. It returns when they are durable.
	Write(ctx context.Context, preferences []Preference) error
	// Scan gives up to limit rows whose keys come after a key, in the order of
	// [PreferenceKey.Compare]. Fewer than limit are the last.
	Scan(ctx context.Context, after PreferenceKey, limit int) ([]Preference, error)
	// Import writes rows as they are in another shard, with their versions, all
	// or none, but none in place of a newer version. It returns when they are
	// durable, and may be repeated.
	Import(ctx context.Context, preferences []Preference) error
	// Erase forgets what users said of every channel, all or none. It returns
	// when that is durable; an unknown user is none.
	Erase(ctx context.Context, users []string) error
	Close() error
}
