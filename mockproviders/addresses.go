package mockproviders

import (
	"bytes"
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

// addressSet finds an address that stands twice in a call, without regard to
// case. It is an open-addressing table over the call's own text: a map would
// need a string an address.
type addressSet struct {
	slots []span // empty where none stands
	lower []byte
	used  int
}

// reset empties the set and makes room for n addresses.
func (s *addressSet) reset(n int) {
	size := 1 << bits.Len(uint(2*n+1))
	if cap(s.slots) < size {
		s.slots = make([]span, size)
	}
	s.slots = s.slots[:size]
	clear(s.slots)
	s.used = 0
}

// add says whether the address, a part of text, was not in the set yet. An
// empty address is not kept.
func (s *addressSet) add(text []byte, address span) bool {
	if address.empty() {
		return true
	}
	if 2*(s.used+1) > len(s.slots) {
		s.grow(text)
	}
	raw := text[address.from:address.to]
	mask := uint64(len(s.slots) - 1)
	for at := s.hash(raw) & mask; ; at = (at + 1) & mask {
		held := s.slots[at]
		if held.empty() {
			s.slots[at] = address
			s.used++
			return true
		}
		if bytes.EqualFold(text[held.from:held.to], raw) {
			return false
		}
	}
}

func (s *addressSet) grow(text []byte) {
	old := s.slots
	s.slots = make([]span, max(16, 2*len(old)))
	s.used = 0
	for _, held := range old {
		s.add(text, held)
	}
}

// hash folds the case of ASCII, which is where addresses differ in case;
// bytes.EqualFold decides.
func (s *addressSet) hash(address []byte) uint64 {
	s.lower = s.lower[:0]
	for _, c := range address {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		s.lower = append(s.lower, c)
	}
	return xxhash.Sum64(s.lower)
}
