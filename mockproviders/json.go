package mockproviders

import (
	"errors"
	"io"

	"github.com/go-faster/jx"
	"github.com/notifyctl/notifyctl/planner/catalog"
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

// readNames reads an object and finds our id and ref in it.
func readNames(c *call, d *jx.Decoder) (id, ref span, err error) {
	object, err := d.ObjIter()
	if err != nil {
		return id, ref, err
	}
	for object.Next() {
		key := object.Key()
		switch {
		case d.Next() != jx.String:
			err = d.Skip()
		case string(key) == catalog.IDName:
			id, err = c.keepStr(d)
		case string(key) == catalog.RefName:
			ref, err = c.keepStr(d)
		default:
			err = d.Skip()
		}
		if err != nil {
			return id, ref, err
		}
	}
	return id, ref, object.Err()
}

// appendSerial appends a message id of 32 hexadecimal digits that no other
// message of this server has.
func appendSerial(b []byte, serial uint64) []byte {
	b = appendHex(b, mix(serial))
	return appendHex(b, serial)
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
