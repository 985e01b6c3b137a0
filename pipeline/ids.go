package pipeline

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/dchest/siphash"
)

// ID names a notification. It is always ours: a client's own name is its ref.
// As text it is 26 characters of Crockford's base32, lower case; its 130 bits,
// most significant first, are
//
//	44  milliseconds since 1970 (until the year 2527)
//	32  hash of the user id
//	 2  channel
//	 2  priority
//	30  sequence, from a random start in each process
//	20  check bits under a secret key
//
// so that ids sort by time, an id says where its history row lies without a
// second index, and a made-up id is refused without a look-up. As bytes the
// last byte holds the last two bits. Both forms sort alike.
type ID [17]byte

// Sequences is how many sequences an id tells apart; they count modulo it.
const Sequences = 1 << 30

const (
	idTextLen = 26
	idChecks  = 1 << 20
	// Crockford's alphabet sorts by value, which RFC 4648's does not.
	idAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"
)

// ErrNotOurID says that a text is no id that this installation gave out.
var ErrNotOurID = errors.New("not an id of this installation")

// Time is when the notification was accepted, to the millisecond.
func (id ID) Time() time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(id[:8]) >> 20))
}

// UserHash is the hash of the user id that the id carries; hashes collide, so
// a row found by it must still be compared by the whole user id.
func (id ID) UserHash() uint32 {
	return uint32(binary.BigEndian.Uint64(id[:8])&0xfffff)<<12 | uint32(binary.BigEndian.Uint16(id[8:10])>>4)
}

// Channel is the channel of the notification.
func (id ID) Channel() Channel { return Channel(id[9] >> 2 & 3) }

// Priority is the priority of the notification.
func (id ID) Priority() Priority { return Priority(id[9] & 3) }

// Sequence is the 30 bits that tell the ids of one process and millisecond
// apart.
func (id ID) Sequence() uint32 {
	return uint32(binary.BigEndian.Uint64(id[8:16])>>18) % Sequences
}

// IsZero says whether the id is unset.
func (id ID) IsZero() bool { return id == ID{} }

// String is the id's text of 26 characters.
func (id ID) String() string {
	var text [idTextLen]byte
	return string(id.AppendTo(text[:0]))
}

// AppendTo appends the id's text to b.
func (id ID) AppendTo(b []byte) []byte {
	hi, lo := binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:16])
	for shift := 59; shift >= 4; shift -= 5 {
		b = append(b, idAlphabet[hi>>shift&31])
	}
	b = append(b, idAlphabet[hi<<1&31|lo>>63])
	for shift := 58; shift >= 3; shift -= 5 {
		b = append(b, idAlphabet[lo>>shift&31])
	}
	return append(b, idAlphabet[lo<<2&31|uint64(id[16]>>6)])
}

// idMillis is how many milliseconds since 1970 an id can hold.
const idMillis = 1 << 44

// LowestID is below every id accepted at a time or later, and above all others.
func LowestID(at time.Time) (id ID) {
	millis := at.UnixMilli()
	if at.Nanosecond()%int(time.Millisecond) > 0 {
		millis++ // ids are accepted on whole milliseconds
	}
	millis = min(max(millis, 0), idMillis-1)
	binary.BigEndian.PutUint64(id[:], uint64(millis)<<20)
	return id
}

// UserHash is the hash of a user id, as ids hold it.
func UserHash(user string) uint32 { return uint32(xxhash.Sum64String(user)) }

// IDKey is the secret under which an installation's ids are checked. All
// processes of an installation share it.
type IDKey [16]byte

// check gives the check bits of an id whose own check bits are not yet set.
func (k IDKey) check(hi, lo uint64) uint32 {
	var message [16]byte
	binary.BigEndian.PutUint64(message[:8], hi)
	binary.BigEndian.PutUint64(message[8:], lo&^(1<<18-1))
	sum := siphash.Hash(binary.LittleEndian.Uint64(k[:8]), binary.LittleEndian.Uint64(k[8:]), message[:])
	return uint32(sum & (idChecks - 1))
}

// Make builds the id of a notification accepted at a time under a sequence
// number, of which the low 30 bits count. The same arguments give the same id,
// so that a reservation of many notifications need only keep its time and its
// first sequence.
func (k IDKey) Make(at time.Time, n *Notification, sequence uint32) ID {
	user := uint64(UserHash(n.UserID))
	hi := uint64(at.UnixMilli())<<20 | user>>12
	lo := user&0xfff<<52 | uint64(n.Channel)<<50 | uint64(n.Priority)<<48 | uint64(sequence%Sequences)<<18
	check := uint64(k.check(hi, lo))
	var id ID
	binary.BigEndian.PutUint64(id[:8], hi)
	binary.BigEndian.PutUint64(id[8:16], lo|check>>2)
	id[16] = byte(check&3) << 6
	return id
}

// Owns says whether the id was made under this key.
func (k IDKey) Owns(id ID) bool {
	hi, lo := binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:16])
	check := uint32(lo&(1<<18-1))<<2 | uint32(id[16]>>6)
	return check == k.check(hi, lo) && id[16]&0x3f == 0
}

// Parse reads an id's text and refuses what this installation did not make.
func (k IDKey) Parse(text string) (ID, error) {
	id, ok := decodeID(text)
	if !ok || !k.Owns(id) {
		return ID{}, ErrNotOurID
	}
	return id, nil
}

func decodeID(text string) (ID, bool) {
	if len(text) != idTextLen {
		return ID{}, false
	}
	var id ID
	bits, have, at := uint(0), 0, 0
	for i := range idTextLen {
		v := crockfordValue(text[i])
		if v > 31 {
			return ID{}, false
		}
		bits, have = bits<<5|uint(v), have+5
		for have >= 8 {
			have -= 8
			id[at] = byte(bits >> have)
			at++
		}
	}
	id[at] = byte(bits << (8 - have))
	return id, true
}

// crockfordValue is the value of a character of the alphabet, or 255: only the
// form that we write is read, so that an id has one text.
func crockfordValue(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'h':
		return c - 'a' + 10
	case c == 'j' || c == 'k':
		return c - 'j' + 18
	case c == 'm' || c == 'n':
		return c - 'm' + 20
	case c >= 'p' && c <= 't':
		return c - 'p' + 22
	case c >= 'v' && c <= 'z':
		return c - 'v' + 27
	}
	return 255
}

// IDMinter hands out sequences, so that the ids of one process never repeat.
type IDMinter struct {
	IDKey
	next atomic.Uint32
}

// NewIDMinter starts at a random sequence: processes that share a key would
// otherwise give one user's notifications of one millisecond the same id.
func NewIDMinter(key IDKey) *IDMinter {
	m := &IDMinter{IDKey: key}
	m.next.Store(rand.Uint32())
	return m
}

// Reserve takes n consecutive sequences and returns the first.
func (m *IDMinter) Reserve(n int) uint32 { return m.next.Add(uint32(n)) - uint32(n) }
