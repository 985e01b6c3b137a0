package load

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-faster/jx"
)

// jsonTerm reads what follows a path into the body; at is where it begins.
func (s *matcherScanner) jsonTerm(at int, path string) (term, error) {
	keys := strings.Split(path, ".")
	for _, key := range keys {
		if key == "" {
			return nil, s.fault(at, "a path of keys and indexes, as in results.0.status")
		}
	}
	op, err := s.op(append(comparisons(), "~")...)
	if err != nil {
		return nil, err
	}
	test := func(jsonScalar) bool { return true }
	switch op {
	case "":
		return func(_ int, _ http.Header, body []byte) bool {
			_, found := lookUp(body, keys)
			return found
		}, nil
	case "~":
		matches, err := s.textTest(op)
		if err != nil {
			return nil, err
		}
		test = func(v jsonScalar) bool { return matches(v.text) }
	default:
		if test, err = s.scalarTest(op); err != nil {
			return nil, err
		}
	}
	return func(_ int, _ http.Header, body []byte) bool {
		v, found := lookUp(body, keys)
		if !found || v.kind == jx.Object || v.kind == jx.Array {
			return op == "!="
		}
		return test(v)
	}, nil
}

// scalarTest reads the value that a scalar of JSON is compared with.
func (s *matcherScanner) scalarTest(op string) (func(jsonScalar) bool, error) {
	text, at, err := s.value()
	if err != nil {
		return nil, err
	}
	number, notNumber := strconv.ParseFloat(text, 64)
	if op != "==" && op != "!=" && notNumber != nil {
		return nil, s.fault(at, "a number; "+op+" compares numbers")
	}
	return func(v jsonScalar) bool {
		if v.kind != jx.Number {
			return (op == "==" && v.text == text) || (op == "!=" && v.text != text)
		}
		if notNumber != nil {
			return op == "!="
		}
		n, err := strconv.ParseFloat(v.text, 64)
		return err == nil && compares(op, n, number)
	}, nil
}

// jsonScalar is a value in a JSON text. The text of a string is without its
// quotes and escapes; an object or a list has none.
type jsonScalar struct {
	kind jx.Type
	text string
}

var errFound = errors.New("what was looked for is found")

// lookUp finds a value in a JSON text by its path.
func lookUp(body []byte, path []string) (v jsonScalar, found bool) {
	d := jx.GetDecoder()
	defer jx.PutDecoder(d)
	d.ResetBytes(body)
	return v, errors.Is(descend(d, path, &v), errFound)
}

// descend goes down a path, and ends with errFound when it is at its end.
func descend(d *jx.Decoder, path []string, v *jsonScalar) error {
	if len(path) == 0 {
		return v.read(d)
	}
	switch d.Next() {
	case jx.Object:
		return d.ObjBytes(func(d *jx.Decoder, key []byte) error {
			if string(key) != path[0] {
				return d.Skip()
			}
			return descend(d, path[1:], v)
		})
	case jx.Array:
		index, err := strconv.Atoi(path[0])
		if err != nil {
			return err
		}
		at := -1
		return d.Arr(func(d *jx.Decoder) error {
			if at++; at != index {
				return d.Skip()
			}
			return descend(d, path[1:], v)
		})
	}
	return d.Skip()
}

// read takes the value that comes next.
func (v *jsonScalar) read(d *jx.Decoder) (err error) {
	switch v.kind = d.Next(); v.kind {
	case jx.String:
		v.text, err = d.Str()
	case jx.Number:
		var n jx.Num
		n, err = d.Num()
		v.text = string(n)
	case jx.Bool, jx.Null:
		var raw jx.Raw
		raw, err = d.Raw()
		v.text = string(raw)
	default: // an object or a list, which are there and no more; or no JSON
		err = d.Skip()
	}
	if err == nil {
		err = errFound
	}
	return err
}
