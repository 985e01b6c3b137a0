package mockproviders

import (
	"errors"
	"io"
	"strings"

	"github.com/go-faster/jx"
)

var errTrailing = errors.New("something follows the value")

// atEnd says whether nothing but space follows.
func atEnd(d *jx.Decoder) error {
	if d.Next() == jx.Invalid {
		if err := d.Skip(); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
	}
	return errTrailing
}

// readFilled skips a value and says whether it was a string that is not empty.
func readFilled(d *jx.Decoder) (bool, error) {
	if d.Next() != jx.String {
		return false, d.Skip()
	}
	s, err := d.StrBytes()
	return len(s) > 0, err
}

// readObject reads an object, whose values are read by read.
func readObject(d *jx.Decoder, read func(key string) error) error {
	object, err := d.ObjIter()
	if err != nil {
		return err
	}
	for object.Next() {
		if err := read(string(object.Key())); err != nil {
			return err
		}
	}
	return object.Err()
}

// readArray reads an array, whose values are read by read.
func readArray(d *jx.Decoder, read func() error) error {
	array, err := d.ArrIter()
	if err != nil {
		return err
	}
	for array.Next() {
		if err := read(); err != nil {
			return err
		}
	}
	return array.Err()
}

// readNames reads an object and finds our names in it.
func readNames(c *call, d *jx.Decoder) (names, error) {
	var n names
	object, err := d.ObjIter()
	if err != nil {
		return n, err
	}
	for object.Next() {
		if err := readName(c, d, object.Key(), &n); err != nil {
			return n, err
		}
	}
	return n, object.Err()
}

// readName reads the value of a key, and keeps it when the key is one of ours.
func readName(c *call, d *jx.Decoder, key []byte, n *names) error {
	if d.Next() != jx.String || !ours(key) {
		return d.Skip()
	}
	value, err := c.keepStr(d)
	n.set(key, value)
	return err
}

// spelledWith says whether text is of ASCII letters, digits and some signs.
func spelledWith(text []byte, signs string) bool {
	for _, b := range text {
		if (b < 'a' || b > 'z') && (b < 'A' || b > 'Z') && (b < '0' || b > '9') && strings.IndexByte(signs, b) < 0 {
			return false
		}
	}
	return true
}

// appendSerial appends a message id of 32 hexadecimal digits that no other
// message of this server has.
func appendSerial(b []byte, serial uint64) []byte {
	b = appendHex(b, mix(serial))
	return appendHex(b, serial)
}

// appendUUID appends a message id of this server as a UUID.
func appendUUID(b []byte, serial uint64) []byte {
	digits := appendSerial(make([]byte, 0, 32), serial)
	for i, group := range [][2]int{{0, 8}, {8, 12}, {12, 16}, {16, 20}, {20, 32}} {
		if i > 0 {
			b = append(b, '-')
		}
		b = append(b, digits[group[0]:group[1]]...)
	}
	return b
}

func appendHex(b []byte, v uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, digits[v>>shift&15])
	}
	return b
}

// mix spreads a number over all its bits: the finalizer of SplitMix64 (Steele,
// Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
func mix(v uint64) uint64 {
	v += 0x9e3779b97f4a7c15
	v = (v ^ v>>30) * 0xbf58476d1ce4e5b9
	v = (v ^ v>>27) * 0x94d049bb133111eb
	return v ^ v>>31
}
