package gateway

import (
	"fmt"
	"slices"

	"github.com/go-faster/jx"

	"github.com/notifyctl/notifyctl/pipeline"
)

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
	d.fault("template_version", versionWanted)
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

// expiryField reads a time.
func (d *bodyDecoder) expiryField(n *pipeline.Notification) error {
	var value string
	faults := len(d.faults)
	if err := d.textField(fieldExpiresAt, "expires_at", &value); err != nil || len(d.faults) > faults {
		return err
	}
	at, ok := parseTime(value)
	if !ok {
		d.fault("expires_at", timeWanted)
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
