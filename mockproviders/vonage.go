package mockproviders

import (
	"bytes"
	"mime"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-faster/jx"

	"github.com/notifyctl/notifyctl/planner/catalog"
)

// vonageWire is POST /sms/json: one message, as a form or in JSON, answered 200
// whatever became of it. A long text goes in several parts, each with an element
// of the answer.
type vonageWire struct{}

func (vonageWire) provider() provider { return vonage }
func (vonageWire) maxBytes() int      { return catalog.VonageRequestBytes }
func (vonageWire) wholesale() bool    { return true }

// authorized is decided by decode: the credentials may stand in the body.
func (vonageWire) authorized(*http.Request) bool { return true }

// vonageMessage is what the rules ask of a message.
type vonageMessage struct {
	secret bool // or a signature in its place
	from   bool
}

func (w vonageWire) decode(c *call, r *http.Request) *refusal {
	e := c.add()
	var m vonageMessage
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err == nil && media == "application/json" {
		if err := m.readJSON(c, e); err != nil {
			return vonageError("3", "Invalid JSON in the body")
		}
	} else {
		m.readForm(c, e)
	}
	if bearer(r) {
		m.secret, c.key = true, c.keep([]byte("bearer"))
	}
	if user, _, ok := r.BasicAuth(); ok && basic(r) {
		m.secret, c.key = true, c.keep([]byte(user))
	}
	if no := m.check(c, e); no != nil {
		return no
	}
	id, ref, _ := bytes.Cut(c.str(e.label), []byte("."))
	e.id = span{e.label.from, e.label.from + uint32(len(id))}
	e.ref = span{e.label.to - uint32(len(ref)), e.label.to}
	return nil
}

func (m *vonageMessage) readForm(c *call, e *entry) {
	for form := c.body; len(form) > 0; {
		var p pair
		p, form = nextPair(form)
		m.set(c, e, string(p.name), c.keepUnescaped(p.value))
	}
}

func (m *vonageMessage) readJSON(c *call, e *entry) error {
	d := &c.decoder
	d.ResetBytes(c.body)
	err := readObject(d, func(key string) error {
		switch d.Next() {
		case jx.String:
			value, err := c.keepStr(d)
			m.set(c, e, key, value)
			return err
		case jx.Number: // a number to call, as some write it
			number, err := d.Num()
			m.set(c, e, key, c.keep(number))
			return err
		}
		return d.Skip()
	})
	if err != nil {
		return err
	}
	return atEnd(d)
}

// set keeps the value of a parameter.
func (m *vonageMessage) set(c *call, e *entry, name string, value span) {
	switch name {
	case "api_key":
		c.key = value
	case "api_secret", "sig":
		m.secret = !value.empty()
	case "from":
		m.from = !value.empty()
	case "to":
		e.to = value
	case "text", "body": // body is a binary message's, in hexadecimal digits
		e.body = value
	case "client-ref":
		e.label = value
	case catalog.TemplateName:
		e.template = value
	}
}

// check holds the message against the rules.
func (m *vonageMessage) check(c *call, e *entry) *refusal {
	switch {
	case c.key.empty():
		return vonageError("2", "Missing api_key")
	case !m.secret:
		return vonageError("2", "Missing api_secret")
	case e.to.empty():
		return vonageError("2", "Missing to param")
	case !dialable(append([]byte("+"), bytes.TrimPrefix(c.str(e.to), []byte("+"))...)):
		return vonageError("3", "to address is not numeric")
	case !m.from:
		return vonageError("2", "Missing from param")
	case e.body.empty():
		return vonageError("2", "Missing text param")
	case utf8.RuneCount(c.str(e.body)) > catalog.VonageTextCharacters:
		return vonageError("12", "Message Too Long")
	case utf8.RuneCount(c.str(e.label)) > catalog.VonageReferenceCharacters:
		return vonageError("3", "Invalid client-ref param")
	}
	return nil
}

// vonageError is an error that the API has a status of its own for.
func vonageError(status, text string) *refusal {
	return &refusal{status: http.StatusOK, code: status, message: text}
}

func (w vonageWire) answer(c *call) {
	e := &c.entries[0]
	parts := catalog.Segments(string(c.str(e.body)))
	w.begin(c, parts)
	for part := range parts {
		if part > 0 {
			c.out.Comma()
		}
		c.out.RawStr(`{"to":`)
		c.out.ByteStr(bytes.TrimPrefix(c.str(e.to), []byte("+")))
		c.out.RawStr(`,"message-id":"`)
		// The parts of one message differ in their first bits, which a serial
		// never reaches.
		c.out.Buf = appendUUID(c.out.Buf, c.serial|uint64(part)<<56)
		c.out.RawStr(`","status":"0","remaining-balance":"1000.00000000","message-price":"0.03330000","network":"12345"`)
		if !e.label.empty() {
			c.out.RawStr(`,"client-ref":`)
			c.out.ByteStr(c.str(e.label))
		}
		c.out.RawStr(`}`)
	}
	c.out.RawStr(`]}`)
}

// begin writes the answer up to its messages.
func (vonageWire) begin(c *call, messages int) {
	c.status, c.contentType = http.StatusOK, "application/json"
	c.out.RawStr(`{"message-count":"`)
	c.out.Int(messages)
	c.out.RawStr(`","messages":[`)
}

// refuse answers by a status of the API's own, or by that of HTTP when it is
// its gateway that fails.
func (w vonageWire) refuse(c *call, no *refusal) {
	if no.code == "" {
		c.status, c.contentType = no.status, "text/plain; charset=utf-8"
		c.out.RawStr(no.message)
		return
	}
	w.begin(c, 1)
	c.out.RawStr(`{"status":`)
	c.out.Str(no.code)
	c.out.RawStr(`,"error-text":`)
	c.out.Str(no.message)
	c.out.RawStr(`}]}`)
}

// refusal finds the API's own status for one of HTTP. Source: Vonage, "API
// Errors: SMS API".
func (vonageWire) refusal(status int, code string) *refusal {
	if code != "" {
		return vonageError(code, "The message was rejected")
	}
	switch status {
	case http.StatusBadRequest:
		return vonageError("6", "The Vonage platform was unable to process this message, for example, an unrecognized number prefix")
	case http.StatusUnauthorized:
		return vonageError("4", "Bad Credentials")
	case http.StatusPaymentRequired:
		return vonageError("9", "Quota Exceeded - rejected")
	case http.StatusForbidden:
		return vonageError("7", "The number you are trying to submit to is barred")
	case http.StatusNotFound:
		return vonageError("33", "Number De-activated")
	case http.StatusTooManyRequests:
		return vonageThrottled(time.Second)
	case http.StatusInternalServerError:
		return vonageError("5", "Internal Error")
	}
	return &refusal{status: status, message: http.StatusText(status)}
}

// vonageThrottled asks to wait for a while, in milliseconds.
func vonageThrottled(wait time.Duration) *refusal {
	return vonageError("1", "Throughput Rate Exceeded - please wait [ "+strconv.FormatInt((wait+time.Millisecond-1).Milliseconds(), 10)+" ] and retry")
}

func (vonageWire) account(c *call, _ *http.Request) string { return string(c.str(c.key)) }
func (vonageWire) units(c *call, e *entry) int             { return catalog.Segments(string(c.str(e.body))) }

func (w vonageWire) limited(reached limitKind, wait time.Duration) *refusal {
	if reached == dailyLimit {
		return w.refusal(http.StatusPaymentRequired, "")
	}
	return vonageThrottled(wait)
}
