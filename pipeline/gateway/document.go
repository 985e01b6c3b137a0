package gateway

import (
	"net/http"
	"strconv"

	"github.com/go-faster/jx"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
)

// document reads a body that is one object, as all are but submissions. Its
// faults' fields count from the body's root.
type document struct {
	reader
	faults []pipeline.Fault
}

// read reads the body's object and says whether it is one. Faults of fields are
// data; an error is a *malformedError or errTooMany.
func (d *document) read(data []byte, member func(name string) error) (isObject bool, err error) {
	if err := d.start(data); err != nil {
		return false, err
	}
	isObject, err = d.object("", member)
	if err == nil {
		err = d.end()
	}
	if err != nil {
		return false, malformed(err)
	}
	return isObject, nil
}

// fault notes what is wrong with a field; an empty detail is nothing.
func (d *document) fault(field, detail string) {
	if detail != "" && len(d.faults) < maxFaults {
		d.faults = append(d.faults, pipeline.Fault{Entry: -1, Field: field, Detail: detail})
	}
}

// unknown notes a field of the body that is none, and passes over it.
func (d *document) unknown(name string) error {
	d.fault(escape(name), "unknown field")
	return d.skip(1)
}

// object reads an object, whose names stand once each, and says whether it is
// one.
func (d *document) object(field string, member func(name string) error) (bool, error) {
	if d.jx.Next() != jx.Object {
		d.fault(field, "want an object")
		return false, d.skip(1)
	}
	seen := map[string]bool{}
	return true, d.jx.ObjBytes(func(_ *jx.Decoder, key []byte) error {
		name := text(key)
		if seen[name] {
			return duplicate(name)
		}
		if len(seen) < maxFaults {
			seen[name] = true
		}
		return member(name)
	})
}

// list reads an array and says whether it is one. item reads its i-th value.
func (d *document) list(field string, item func(i int) error) (bool, error) {
	if d.jx.Next() != jx.Array {
		d.fault(field, "want an array")
		return false, d.skip(1)
	}
	n := 0
	return true, d.jx.Arr(func(*jx.Decoder) error {
		n++
		return item(n - 1)
	})
}

// textInto reads a string field.
func (d *document) textInto(field string, into *string) error {
	value, detail, err := d.text()
	d.fault(field, detail)
	*into = value
	return err
}

// proseInto reads a string field that may have line breaks and tabs.
func (d *document) proseInto(field string, into *string) error {
	value, detail, err := d.prose()
	d.fault(field, detail)
	*into = value
	return err
}

// integerInto reads a field that is a whole number from 1 to 2^32-1.
func (d *document) integerInto(field string, into *uint32) error {
	if d.jx.Next() != jx.Number {
		d.fault(field, versionWanted)
		return d.skip(1)
	}
	raw, err := d.jx.Raw()
	if err != nil {
		return err
	}
	value, ok := parseVersion(raw)
	if !ok {
		d.fault(field, versionWanted)
	}
	*into = value
	return nil
}

// versionWanted says what parseVersion accepts.
const versionWanted = "want an integer from 1 to 4294967295"

// faulty makes the 422 of the faults of a body that is one object.
func faulty(faults []pipeline.Fault) *api.Problem { return (&body{}).invalid(faults) }

// at is the field of a list's i-th value.
func at(field string, i int) string { return field + "/" + strconv.Itoa(i) }

// document reads a body of one object into memory and decodes it. When that
// fails it answers itself, and gives false; else the caller gives the body's
// place back by done.
func (g *Gateway) document(w http.ResponseWriter, r *http.Request, decode func(data []byte) ([]pipeline.Fault, error)) (done func(), ok bool) {
	data, done, p := g.admitBody(w, r)
	if p != nil {
		writeProblem(w, p)
		return nil, false
	}
	faults, err := decode(data)
	if err == nil && len(faults) == 0 {
		return done, true
	}
	done()
	if err != nil {
		writeProblem(w, undecodable(err))
	} else {
		writeProblem(w, faulty(faults))
	}
	return nil, false
}
