package redis

import (
	"encoding/binary"

	"github.com/notifyctl/notifyctl/pipeline"
)

// A cached preference's entry: the format, the version as 8 bytes that sort as
// versions do, what is wanted, and the addresses. A tombstone ends behind its
// mark. Whose preference it is stands in the entry's name alone.
const preferenceFormat = 1

// What is wanted, as bits, and the mark of a tombstone.
const (
	wantsTransactional = 1 << iota
	wantsPromotional
	tombstoneMark
)

func appendVersion(b []byte, version int64) []byte {
	return binary.BigEndian.AppendUint64(append(b, preferenceFormat), uint64(version)^(1<<63)) // negative ones first
}

func appendPreference(b []byte, p *pipeline.Preference) []byte {
	b = appendVersion(b, p.Version)
	var wants byte
	if p.Transactional {
		wants |= wantsTransactional
	}
	if p.Promotional {
		wants |= wantsPromotional
	}
	b = binary.AppendUvarint(append(b, wants), uint64(len(p.Addresses)))
	for _, address := range p.Addresses {
		b = pipeline.AppendText(b, address)
	}
	return b
}

func appendTombstone(b []byte, version int64) []byte {
	return append(appendVersion(b, version), tombstoneMark)
}

// readPreference reads an entry. There is none in a tombstone, nor in what is
// damaged or of another version of this program: the store knows better.
func readPreference(entry string, key pipeline.PreferenceKey) (p pipeline.Preference, ok bool) {
	d := pipeline.NewDecoder(entry)
	format, version, wants := d.Byte(), d.Take(8), d.Byte()
	if d.Failed() || format != preferenceFormat || wants > wantsTransactional|wantsPromotional {
		return p, false
	}
	p = pipeline.Preference{
		PreferenceKey: key,
		Transactional: wants&wantsTransactional != 0,
		Promotional:   wants&wantsPromotional != 0,
		Version:       int64(binary.BigEndian.Uint64([]byte(version)) ^ (1 << 63)),
	}
	if n := d.Count(1); n > 0 {
		p.Addresses = make([]string, n)
	}
	for i := range p.Addresses {
		p.Addresses[i] = d.Text()
	}
	if d.Failed() || d.Rest() != "" {
		return pipeline.Preference{}, false
	}
	return p, true
}
