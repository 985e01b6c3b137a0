package gateway

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-faster/jx"
)

// maxDepth bounds how deep a body nests. Nothing we read has more than 4
// levels; what is deeper is skipped on its way to a refusal.
const maxDepth = 32

// reader reads JSON strictly from one body in memory.
type reader struct {
	jx    jx.Decoder
	data  []byte
	plain bool // see isPlain
}

// start makes the body ready to be read, and refuses what is no Unicode text.
func (r *reader) start(data []byte) error {
	if !utf8.Valid(data) {
		return &malformedError{"the body is not valid UTF-8"}
	}
	r.data, r.plain = data, isPlain(data)
	if !r.plain {
		if err := checkSurrogates(data); err != nil {
			return err
		}
	}
	r.jx.ResetBytes(data)
	return nil
}

// end makes sure that nothing follows the body's value.
func (r *reader) end() error {
	if r.jx.Next() == jx.Invalid {
		// Next gives Invalid for a stray byte and for the end alike.
		if err := r.jx.Skip(); errors.Is(err, io.EOF) {
			return nil
		}
	}
	return &malformedError{"something follows the JSON value"}
}

// skip passes over a value that nobody asked for, checking that it is JSON
// whose objects have each name once (the first hundred names are remembered).
func (r *reader) skip(depth int) error {
	if depth > maxDepth {
		return &malformedError{fmt.Sprintf("nested deeper than %d levels", maxDepth)}
	}
	switch r.jx.Next() {
	case jx.Array:
		return r.jx.Arr(func(*jx.Decoder) error { return r.skip(depth + 1) })
	case jx.Object:
		seen := map[string]bool{}
		return r.jx.ObjBytes(func(_ *jx.Decoder, key []byte) error {
			name := text(key)
			if seen[name] {
				return duplicate(name)
			}
			if len(seen) < maxFaults {
				seen[name] = true
			}
			return r.skip(depth + 1)
		})
	default:
		return r.jx.Skip()
	}
}

// text reads a string; a detail says why a value is none that is accepted.
func (r *reader) text() (value, detail string, err error) {
	if r.jx.Next() != jx.String {
		return "", "want a string", r.skip(0)
	}
	b, err := r.jx.StrBytes()
	if err != nil {
		return "", "", err
	}
	value = text(b)
	if r.hasControl(value) {
		return "", "must not hold control characters", nil
	}
	return value, "", nil
}

// prose reads a string that may have line breaks and tabs.
func (r *reader) prose() (value, detail string, err error) {
	if r.jx.Next() != jx.String {
		return "", "want a string", r.skip(0)
	}
	b, err := r.jx.StrBytes()
	if err != nil {
		return "", "", err
	}
	value = text(b)
	if r.hasControl(strings.Map(func(c rune) rune {
		if c == '\n' || c == '\r' || c == '\t' {
			return ' '
		}
		return c
	}, value)) {
		return "", "must not hold control characters other than line breaks and tabs", nil
	}
	return value, "", nil
}

// scalar reads a string, or a number or boolean as it is written.
func (r *reader) scalar() (value, detail string, err error) {
	switch r.jx.Next() {
	case jx.Number:
		raw, err := r.jx.Raw()
		if err == nil && len(raw) > maxNumber {
			return "", fmt.Sprintf("a number of more than %d characters", maxNumber), nil
		}
		return text(raw), "", err
	case jx.Bool:
		raw, err := r.jx.Raw()
		return text(raw), "", err
	case jx.String:
		return r.text()
	}
	return "", "want a string, a number or a boolean", r.skip(0)
}

// boolean reads true or false.
func (r *reader) boolean() (value bool, detail string, err error) {
	if r.jx.Next() != jx.Bool {
		return false, "want true or false", r.skip(0)
	}
	value, err = r.jx.Bool()
	return value, "", err
}

// checkSurrogates refuses escapes of UTF-16 surrogates that are not in pairs:
// they are no characters, and decoders differ in what they make of them.
func checkSurrogates(data []byte) error {
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		unit, ok := surrogateAt(data, i)
		i++ // past what is escaped, which may be a backslash
		if !ok {
			continue
		}
		low, paired := surrogateAt(data, i+5)
		if unit >= 0xdc00 || !paired || low < 0xdc00 {
			return &malformedError{fmt.Sprintf("half a surrogate pair at byte %d", i-1)}
		}
		i += 10
	}
	return nil
}

// surrogateAt reads an escape \uD800 to \uDFFF at an offset.
func surrogateAt(data []byte, at int) (uint16, bool) {
	if at+6 > len(data) || data[at] != '\\' || data[at+1] != 'u' || data[at+2]|0x20 != 'd' {
		return 0, false
	}
	unit := uint16(0)
	for _, c := range data[at+2 : at+6] {
		switch {
		case c >= '0' && c <= '9':
			unit = unit<<4 | uint16(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			unit = unit<<4 | uint16(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return unit, unit >= 0xd800
}
