package pipeline

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// A record's binary form, as queues keep it: fields in a fixed order, numbers
// as varints, text behind its length. A queue holds tens of thousands of them a
// second, so they carry no field names.
const recordFormat = 1

// ErrBadRecord says that bytes are no record: cut short, too long, of another
// format, or with a value that no record has.
var ErrBadRecord = errors.New("bytes are not a record")

// AppendRecord appends the binary form of r to b.
func AppendRecord(b []byte, r *Record) []byte {
	b = append(b, recordFormat)
	b = append(b, r.ID[:]...)
	if r.ReplayOf.IsZero() {
		b = append(b, 0)
	} else {
		b = append(append(b, 1), r.ReplayOf[:]...)
	}
	return AppendNotification(b, &r.Notification)
}

// AppendNotification appends the binary form of n to b. Equal notifications
// have equal forms, so it also serves to compare bodies by their hash.
func AppendNotification(b []byte, n *Notification) []byte {
	b = append(b, byte(n.Channel), byte(n.Priority), byte(n.Category))
	b = binary.AppendUvarint(b, uint64(n.TemplateVersion))
	expires := int64(0)
	if !n.ExpiresAt.IsZero() {
		expires = n.ExpiresAt.UnixMilli()
	}
	b = binary.AppendVarint(b, expires)
	for _, text := range [...]string{n.UserID, n.TemplateID, n.Ref, n.Locale, n.To} {
		b = appendText(b, text)
	}
	b = binary.AppendUvarint(b, uint64(len(n.Variables)))
	for _, v := range n.Variables {
		b = appendText(appendText(b, v.Name), v.Value)
	}
	return b
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// DecodeRecord reads the binary form at the start of s into r and returns how
// many bytes it took. The record's texts share s's memory. Errors: ErrBadRecord.
func DecodeRecord(s string, r *Record) (int, error) {
	d := decoder{rest: s}
	if format := d.byte(); format != recordFormat && !d.failed {
		return 0, fmt.Errorf("%w: format %d, known is %d", ErrBadRecord, format, recordFormat)
	}
	copy(r.ID[:], d.take(len(r.ID)))
	r.ReplayOf = ID{}
	switch d.byte() {
	case 0:
	case 1:
		copy(r.ReplayOf[:], d.take(len(r.ReplayOf)))
	default:
		d.failed = true
	}
	d.notification(&r.Notification)
	if d.failed {
		return 0, ErrBadRecord
	}
	return len(s) - len(d.rest), nil
}

// decoder reads a binary form; after the first fault it gives zeros.
type decoder struct {
	rest   string
	failed bool
}

func (d *decoder) take(n int) string {
	if d.failed || n < 0 || n > len(d.rest) {
		d.failed = true
		return ""
	}
	taken := d.rest[:n]
	d.rest = d.rest[n:]
	return taken
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != "" {
		return b[0]
	}
	return 0
}

func (d *decoder) uvarint() uint64 {
	var value uint64
	for shift := uint(0); shift < 64; shift += 7 {
		b := d.byte()
		value |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return value
		}
	}
	d.failed = true
	return 0
}

func (d *decoder) varint() int64 {
	zigzag := d.uvarint()
	return int64(zigzag>>1) ^ -int64(zigzag&1)
}

func (d *decoder) text() string {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.failed = true
		return ""
	}
	return d.take(int(n))
}

func (d *decoder) notification(n *Notification) {
	n.Channel, n.Priority, n.Category = Channel(d.byte()), Priority(d.byte()), Category(d.byte())
	if n.Channel < Push || n.Channel > SMS || n.Priority < High || n.Priority > Low ||
		n.Category < Transactional || n.Category > Promotional {
		d.failed = true
	}
	version := d.uvarint()
	n.TemplateVersion = uint32(version)
	n.ExpiresAt = time.Time{}
	if expires := d.varint(); expires != 0 {
		n.ExpiresAt = time.UnixMilli(expires)
	}
	n.UserID, n.TemplateID, n.Ref, n.Locale, n.To = d.text(), d.text(), d.text(), d.text(), d.text()
	count := d.uvarint()
	// A variable takes two bytes at least: a larger count is a lie, and must
	// not be allocated.
	if d.failed || version > 1<<32-1 || count > uint64(len(d.rest)/2) {
		d.failed = true
		return
	}
	n.Variables = nil
	if count > 0 {
		n.Variables = make([]Variable, count)
	}
	for i := range n.Variables {
		n.Variables[i] = Variable{Name: d.text(), Value: d.text()}
	}
}
