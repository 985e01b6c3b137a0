package pipeline

import (
	"encoding/binary"
	"time"
)

// AppendText appends a text behind its length, a varint.
func AppendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// AppendTime appends a time as a varint: milliseconds since 1970, and 0 for the
// zero time.
func AppendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return binary.AppendVarint(b, 0)
	}
	return binary.AppendVarint(b, t.UnixMilli())
}

// Decoder reads a binary form from its start: fixed bytes, varints, and what
// [AppendText] and [AppendTime] wrote. After the first fault it gives zeros, so
// that one look at [Decoder.Failed] behind a form serves for all of it.
type Decoder struct {
	rest   string
	failed bool
}

// NewDecoder is a decoder of s. The texts that it gives share its memory.
func NewDecoder(s string) Decoder { return Decoder{rest: s} }

// Rest is what has not been read.
func (d *Decoder) Rest() string { return d.rest }

// Failed says whether bytes were missing or had no value of their type, or
// whether [Decoder.Fail] was called.
func (d *Decoder) Failed() bool { return d.failed }

// Fail notes a value that the form does not allow.
func (d *Decoder) Fail() { d.failed = true }

// Take reads n bytes.
func (d *Decoder) Take(n int) string {
	if d.failed || n < 0 || n > len(d.rest) {
		d.failed = true
		return ""
	}
	taken := d.rest[:n]
	d.rest = d.rest[n:]
	return taken
}

// Byte reads a byte.
func (d *Decoder) Byte() byte {
	if b := d.Take(1); b != "" {
		return b[0]
	}
	return 0
}

// Uvarint reads an unsigned varint.
func (d *Decoder) Uvarint() uint64 {
	var value uint64
	for shift := uint(0); shift < 64; shift += 7 {
		b := d.Byte()
		if shift == 63 && b > 1 {
			break // more than 64 bits
		}
		value |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return value
		}
	}
	d.failed = true
	return 0
}

// Time reads a time, to the millisecond.
func (d *Decoder) Time() time.Time {
	zigzag := d.Uvarint()
	millis := int64(zigzag>>1) ^ -int64(zigzag&1)
	if millis == 0 {
		return time.Time{}
	}
	return time.UnixMilli(millis)
}

// Text reads a text.
func (d *Decoder) Text() string {
	n := d.Uvarint()
	if n > uint64(len(d.rest)) {
		d.failed = true
		return ""
	}
	return d.Take(int(n))
}

// Count reads how many elements follow, each of at least size bytes. A larger
// count than can follow is a fault, so that nothing is allocated for it.
func (d *Decoder) Count(size int) int {
	n := d.Uvarint()
	if n > uint64(len(d.rest)/size) {
		d.failed = true
	}
	if d.failed {
		return 0
	}
	return int(n)
}
