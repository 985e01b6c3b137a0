package provider

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/go-faster/jx"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

// VonageOptions configure a [Vonage].
type VonageOptions struct {
	Options
	Key    string // the API key
	Secret string // the API secret
	From   string // the sender's number or name
}

// Vonage sends SMS, each by a call of its own, as many at a time as there are
// connections.
type Vonage struct {
	*connections
	send    *url.URL
	header  http.Header
	account string // the credentials and the sender, as a form
	running semaphore
}

// NewVonage makes a client.
func NewVonage(o VonageOptions) (*Vonage, error) {
	o.Options = o.defaulted()
	switch {
	case o.Key == "" || o.Secret == "":
		return nil, errors.New("the client of Vonage needs an API key and its secret")
	case o.From == "":
		return nil, errors.New("the client of Vonage needs a sender's number or name")
	}
	send, err := o.endpoint("/sms/json")
	if err != nil {
		return nil, err
	}
	account := url.Values{"api_key": {o.Key}, "api_secret": {o.Secret}, "from": {strings.TrimPrefix(o.From, "+")}}
	return &Vonage{
		connections: newConnections(o.Options, false),
		send:        send,
		header:      http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
		account:     account.Encode(),
		running:     make(semaphore, o.Connections),
	}, nil
}

// Name is the provider's, as in the catalog.
func (*Vonage) Name() string { return catalog.Vonage }

// Channel is what it sends.
func (*Vonage) Channel() pipeline.Channel { return pipeline.SMS }

// MaxBatch is how many messages are sent at a time: a batch that was cut for
// Twilio.
func (*Vonage) MaxBatch() int { return catalog.TwilioBatch }

// MaxBytes bounds a call.
func (*Vonage) MaxBytes() int { return catalog.VonageRequestBytes }

// Send gives one answer a message, in the same order.
func (c *Vonage) Send(ctx context.Context, messages []pipeline.Message) []pipeline.Answer {
	answers := make([]pipeline.Answer, len(messages))
	now := time.Now()
	c.running.each(ctx, answers, chunks(len(messages), 1), func(part []int) {
		answers[part[0]] = c.one(ctx, &messages[part[0]], now)
	})
	return answers
}

// one sends a message by a call of its own.
func (c *Vonage) one(ctx context.Context, m *pipeline.Message, now time.Time) pipeline.Answer {
	body := c.buffers.get()
	defer body.release()
	body.Buf = c.appendForm(body.Buf, m, now)
	if len(body.Buf) > catalog.VonageRequestBytes {
		return pipeline.Answer{Class: pipeline.Permanent, Reason: ReasonTooLarge, Error: "the text is longer than an SMS"}
	}
	r := c.post(ctx, c.send, c.header, body, maxErrorBytes)
	defer r.release()
	switch r.status {
	case 0:
		return pipeline.Answer{Class: r.class, Error: r.words}
	case http.StatusOK: // as well when it is refused
		return readVonageAnswer(r.body.Buf).answer()
	}
	return unlisted(byStatus(r.status).answer(wordsOf(r.status, "", nil), retryAfter(r.header, "")), vonageUnlisted)
}

// appendForm appends the request of a message. Numbers go without their plus
// sign, and text that is not in the GSM alphabet has to be announced.
func (c *Vonage) appendForm(b []byte, m *pipeline.Message, now time.Time) []byte {
	b = append(b, c.account...)
	b = append(b, "&to="...)
	b = appendEscaped(b, strings.TrimPrefix(m.To, "+"))
	if !catalog.IsGSM(m.Body) {
		b = append(b, "&type=unicode"...)
	}
	b = append(b, "&text="...)
	b = appendEscaped(b, m.Body)
	if !m.ExpiresAt.IsZero() {
		left := min(max(m.ExpiresAt.Sub(now), catalog.VonageMinTTL), catalog.VonageMaxTTL)
		b = append(b, "&ttl="...)
		b = strconv.AppendInt(b, left.Milliseconds(), 10)
	}
	b = append(b, "&client-ref="...)
	b = m.ID.AppendTo(b)
	if m.Ref != "" {
		b = append(b, '.')
		b = appendEscaped(b, m.Ref)
	}
	return b
}

const vonageUnlisted = "Vonage's answer does not say what became of it"

// vonageAnswer is what an answer says of the parts that a text was cut into.
type vonageAnswer struct {
	declared int // parts that there should be
	accepted int
	failed   int
	// verdict, words and wait are of the failed part that decides.
	verdict verdict
	words   string
	wait    time.Duration
}

// readVonageAnswer reads {"message-count", "messages": [{"status",
// "error-text"}]}, as far as it can be read.
func readVonageAnswer(body []byte) vonageAnswer {
	out := vonageAnswer{declared: 1}
	// What is broken ends the reading: what was read before it stands, and the
	// part that it broke in is missing.
	err := jx.DecodeBytes(body).ObjBytes(func(d *jx.Decoder, key []byte) error {
		switch {
		case string(key) == "message-count" && d.Next() == jx.String:
			text, err := d.Str()
			if n, bad := strconv.ParseUint(text, 10, 16); err == nil && bad == nil {
				out.declared = max(out.declared, int(n))
			}
			return err
		case string(key) == "messages" && d.Next() == jx.Array:
			return d.Arr(out.readPart)
		}
		return d.Skip()
	})
	if err != nil {
		out.declared = max(out.declared, out.accepted+out.failed+1)
	}
	return out
}

// readPart reads what became of a part, if the answer says so.
func (a *vonageAnswer) readPart(d *jx.Decoder) error {
	if d.Next() != jx.Object {
		a.declared = max(a.declared, a.accepted+a.failed+1)
		return d.Skip()
	}
	var status string
	var words []byte
	err := d.ObjBytes(func(d *jx.Decoder, key []byte) error {
		var err error
		switch {
		case d.Next() != jx.String:
			err = d.Skip()
		case string(key) == "status":
			status, err = d.Str()
		case string(key) == "error-text":
			words, err = d.StrAppend(nil)
		default:
			err = d.Skip()
		}
		return err
	})
	switch v := classifyVonage(status, string(words)); {
	case err != nil:
	case v.class == pipeline.Sent:
		a.accepted++
	default:
		if a.failed == 0 || v.class == pipeline.Permanent && a.verdict.class != pipeline.Permanent {
			a.verdict, a.words, a.wait = v, wordsOf(http.StatusOK, status, words), vonageWait(words)
		}
		a.failed++
	}
	return err
}

// answer is what the parts come down to together. A failed one decides, above
// all one that fails for ever. To send again what a part was accepted of may
// bring that part twice: then it is ambiguous, and so is what a part is missing
// of.
func (a vonageAnswer) answer() pipeline.Answer {
	missing := a.accepted+a.failed < a.declared
	switch {
	case a.failed > 0 && a.verdict.class == pipeline.Permanent:
	case missing:
		return pipeline.Answer{Class: pipeline.Ambiguous, Error: vonageUnlisted}
	case a.failed > 0 && a.accepted > 0:
		a.verdict = other(pipeline.Ambiguous)
	case a.failed == 0:
		return pipeline.Answer{Class: pipeline.Sent}
	}
	return a.verdict.answer(a.words, a.wait)
}

// vonageWait is the wait that the words ask for, in milliseconds, or 0:
// "Throughput Rate Exceeded - please wait [ 250 ] and retry".
func vonageWait(words []byte) time.Duration {
	_, rest, _ := bytes.Cut(words, []byte("please wait ["))
	number, _, found := bytes.Cut(rest, []byte("]"))
	milliseconds, err := strconv.ParseUint(string(bytes.TrimSpace(number)), 10, 32)
	if !found || err != nil {
		return 0
	}
	return boundedWait(time.Duration(milliseconds) * time.Millisecond)
}

// classifyVonage is the table of Vonage's statuses. Source: Vonage SMS API,
// "Troubleshooting SMS", error codes. What is not listed is our account's fault:
// credentials (4, 14, 32), an account that is barred (8), without credit (9) or
// without the API (11), the sender (15), a demo account (29).
func classifyVonage(status, words string) verdict {
	switch status {
	case "0":
		return other(pipeline.Sent)
	case "1", "10": // faster than the account may; too many connections
		return other(pipeline.Throttled)
	case "2", "3": // a parameter is missing, or invalid
		return badVonageParameter(words)
	case "6", "33": // no number of any network; a number that was given up
		return permanent(ReasonInvalidAddress)
	case "7": // on the list of those who may not be sent to
		return permanent(ReasonUnsubscribed)
	case "12":
		return permanent(ReasonTooLarge)
	case "39": // from this sender not to the United States
		return permanent(ReasonUnroutable)
	case "":
		return other(pipeline.Ambiguous)
	}
	return other(pipeline.Transient)
}

// badVonageParameter tells parameters of the message from ours by the name in
// the words, as in "Invalid value for parameter: to" and "Missing from param".
func badVonageParameter(words string) verdict {
	v := permanent(ReasonRejected)
	for word := range strings.FieldsFuncSeq(words, func(r rune) bool { return !unicode.IsLetter(r) && r != '_' && r != '-' }) {
		switch word {
		case "from", "api_key", "api_secret", "username", "password", "type", "ttl", "client-ref":
			return other(pipeline.Transient)
		case "to":
			v = permanent(ReasonInvalidAddress)
		}
	}
	return v
}
