package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unsafe"

	"github.com/go-faster/jx"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Limits of a body.
const (
	maxFaults      = 100 // reported of one request
	maxVariables   = 64  // of one notification; no template asks for more
	maxNumber      = 64  // bytes of a number, given as a variable's value
	maxKey         = 255 // bytes of an idempotency key
	maxPointerName = 256 // bytes of an unknown field's name that a pointer repeats
)

// errTooMany refuses a request of more entries than a slice carries.
var errTooMany = fmt.Errorf("more than %d entries in one request", pipeline.MaxSlice)

// body is the decoded body of POST /v1/notifications.
type body struct {
	pipeline.Submission
	// list says that the entries stand below /notifications; else the one
	// entry is the body itself.
	list bool
	// root holds the faults that are of no entry: their Field counts from the
	// body's root.
	root []pipeline.Fault
}

// The fields of a notification, as bits of what an object has had.
const (
	fieldRef = 1 << iota
	fieldUserID
	fieldChannel
	fieldPriority
	fieldCategory
	fieldTemplateID
	fieldTemplateVersion
	fieldLocale
	fieldVariables
	fieldTo
	fieldExpiresAt
	fieldIdempotencyKey
)

// bodyDecoder decodes one body. All texts share the body's memory, which
// nobody writes to any more.
type bodyDecoder struct {
	reader
	notifications []pipeline.Notification
	keys          []string
	variables     []pipeline.Variable // of all entries: each has a part of it
	faults        []pipeline.Fault
	root          []pipeline.Fault
	entry         int
	seen          uint32   // fields of the object that is being read
	unknown       []string // names in it that are no field
	// single is the body's notification until it shows that there is a list,
	// and the rest what a usual one takes: all of it is one allocation.
	single          [1]pipeline.Notification
	singleNames     [12]string
	singleVariables [2]pipeline.Variable
}

// decodeBody reads one notification or a list of them. Faults of fields are
// data; an error is a *malformedError or errTooMany. The result shares data's
// memory, so data must not change any more.
func decodeBody(data []byte) (body, error) {
	d := &bodyDecoder{}
	if err := d.start(data); err != nil {
		return body{}, err
	}
	list := false
	if d.jx.Next() != jx.Object {
		d.root = append(d.root, pipeline.Fault{Entry: -1, Detail: "want an object: a notification, or notifications in a list"})
		if err := d.skip(0); err != nil {
			return body{}, malformed(err)
		}
	} else if err := d.rootObject(&list); err != nil {
		return body{}, err
	}
	if err := d.end(); err != nil {
		return body{}, err
	}
	if !list {
		d.notifications = d.single[:]
	}
	if d.keys != nil {
		d.keys = append(d.keys, make([]string, len(d.notifications)-len(d.keys))...)
	}
	return body{
		Submission: pipeline.Submission{Notifications: d.notifications, Keys: d.keys, Faults: d.faults},
		list:       list, root: d.root,
	}, nil
}

// rootObject reads the body's object, which is a notification until
// "notifications" shows that it is a list.
func (d *bodyDecoder) rootObject(list *bool) error {
	d.single[0] = defaults()
	d.variables = d.singleVariables[:0]
	names := d.singleNames[:0] // of what stands beside the notifications
	err := d.jx.ObjBytes(func(_ *jx.Decoder, key []byte) error {
		name := text(key)
		if name == "notifications" {
			if *list {
				return duplicate(name)
			}
			*list = true
			// What was read so far is no notification after all.
			d.faults, d.keys, d.variables = nil, nil, nil
			return d.list()
		}
		seen := slices.Contains(names, name)
		if len(names) < maxFaults {
			names = append(names, name)
		}
		if !*list {
			return d.field(&d.single[0], name)
		}
		if seen {
			return duplicate(name)
		}
		return d.skip(1)
	})
	if err != nil {
		return malformed(err)
	}
	if *list {
		for _, name := range names {
			d.rootFault(escape(name), "unknown field beside notifications")
		}
	}
	return nil
}

func (d *bodyDecoder) rootFault(field, detail string) {
	d.root = append(d.root, pipeline.Fault{Entry: -1, Field: field, Detail: detail})
}

// list reads the notifications.
func (d *bodyDecoder) list() error {
	if d.jx.Next() != jx.Array {
		d.rootFault("notifications", "want an array of notifications")
		return d.skip(1)
	}
	// Every notification that can be accepted names its user once.
	d.notifications = make([]pipeline.Notification, 0, min(bytes.Count(d.data, []byte(`"user_id"`)), pipeline.MaxSlice))
	err := d.jx.Arr(func(*jx.Decoder) error {
		if len(d.notifications) == pipeline.MaxSlice {
			return errTooMany
		}
		d.entry = len(d.notifications)
		d.notifications = append(d.notifications, defaults())
		return d.object(&d.notifications[d.entry])
	})
	if err == nil && len(d.notifications) == 0 {
		d.rootFault("notifications", "want at least one notification")
	}
	return err
}

// defaults is a notification before its fields are read.
func defaults() pipeline.Notification {
	return pipeline.Notification{Priority: pipeline.Normal, Category: pipeline.Transactional}
}

func (d *bodyDecoder) object(n *pipeline.Notification) error {
	if d.jx.Next() != jx.Object {
		d.fault("", "want an object")
		return d.skip(2)
	}
	d.seen, d.unknown = 0, d.unknown[:0]
	return d.jx.ObjBytes(func(_ *jx.Decoder, key []byte) error { return d.field(n, text(key)) })
}

// fault notes what is wrong with a field of the entry that is being read. A
// field is named once.
func (d *bodyDecoder) fault(field, detail string) {
	if len(d.faults) == maxFaults {
		return
	}
	if n := len(d.faults); n > 0 && d.faults[n-1].Entry == d.entry && d.faults[n-1].Field == field {
		return
	}
	d.faults = append(d.faults, pipeline.Fault{Entry: d.entry, Field: field, Detail: detail})
}

// escape makes a name a reference token of RFC 6901.
func escape(name string) string {
	if len(name) > maxPointerName {
		name = strings.ToValidUTF8(name[:maxPointerName], "")
	}
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// text makes a string of bytes without a copy. The bytes are the request's
// body, which was read into memory of its own, or what the decoder unescaped
// into memory of its own; nobody writes to either again.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// malformedError says that a body is no JSON as it is accepted here.
type malformedError struct{ detail string }

func (e *malformedError) Error() string { return e.detail }

func duplicate(name string) error {
	return &malformedError{fmt.Sprintf("the key %.64q stands twice in one object", name)}
}

// malformed makes a malformedError of what jx says, whose innermost error
// alone names the place.
func malformed(err error) error {
	if errors.Is(err, errTooMany) {
		return errTooMany
	}
	if m, ok := errors.AsType[*malformedError](err); ok {
		return m
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return &malformedError{"malformed JSON: " + err.Error()}
}

// hasControl says whether a text holds a control character.
func (r *reader) hasControl(s string) bool {
	if r.plain {
		return false
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] == 0x7f || s[i] == 0xc2 && i+1 < len(s) && s[i+1] < 0xa0 {
			return true
		}
	}
	return false
}

// isPlain says whether no text of the body can hold a control character: JSON
// lets C0 through escapes alone, DEL is a byte of its own, and C1 begins with
// 0xC2. Three searches of the whole body are cheaper than one of each text.
func isPlain(data []byte) bool {
	return bytes.IndexByte(data, '\\') < 0 && bytes.IndexByte(data, 0x7f) < 0 && bytes.IndexByte(data, 0xc2) < 0
}
