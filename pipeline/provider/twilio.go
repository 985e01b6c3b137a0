package provider

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-faster/jx"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

// TwilioOptions configure a [Twilio].
type TwilioOptions struct {
	Options
	Account string // AC and 32 hexadecimal digits
	Token   string // the auth token
	// From is the sender's number; Service is the messaging service that
	// chooses one. The batch wire needs a service, the single one either.
	From    string
	Service string
	// Callback is where Twilio reports deliveries; its query carries our id
	// and ref. Empty means [DefaultTwilioCallback].
	Callback string
	Wire     Wire
}

// DefaultTwilioCallback is an address that is nobody's: the ids travel in the
// callback's query, whether or not anybody listens to the reports.
const DefaultTwilioCallback = "https://notifyctl.invalid/status"

// Twilio sends SMS: on the batch wire, which the mocks alone serve, up to 100 a
// call; on the single wire, the real one, each by a call of its own.
type Twilio struct {
	*connections
	wire     Wire
	from     string
	service  string
	callback string // up to the id's value
	single   *url.URL
	batch    *url.URL
	form     http.Header
	json     http.Header
	running  semaphore
}

// NewTwilio makes a client.
func NewTwilio(o TwilioOptions) (*Twilio, error) {
	o.Options = o.defaulted()
	switch {
	case o.Account == "" || o.Token == "":
		return nil, errors.New("the client of Twilio needs an account and its token")
	case o.From == "" && o.Service == "":
		return nil, errors.New("the client of Twilio needs a sender's number or a messaging service")
	case o.Service == "" && o.Wire == Batch:
		return nil, errors.New("the batch wire of Twilio needs a messaging service")
	case strings.ContainsAny(o.Account, "/?# \r\n"):
		return nil, errors.New("the account of Twilio is an id, as in AC0123456789abcdef0123456789abcdef")
	}
	single, err := o.endpoint("/2010-04-01/Accounts/" + o.Account + "/Messages.json")
	if err != nil {
		return nil, err
	}
	batch, err := o.endpoint("/2010-04-01/Accounts/" + o.Account + "/Messages/Batch.json")
	if err != nil {
		return nil, err
	}
	callback, err := callbackPrefix(o.Callback)
	if err != nil {
		return nil, err
	}
	credentials := "Basic " + base64.StdEncoding.EncodeToString([]byte(o.Account+":"+o.Token))
	return &Twilio{
		connections: newConnections(o.Options, false),
		wire:        o.Wire, from: o.From, service: o.Service, callback: callback,
		single: single, batch: batch,
		form:    http.Header{"Authorization": {credentials}, "Content-Type": {"application/x-www-form-urlencoded"}},
		json:    http.Header{"Authorization": {credentials}, "Content-Type": {"application/json"}},
		running: make(semaphore, o.Connections),
	}, nil
}

// callbackPrefix is a callback's URL up to where the id goes.
func callbackPrefix(callback string) (string, error) {
	if callback == "" {
		callback = DefaultTwilioCallback
	}
	u, err := url.Parse(callback)
	if err != nil || u.Host == "" || u.Fragment != "" {
		return "", errors.New("the callback of Twilio is an http URL without a fragment")
	}
	if u.RawQuery != "" {
		return callback + "&" + catalog.IDName + "=", nil
	}
	return strings.TrimSuffix(callback, "?") + "?" + catalog.IDName + "=", nil
}

// Name is the provider's, as in the catalog.
func (*Twilio) Name() string { return catalog.Twilio }

// Channel is what it sends.
func (*Twilio) Channel() pipeline.Channel { return pipeline.SMS }

// MaxBatch is how many messages a call takes, or are sent at a time.
func (*Twilio) MaxBatch() int { return catalog.TwilioBatch }

// MaxBytes bounds a call; a batch above it is sent in several.
func (*Twilio) MaxBytes() int { return catalog.TwilioRequestBytes }

// Send gives one answer a message, in the same order.
func (c *Twilio) Send(ctx context.Context, messages []pipeline.Message) []pipeline.Answer {
	answers := make([]pipeline.Answer, len(messages))
	if c.wire == Single {
		c.running.each(ctx, answers, chunks(len(messages), 1), func(part []int) {
			answers[part[0]] = c.one(ctx, &messages[part[0]])
		})
		return answers
	}
	began := time.Now()
	for part := range chunks(len(messages), catalog.TwilioBatch) {
		s := splitter{answers: answers, began: began}
		s.call = func(ctx context.Context, part []int) (bool, []int) { return c.many(ctx, messages, part, answers), nil }
		s.send(ctx, part)
	}
	return answers
}

// one sends a message by a call of its own.
func (c *Twilio) one(ctx context.Context, m *pipeline.Message) pipeline.Answer {
	if a, ok := tooLong(m); ok {
		return a
	}
	body := c.buffers.get()
	defer body.release()
	c.encodeForm(body, m)
	r := c.post(ctx, c.single, c.form, body, maxErrorBytes)
	defer r.release()
	switch r.status {
	case 0:
		return pipeline.Answer{Class: r.class, Error: r.words}
	case http.StatusCreated:
		return pipeline.Answer{Class: pipeline.Sent}
	}
	no := readTwilioError(jx.DecodeBytes(r.body.Buf))
	return twilioAnswer(r.status, &no, retryAfter(r.header, ""))
}

// tooLong refuses what Twilio would, so that a batch is not spent on it.
func tooLong(m *pipeline.Message) (pipeline.Answer, bool) {
	if len(m.Body) <= catalog.TwilioBodyCharacters || utf8.RuneCountInString(m.Body) <= catalog.TwilioBodyCharacters {
		return pipeline.Answer{}, false
	}
	return pipeline.Answer{Class: pipeline.Permanent, Reason: ReasonTooLarge, Error: "the text has more than 1600 characters"}, true
}

func (c *Twilio) encodeForm(w *buffer, m *pipeline.Message) {
	w.RawStr("To=")
	w.Buf = appendEscaped(w.Buf, m.To)
	if c.service != "" {
		w.RawStr("&MessagingServiceSid=")
		w.Buf = appendEscaped(w.Buf, c.service)
	} else {
		w.RawStr("&From=")
		w.Buf = appendEscaped(w.Buf, c.from)
	}
	w.RawStr("&Body=")
	w.Buf = appendEscaped(w.Buf, m.Body)
	w.RawStr("&StatusCallback=")
	var callback [256]byte
	w.Buf = appendEscaped(w.Buf, string(c.appendCallback(callback[:0], m)))
}

// appendCallback appends the URL that carries a message's id and ref.
func (c *Twilio) appendCallback(b []byte, m *pipeline.Message) []byte {
	b = append(b, c.callback...)
	b = m.ID.AppendTo(b)
	if m.Ref != "" {
		b = append(b, "&"+catalog.RefName+"="...)
		b = appendEscaped(b, m.Ref)
	}
	return b
}

// appendEscaped appends a value as forms and queries spell it.
func appendEscaped(b []byte, value string) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(value) {
		switch c := value[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.', c == '~':
			b = append(b, c)
		case c == ' ':
			b = append(b, '+')
		default:
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return b
}

func twilioAnswer(status int, no *twilioError, wait time.Duration) pipeline.Answer {
	v := classifyTwilio(status, no.code)
	code := ""
	if no.code != 0 {
		code = strconv.Itoa(no.code)
	}
	return v.answer(wordsOf(status, code, no.message), wait)
}

// twilioError is what an error says.
type twilioError struct {
	code    int // Twilio's own; 0 for none
	status  int
	wait    uint32 // seconds, in an answer to a batch
	message []byte
}

// readTwilioError reads {"code", "message", "more_info", "status"}, as far as it
// can be read.
func readTwilioError(d *jx.Decoder) twilioError {
	var out twilioError
	// What is broken ends the reading: what was read before it stands.
	_ = out.read(d)
	return out
}

func (e *twilioError) read(d *jx.Decoder) error {
	return d.ObjBytes(func(d *jx.Decoder, key []byte) error {
		var err error
		switch {
		case string(key) == "code" && d.Next() == jx.Number:
			e.code, err = d.Int()
		case string(key) == "status" && d.Next() == jx.Number:
			e.status, err = d.Int()
		case string(key) == "retry_after" && d.Next() == jx.Number:
			e.wait, err = d.UInt32()
		case string(key) == "message" && d.Next() == jx.String:
			e.message, err = d.StrAppend(nil)
		default:
			err = d.Skip()
		}
		return err
	})
}

// classifyTwilio is the table of Twilio's answers. Source: Twilio's error and
// warning dictionary. A 400 without one of Twilio's codes is a proxy's.
func classifyTwilio(status, code int) verdict {
	switch code {
	case 21211, 21214, 21217, 21614: // no number, not reachable, no mobile number
		return permanent(ReasonInvalidAddress)
	case 21610: // answered STOP
		return permanent(ReasonUnsubscribed)
	case 21408, 21612: // its region is not enabled; not from this sender
		return permanent(ReasonUnroutable)
	case 21617:
		return permanent(ReasonTooLarge)
	case 20429, 14107, 21611: // too many requests; message rate; the sender's queue is full
		return other(pipeline.Throttled)
	case 21603, 21606, 21607, 21609: // our sender, our callback: every message's
		return other(pipeline.Transient)
	}
	if status == http.StatusBadRequest && code != 0 {
		return permanent(ReasonRejected)
	}
	return byStatus(status)
}
