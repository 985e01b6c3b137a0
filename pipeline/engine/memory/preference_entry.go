package memory

import (
	"encoding/binary"

	"github.com/notifyctl/notifyctl/pipeline"
)

// A user's entry is a record for each channel that something is held of: a byte
// of the channel and what is wanted of it, when the record expires, the version,
// and the length of the addresses before the addresses, each behind its length.
// All numbers are varints. The entries of a process are its own, so that there is
// no format to tell from others.

// What is wanted, as bits, and the mark of a tombstone; the channel stands above
// them.
const (
	wantsTransactional = 1 << iota
	wantsPromotional
	tombstoneMark
	channelShift = iota
)

// record is what is held of a channel: a preference, or the tombstone of one,
// with the version below which nothing is taken in.
type record struct {
	channel   pipeline.Channel
	wants     byte
	expires   uint64 // in the cache's milliseconds; 0: never
	version   int64
	addresses []byte // as they are encoded, or
	texts     []string
}

func (r *record) tombstone() bool { return r.wants&tombstoneMark != 0 }

func (r *record) expired(now uint64) bool { return r.expires != 0 && r.expires <= now }

// preferenceRecord makes the record of a preference.
func preferenceRecord(p *pipeline.Preference, expires uint64) record {
	r := record{channel: p.Channel, expires: expires, version: p.Version, texts: p.Addresses}
	if p.Transactional {
		r.wants |= wantsTransactional
	}
	if p.Promotional {
		r.wants |= wantsPromotional
	}
	return r
}

// append appends the record to an entry.
func (r *record) append(entry []byte) []byte {
	entry = append(entry, byte(r.channel)<<channelShift|r.wants)
	entry = binary.AppendUvarint(entry, r.expires)
	entry = binary.AppendVarint(entry, r.version)
	n := len(r.addresses)
	for _, text := range r.texts {
		n += textLen(text)
	}
	entry = append(binary.AppendUvarint(entry, uint64(n)), r.addresses...)
	for _, text := range r.texts {
		entry = pipeline.AppendText(entry, text)
	}
	return entry
}

// textLen is how many bytes a text takes behind its length.
func textLen(text string) int {
	n := 1 + len(text)
	for rest := len(text); rest >= 0x80; rest >>= 7 {
		n++
	}
	return n
}

// appendTexts appends the texts of the addresses and where each ends.
func (r *record) appendTexts(texts []byte, ends []int) ([]byte, []int) {
	for rest := r.addresses; len(rest) > 0; {
		n, width := binary.Uvarint(rest)
		texts = append(texts, rest[width:width+int(n)]...)
		ends = append(ends, len(texts))
		rest = rest[width+int(n):]
	}
	return texts, ends
}

// nextRecord reads the first record of an entry, and gives what is behind it.
// The record's addresses are the entry's memory.
func nextRecord(entry []byte) (r record, rest []byte) {
	r.channel = pipeline.Channel(entry[0] >> channelShift)
	r.wants = entry[0] & (1<<channelShift - 1)
	at, width := 1, 0
	r.expires, width = binary.Uvarint(entry[at:])
	at += width
	r.version, width = binary.Varint(entry[at:])
	at += width
	n, width := binary.Uvarint(entry[at:])
	at += width
	r.addresses = entry[at : at+int(n)]
	return r, entry[at+int(n):]
}

// findRecord finds a channel's record in an entry.
func findRecord(entry []byte, channel pipeline.Channel) (record, bool) {
	for len(entry) > 0 {
		var r record
		if r, entry = nextRecord(entry); r.channel == channel {
			return r, true
		}
	}
	return record{}, false
}

// records are those of a user, by channel; of the zero value there is none.
type records [pipeline.SMS + 1]record

// take takes in an entry's records that are not expired.
func (all *records) take(entry []byte, now uint64) {
	for len(entry) > 0 {
		var r record
		if r, entry = nextRecord(entry); !r.expired(now) {
			all[r.channel] = r
		}
	}
}

// put takes in a record, unless that of its channel is newer.
func (all *records) put(r record) {
	if old := &all[r.channel]; old.channel == 0 || old.version <= r.version {
		*old = r
	}
}

// append appends the records to an entry.
func (all *records) append(entry []byte) []byte {
	for i := range all {
		if all[i].channel != 0 {
			entry = all[i].append(entry)
		}
	}
	return entry
}
