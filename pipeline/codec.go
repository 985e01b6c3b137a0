package pipeline

import (
	"encoding/binary"
	"errors"
	"fmt"
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
	b = AppendTime(b, n.ExpiresAt)
	for _, text := range [...]string{n.UserID, n.TemplateID, n.Ref, n.Locale, n.To} {
		b = AppendText(b, text)
	}
	b = binary.AppendUvarint(b, uint64(len(n.Variables)))
	for _, v := range n.Variables {
		b = AppendText(AppendText(b, v.Name), v.Value)
	}
	return b
}

// DecodeRecord reads the binary form at the start of s into r and returns how
// many bytes it took. The record's texts share s's memory. Errors: ErrBadRecord.
func DecodeRecord(s string, r *Record) (int, error) {
	d := NewDecoder(s)
	if format := d.Byte(); format != recordFormat && !d.Failed() {
		return 0, fmt.Errorf("%w: format %d, known is %d", ErrBadRecord, format, recordFormat)
	}
	copy(r.ID[:], d.Take(len(r.ID)))
	r.ReplayOf = ID{}
	switch d.Byte() {
	case 0:
	case 1:
		copy(r.ReplayOf[:], d.Take(len(r.ReplayOf)))
	default:
		d.Fail()
	}
	decodeNotification(&d, &r.Notification)
	if d.Failed() {
		return 0, ErrBadRecord
	}
	return len(s) - len(d.Rest()), nil
}

func decodeNotification(d *Decoder, n *Notification) {
	n.Channel, n.Priority, n.Category = Channel(d.Byte()), Priority(d.Byte()), Category(d.Byte())
	if n.Channel < Push || n.Channel > SMS || n.Priority < High || n.Priority > Low ||
		n.Category < Transactional || n.Category > Promotional {
		d.Fail()
	}
	version := d.Uvarint()
	n.TemplateVersion = uint32(version)
	n.ExpiresAt = d.Time()
	n.UserID, n.TemplateID, n.Ref, n.Locale, n.To = d.Text(), d.Text(), d.Text(), d.Text(), d.Text()
	count := d.Count(2) // a variable takes two bytes at least
	if version > 1<<32-1 {
		d.Fail()
	}
	n.Variables = nil
	if count > 0 {
		n.Variables = make([]Variable, count)
	}
	for i := range n.Variables {
		n.Variables[i] = Variable{Name: d.Text(), Value: d.Text()}
	}
}
