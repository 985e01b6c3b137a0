package pipeline

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/dchest/siphash"
)

// ErrResharding says that the preferences are moved to another number of shards
// already.
var ErrResharding = errors.New("the preferences are being resharded already")

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
	// Erase forgets what users said of every channel, all or none. It returns
	// when that is durable; an unknown user is none.
	Erase(ctx context.Context, users []string) error
	Close() error
}

// Recipient is an address of a channel.
type Recipient struct {
	Channel Channel
	Address string
}

// addressSubject begins the subject of an address among the users. No user's id
// holds a control character.
const addressSubject = "\x01to:"

// AddressKey names what is wanted of an address, whoever's it is. An opt-out is
// kept there beside the user's own, so that it also holds for notifications
// that bring their address along. The address itself is not kept: the key holds
// its hash under the installation's secret, 128 bits of SipHash. E-mail
// addresses that differ in case alone are one.
func (k IDKey) AddressKey(c Channel, address string) PreferenceKey {
	if c == Email {
		address = strings.ToLower(address)
	}
	hi, lo := siphash.Hash128(binary.LittleEndian.Uint64(k[:8]), binary.LittleEndian.Uint64(k[8:]), []byte(address))
	var sum [16]byte
	binary.BigEndian.PutUint64(sum[:8], hi)
	binary.BigEndian.PutUint64(sum[8:], lo)
	subject := make([]byte, 0, len(addressSubject)+2*len(sum))
	return PreferenceKey{UserID: string(hex.AppendEncode(append(subject, addressSubject...), sum[:])), Channel: c}
}
