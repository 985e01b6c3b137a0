package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
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
var errTooMany = fmt.Errorf("more than %d notifications in one request", pipeline.MaxSlice)

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
	var single pipeline.Notification
	if d.jx.Next() != jx.Object {
		d.root = append(d.root, pipeline.Fault{Entry: -1, Detail: "want an object: a notification, or notifications in a list"})
		if err := d.skip(0); err != nil {
			return body{}, malformed(err)
		}
	} else if err := d.rootObject(&single, &list); err != nil {
		return body{}, err
	}
	if err := d.end(); err != nil {
		return body{}, err
	}
	if !list {
		d.notifications = []pipeline.Notification{single}
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
func (d *bodyDecoder) rootObject(single *pipeline.Notification, list *bool) error {
	*single = defaults()
	var names []string // of what stands beside the notifications
	err := d.jx.ObjBytes(func(_ *jx.Decoder, key []byte) error {
		name := text(key)
		if name == "notifications" {
			if *list {
				return duplicate(name)
			}
			*list = true
			// What was read so far is no notification after all.
			d.faults, d.keys = nil, nil
			return d.list()
		}
		seen := slices.Contains(names, name)
		if len(names) < maxFaults {
			names = append(names, name)
		}
		if !*list {
			return d.field(single, name)
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
	// About 300 bytes a notification are usual; a guess saves most copies.
	d.notifications = make([]pipeline.Notification, 0, min(d.size/256+1, pipeline.MaxSlice))
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

// first notes that the object has a field and refuses it the second time.
func (d *bodyDecoder) first(field uint32, name string) error {
	if d.seen&field != 0 {
		return duplicate(name)
	}
	d.seen |= field
	return nil
}

// field reads one field of a notification.
func (d *bodyDecoder) field(n *pipeline.Notification, name string) error {
	switch name {
	case "ref":
		return d.textField(fieldRef, name, &n.Ref)
	case "user_id":
		return d.textField(fieldUserID, name, &n.UserID)
	case "template_id":
		return d.textField(fieldTemplateID, name, &n.TemplateID)
	case "locale":
		return d.textField(fieldLocale, name, &n.Locale)
	case "to":
		return d.textField(fieldTo, name, &n.To)
	case "channel":
		return enumField(d, fieldChannel, name, &n.Channel, pipeline.ParseChannel, "push, email or sms")
	case "priority":
		return enumField(d, fieldPriority, name, &n.Priority, pipeline.ParsePriority, "high, normal or low")
	case "category":
		return enumField(d, fieldCategory, name, &n.Category, pipeline.ParseCategory, "transactional or promotional")
	case "template_version":
		return d.versionField(n)
	case "variables":
		return d.variablesField(n)
	case "expires_at":
		return d.expiryField(n)
	case "idempotency_key":
		return d.keyField()
	}
	return d.unknownField(name)
}

func (d *bodyDecoder) unknownField(name string) error {
	if slices.Contains(d.unknown, name) {
		return duplicate(name)
	}
	if len(d.unknown) < maxFaults {
		d.unknown = append(d.unknown, name)
	}
	d.fault(escape(name), "unknown field")
	return d.skip(3)
}

// textField reads a text that is not empty.
func (d *bodyDecoder) textField(field uint32, name string, into *string) error {
	if err := d.first(field, name); err != nil {
		return err
	}
	value, detail, err := d.text()
	if detail == "" && value == "" && err == nil {
		detail = "must not be empty"
	}
	if detail != "" {
		d.fault(name, detail)
		return err
	}
	*into = value
	return err
}

// enumField reads one of a few words.
func enumField[T any](d *bodyDecoder, field uint32, name string, into *T, parse func(string) (T, bool), accepted string) error {
	var word string
	faults := len(d.faults)
	if err := d.textField(field, name, &word); err != nil || len(d.faults) > faults {
		return err
	}
	value, ok := parse(word)
	if !ok {
		d.fault(name, fmt.Sprintf("%.32q is unknown: want %s", word, accepted))
		return nil
	}
	*into = value
	return nil
}

func (d *bodyDecoder) versionField(n *pipeline.Notification) error {
	if err := d.first(fieldTemplateVersion, "template_version"); err != nil {
		return err
	}
	if d.jx.Next() == jx.Number {
		raw, err := d.jx.Raw()
		if err != nil {
			return err
		}
		if version, ok := parseVersion(raw); ok {
			n.TemplateVersion = version
			return nil
		}
	} else if err := d.skip(3); err != nil {
		return err
	}
	d.fault("template_version", "want an integer from 1 to 4294967295")
	return nil
}

// parseVersion reads the digits of a JSON number: no sign, fraction or exponent.
func parseVersion(raw []byte) (uint32, bool) {
	if len(raw) > len("4294967295") {
		return 0, false
	}
	n := uint64(0)
	for _, c := range raw {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return uint32(n), n >= 1 && n <= 1<<32-1
}

// expiryField reads a time of RFC 3339, to the millisecond, in UTC: what is
// kept of it.
func (d *bodyDecoder) expiryField(n *pipeline.Notification) error {
	var value string
	faults := len(d.faults)
	if err := d.textField(fieldExpiresAt, "expires_at", &value); err != nil || len(d.faults) > faults {
		return err
	}
	var at time.Time
	err := at.UnmarshalText([]byte(value))
	at = at.UTC().Truncate(time.Millisecond)
	if err != nil || at.Year() < 1970 || at.Year() > 9999 {
		d.fault("expires_at", "want a time of RFC 3339, as in 2026-11-24T12:00:00Z")
		return nil
	}
	n.ExpiresAt = at
	return nil
}

func (d *bodyDecoder) keyField() error {
	var key string
	faults := len(d.faults)
	if err := d.textField(fieldIdempotencyKey, "idempotency_key", &key); err != nil || len(d.faults) > faults {
		return err
	}
	if !validKey(key) {
		d.fault("idempotency_key", keyWanted)
		return nil
	}
	d.keys = append(d.keys, make([]string, d.entry+1-len(d.keys))...)
	d.keys[d.entry] = key
	return nil
}

// keyWanted says what validKey accepts.
const keyWanted = "want 1 to 255 visible ASCII characters"

// validKey says whether a text is an idempotency key: visible ASCII only, so
// that it can travel in a header.
func validKey(key string) bool {
	if key == "" || len(key) > maxKey {
		return false
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] >= 0x7f {
			return false
		}
	}
	return true
}

// variablesField reads the variables, ordered by name: bodies that differ in
// the order alone are the same.
func (d *bodyDecoder) variablesField(n *pipeline.Notification) error {
	if err := d.first(fieldVariables, "variables"); err != nil {
		return err
	}
	if d.jx.Next() != jx.Object {
		d.fault("variables", "want an object of names and values")
		return d.skip(3)
	}
	if d.variables == nil {
		d.variables = make([]pipeline.Variable, 0, 2*max(cap(d.notifications), 1))
	}
	start := len(d.variables)
	err := d.jx.ObjBytes(func(_ *jx.Decoder, key []byte) error { return d.variable(start, text(key)) })
	if len(d.variables) > start {
		n.Variables = d.variables[start:len(d.variables):len(d.variables)]
	}
	return err
}

// variable reads one variable into its place among those since start.
func (d *bodyDecoder) variable(start int, name string) error {
	at := len(d.variables)
	for at > start && d.variables[at-1].Name >= name {
		at--
		if d.variables[at].Name == name {
			return duplicate(name)
		}
	}
	if len(d.variables)-start == maxVariables {
		d.fault("variables", fmt.Sprintf("more than %d variables", maxVariables))
		return d.skip(4)
	}
	value, detail, err := d.scalar()
	switch {
	case err != nil:
		return err
	case name == "" || d.hasControl(name):
		d.fault("variables/"+escape(name), "a variable's name must not be empty or hold control characters")
	case detail != "":
		d.fault("variables/"+escape(name), detail)
	}
	d.variables = slices.Insert(d.variables, at, pipeline.Variable{Name: name, Value: value})
	return nil
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
