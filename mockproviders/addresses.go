package mockproviders

import (
	"bytes"
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

// addressSet finds an address that stands twice in a call, without regard to
// case. It is an open-addressing table over the call's own text: a map would
// need a string an address. Wires keep no more addresses than their limit.
type addressSet struct {
	slots []span // empty where none stands
	lower []byte
}

// reset empties the set and makes room for n addresses, which fill it to half.
func (s *addressSet) reset(n int) {
	size := 1 << bits.Len(uint(2*n))
	if cap(s.slots) < size {
		s.slots = make([]span, size)
	}
	s.slots = s.slots[:size]
	clear(s.slots)
}

// add says whether the address, a part of text, was not in the set yet. An
// empty address is not kept.
func (s *addressSet) add(text []byte, address span) bool {
	if address.empty() {
		return true
	}
	raw := text[address.from:address.to]
	mask := uint64(len(s.slots) - 1)
	for at := s.hash(raw) & mask; ; at = (at + 1) & mask {
		held := s.slots[at]
		if held.empty() {
			s.slots[at] = address
			return true
		}
		if bytes.EqualFold(text[held.from:held.to], raw) {
			return false
		}
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

// mailbox says whether an address has a local part and a domain, and nothing
// that breaks a header. A provider that looks closer refuses more.
func mailbox(address []byte) bool {
	at := bytes.LastIndexByte(address, '@')
	if at < 1 || at == len(address)-1 || len(address) > 320 {
		return false
	}
	for _, c := range address {
		if c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == ',' {
			return false
		}
	}
	return true
}
