package pipeline

import (
	"encoding/binary"
	"encoding/hex"
	"strings"

	"github.com/dchest/siphash"
)

// Recipient is an address of a channel.
type Recipient struct {
	Channel Channel
	Address string
}

// addressSubject begins the subject of an address among the users. No user's id
// holds a control character.
const addressSubject = "\x01to:"

// FirstAddress comes just before the keys of addresses, in the order of a
// shard's rows.
func FirstAddress() PreferenceKey { return PreferenceKey{UserID: addressSubject} }

// EndOfAddresses comes after them.
func EndOfAddresses() PreferenceKey { return PreferenceKey{UserID: addressSubject + "g"} }

// AddressHash stands for an address: 128 bits of SipHash under the
// installation's secret.
type AddressHash [16]byte

// AddressHash hashes an address. E-mail addresses that differ in case alone are
// one.
func (k IDKey) AddressHash(r Recipient) AddressHash {
	address := r.Address
	if r.Channel == Email {
		address = strings.ToLower(address)
	}
	hi, lo := siphash.Hash128(binary.LittleEndian.Uint64(k[:8]), binary.LittleEndian.Uint64(k[8:]), []byte(address))
	var h AddressHash
	binary.BigEndian.PutUint64(h[:8], hi)
	binary.BigEndian.PutUint64(h[8:], lo)
	return h
}

// Key names what is wanted of the address, whoever's it is. An opt-out is kept
// there beside the user's own, so that it also holds for notifications that
// bring their address along. The address itself is not kept.
func (h AddressHash) Key(c Channel) PreferenceKey {
	subject := make([]byte, 0, len(addressSubject)+2*len(h))
	return PreferenceKey{UserID: string(hex.AppendEncode(append(subject, addressSubject...), h[:])), Channel: c}
}

// AddressHash is that of a key of an address, if it is one.
func (k PreferenceKey) AddressHash() (h AddressHash, ok bool) {
	text, ok := strings.CutPrefix(k.UserID, addressSubject)
	if !ok || len(text) != 2*len(h) {
		return h, false
	}
	_, err := hex.Decode(h[:], []byte(text))
	return h, err == nil
}
