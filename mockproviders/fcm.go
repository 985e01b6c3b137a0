package mockproviders

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-faster/jx"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

// fcmWire is POST /v1/projects/{project}/messages:send, one message a call.
type fcmWire struct{}

func (fcmWire) provider() provider              { return fcm }
func (fcmWire) maxBytes() int                   { return 64 << 10 }
func (fcmWire) wholesale() bool                 { return true }
func (fcmWire) authorized(r *http.Request) bool { return bearer(r) }

func (w fcmWire) decode(c *call, r *http.Request) *refusal {
	project := []byte(r.PathValue("project"))
	if !validProject(project) {
		return fcmInvalid("Invalid project id.")
	}
	c.scope = c.keep(project)
	c.add().refused = readFCM(c, c.body, &c.entries[0])
	return nil
}

// validProject says whether a project is spelled as ids are, so that it can
// stand in an answer as it is.
func validProject(project []byte) bool { return len(project) > 0 && spelledWith(project, "-_.:") }

// readFCM reads the request of one message into an entry, and says what is
// wrong with it.
func readFCM(c *call, body []byte, e *entry) *refusal {
	d := &c.decoder
	d.ResetBytes(body)
	var m fcmMessage
	object, err := d.ObjIter()
	if err != nil {
		return fcmInvalid("Invalid JSON payload received.")
	}
	for object.Next() {
		if string(object.Key()) == "message" {
			m.present = true
			err = m.read(c, d, e)
		} else {
			err = d.Skip()
		}
		if err != nil {
			return fcmInvalid("Invalid JSON payload received.")
		}
	}
	if object.Err() != nil || atEnd(d) != nil {
		return fcmInvalid("Invalid JSON payload received.")
	}
	return m.check()
}

// fcmMessage is what the rules ask of a message.
type fcmMessage struct {
	present  bool
	targets  int // token, topic and condition: exactly one
	payload  int // bytes of notification and data
	badData  bool
	badTTL   bool
	badLevel bool
}

func (m *fcmMessage) read(c *call, d *jx.Decoder, e *entry) error {
	object, err := d.ObjIter()
	if err != nil {
		return err
	}
	for object.Next() {
		switch string(object.Key()) {
		case "token", "topic", "condition":
			e.to, err = c.keepStr(d)
			if !e.to.empty() {
				m.targets++
			}
		case "notification":
			var raw jx.Raw
			raw, err = d.Raw()
			m.payload += len(raw)
		case "data":
			err = m.readData(c, d, e)
		case "android":
			err = m.readAndroid(d)
		default:
			err = d.Skip()
		}
		if err != nil {
			return err
		}
	}
	return object.Err()
}

// readData reads the message's own values, which must be strings and hold our
// names.
func (m *fcmMessage) readData(c *call, d *jx.Decoder, e *entry) error {
	raw, err := d.Raw()
	if err != nil {
		return err
	}
	m.payload += len(raw)
	c.inner.ResetBytes(raw)
	object, err := c.inner.ObjIter()
	if err != nil {
		return err
	}
	for object.Next() {
		m.badData = m.badData || c.inner.Next() != jx.String
		if err := readName(c, &c.inner, object.Key(), &e.names); err != nil {
			return err
		}
	}
	return object.Err()
}

func (m *fcmMessage) readAndroid(d *jx.Decoder) error {
	object, err := d.ObjIter()
	if err != nil {
		return err
	}
	for object.Next() {
		key := string(object.Key())
		if key != "ttl" && key != "priority" || d.Next() != jx.String {
			if err := d.Skip(); err != nil {
				return err
			}
			continue
		}
		value, err := d.StrBytes()
		if err != nil {
			return err
		}
		switch key {
		case "ttl":
			m.badTTL = !validTTL(value)
		default:
			m.badLevel = !bytes.EqualFold(value, []byte("high")) && !bytes.EqualFold(value, []byte("normal"))
		}
	}
	return object.Err()
}

// validTTL reads a duration as the API spells it, "3.5s".
func validTTL(value []byte) bool {
	seconds, ok := strings.CutSuffix(string(value), "s")
	if !ok {
		return false
	}
	n, err := strconv.ParseFloat(seconds, 64)
	return err == nil && n >= 0 && n <= catalog.FCMMaxTTL.Seconds()
}

func (m *fcmMessage) check() *refusal {
	switch {
	case !m.present:
		return fcmInvalid("The message is not set.")
	case m.targets != 1:
		return fcmInvalid("Exactly one of token, topic or condition is required")
	case m.badData:
		return fcmInvalid("Invalid value at 'message.data' (TYPE_STRING)")
	case m.payload > catalog.FCMPayloadBytes:
		return fcmInvalid("Android message is too big")
	case m.badTTL:
		return fcmInvalid("Invalid value at 'message.android.ttl'")
	case m.badLevel:
		return fcmInvalid("Invalid value at 'message.android.priority'")
	}
	return nil
}

func fcmInvalid(message string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: "INVALID_ARGUMENT", message: message}
}

func (fcmWire) answer(c *call) {
	c.status, c.contentType = http.StatusOK, "application/json; charset=UTF-8"
	appendFCMName(c, c.str(c.scope), c.serial)
}

// appendFCMName writes the name of a message that was accepted.
func appendFCMName(c *call, project []byte, serial uint64) {
	c.out.RawStr(`{"name":"projects/`)
	c.out.Buf = append(c.out.Buf, project...)
	c.out.RawStr(`/messages/`)
	c.out.Buf = appendSerial(c.out.Buf, serial)
	c.out.RawStr(`"}`)
}

func (fcmWire) refuse(c *call, no *refusal) {
	c.status, c.contentType = no.status, "application/json; charset=UTF-8"
	appendFCMError(&c.out, no)
}

// appendFCMError writes an error as google.rpc.Status in JSON, with the detail
// by which FCM's own libraries tell one from another.
func appendFCMError(out *jx.Writer, no *refusal) {
	out.RawStr(`{"error":{"code":`)
	out.Int(no.status)
	out.RawStr(`,"message":`)
	out.Str(no.message)
	out.RawStr(`,"status":`)
	out.Str(fcmStatus(no.status))
	if no.code != "" {
		out.RawStr(`,"details":[{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":`)
		out.Str(no.code)
		out.RawStr(`}]`)
	}
	out.RawStr(`}}`)
}

// fcmStatus is the name of the canonical code that an HTTP status stands for.
// Source: google.rpc.Code.
func fcmStatus(status int) string {
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		return "INVALID_ARGUMENT"
	case http.StatusUnauthorized:
		return "UNAUTHENTICATED"
	case http.StatusForbidden:
		return "PERMISSION_DENIED"
	case http.StatusNotFound:
		return "NOT_FOUND"
	case http.StatusTooManyRequests:
		return "RESOURCE_EXHAUSTED"
	case http.StatusServiceUnavailable:
		return "UNAVAILABLE"
	case http.StatusGatewayTimeout:
		return "DEADLINE_EXCEEDED"
	case http.StatusInternalServerError:
		return "INTERNAL"
	}
	return "UNKNOWN"
}

func (fcmWire) refusal(status int, code string) *refusal { return fcmRefusal(status, code) }

func fcmRefusal(status int, code string) *refusal {
	no := &refusal{status: status, code: code, message: http.StatusText(status)}
	switch status {
	case http.StatusBadRequest:
		no.message = "The registration token is not a valid FCM registration token"
	case http.StatusNotFound:
		no.message = "Requested entity was not found."
	case http.StatusTooManyRequests:
		no.message = "Quota exceeded for quota metric 'Messages' and limit 'Messages per minute'."
	}
	if code != "" {
		return no
	}
	switch status {
	case http.StatusBadRequest:
		no.code = "INVALID_ARGUMENT"
	case http.StatusForbidden:
		no.code = "SENDER_ID_MISMATCH"
	case http.StatusNotFound:
		no.code = "UNREGISTERED"
	case http.StatusTooManyRequests:
		no.code = "QUOTA_EXCEEDED"
	case http.StatusInternalServerError:
		no.code = "INTERNAL"
	case http.StatusServiceUnavailable:
		no.code = "UNAVAILABLE"
	}
	return no
}

// account is the project; of a batch, the first message's.
func (fcmWire) account(c *call, _ *http.Request) string { return string(c.str(c.scope)) }
func (fcmWire) units(*call, *entry) int                 { return 1 }

func (fcmWire) limited(reached limitKind, wait time.Duration) *refusal {
	no := fcmRefusal(http.StatusTooManyRequests, "")
	if reached == deviceLimit {
		no.message = "Message rate to the device exceeded."
	}
	no.retryAfter = wait
	return no
}

// retryAfterSeconds is a wait as the header spells it, in whole seconds, up.
func retryAfterSeconds(wait time.Duration) string {
	return strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10)
}
