package provider

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-faster/jx"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

// SendGridOptions configure a [SendGrid].
type SendGridOptions struct {
	Options
	Key  string // the API key
	From string // the sender's address
}

// SendGrid sends e-mail, up to 1000 a call, each as a personalization. Messages
// of different templates share a call: a personalization has its own subject,
// and the rendered body is its substitution for the one placeholder that is the
// call's content. What is alone in a call is its content itself, so that a body
// too long for a substitution still goes; as many calls of such bodies are under
// way as there are connections.
//
// SendGrid takes an address once a call; a second message to it goes in a
// second call after the first, unless one of them is alone in its call.
type SendGrid struct {
	*connections
	send   *url.URL
	header http.Header
	from   []byte // as a JSON string
	seen   sync.Pool
	single semaphore // bounds the calls of bodies that go alone
}

// NewSendGrid makes a client.
func NewSendGrid(o SendGridOptions) (*SendGrid, error) {
	o.Options = o.defaulted()
	send, err := o.endpoint("/v3/mail/send")
	if err != nil {
		return nil, err
	}
	if o.Key == "" || o.From == "" {
		return nil, errors.New("the client of SendGrid needs an API key and a sender's address")
	}
	var from jx.Writer
	from.Str(o.From)
	return &SendGrid{
		connections: newConnections(o.Options, false),
		send:        send, from: from.Buf, single: make(semaphore, o.Connections),
		header: http.Header{
			"Authorization": {"Bearer " + o.Key},
			"Content-Type":  {"application/json"},
		},
	}, nil
}

// Name is the provider's, as in the catalog.
func (*SendGrid) Name() string { return catalog.SendGrid }

// Channel is what it sends.
func (*SendGrid) Channel() pipeline.Channel { return pipeline.Email }

// MaxBatch is how many messages a call takes.
func (*SendGrid) MaxBatch() int { return catalog.SendGridPersonalizations }

// MaxBytes bounds a call; a batch above it is sent in several.
func (*SendGrid) MaxBytes() int { return catalog.SendGridMessageBytes }

// Send gives one answer a message, in the same order.
func (c *SendGrid) Send(ctx context.Context, messages []pipeline.Message) []pipeline.Answer {
	answers := make([]pipeline.Answer, len(messages))
	parts, alone := c.parts(messages)
	var single sync.WaitGroup
	if len(alone) > 0 {
		single.Go(func() { c.sendAlone(ctx, messages, alone, answers) })
	}
	s := splitter{answers: answers, began: time.Now()}
	s.call = func(ctx context.Context, part []int) (bool, []int) { return c.call(ctx, messages, part, answers) }
	for _, part := range parts {
		s.calls = 0
		s.send(ctx, part)
	}
	single.Wait()
	return answers
}

// sendAlone sends each of the messages by a call of its own.
func (c *SendGrid) sendAlone(ctx context.Context, messages []pipeline.Message, alone []int, answers []pipeline.Answer) {
	c.single.each(ctx, answers, slices.Chunk(alone, 1), func(part []int) {
		c.call(ctx, messages, part, answers) // one message is never refused without an answer
	})
}

// parts divides messages into calls, in the order in which they are made: no
// address twice in one, and no more than a call takes. The messages to one
// address keep their order. What does not fit into a substitution goes alone.
func (c *SendGrid) parts(messages []pipeline.Message) (parts [][]int, alone []int) {
	seen, ok := c.seen.Get().(map[string]int)
	if !ok {
		seen = make(map[string]int, len(messages))
	}
	defer func() {
		clear(seen)
		c.seen.Put(seen)
	}()
	rounds := [][]int{make([]int, 0, len(messages))}
	for i := range messages {
		if !fitsSubstitution(messages[i].Body) {
			alone = append(alone, i)
			continue
		}
		address := strings.ToLower(messages[i].To)
		round := seen[address]
		seen[address] = round + 1
		if round == len(rounds) {
			rounds = append(rounds, nil)
		}
		rounds[round] = append(rounds[round], i)
	}
	for _, round := range rounds {
		for len(round) > 0 {
			n := min(len(round), catalog.SendGridPersonalizations)
			parts, round = append(parts, round[:n]), round[n:]
		}
	}
	return parts, alone
}

// placeholder is what a body is substituted for in a call of several messages.
const placeholder = "-notifyctl-body-"

// fitsSubstitution says whether a body may be a substitution.
func fitsSubstitution(body string) bool {
	return fitsJSON(catalog.SendGridSubstitutionBytes-len(`{"":""}`)-len(placeholder), body)
}

// fitsJSON says whether texts have at most a number of bytes together as JSON
// strings, without their quotes, where a byte takes six at most.
func fitsJSON(room int, texts ...string) bool {
	length := 0
	for _, text := range texts {
		length += len(text)
	}
	if length <= room/6 {
		return true
	}
	if length > room {
		return false
	}
	var w jx.Writer
	for _, text := range texts {
		w.Str(text)
	}
	return len(w.Buf)-len(`""`)*len(texts) <= room
}

func (c *SendGrid) call(ctx context.Context, messages []pipeline.Message, part []int, answers []pipeline.Answer) (refused bool, named []int) {
	body := c.buffers.get()
	defer body.release()
	c.encode(&body.Writer, messages, part)
	if len(body.Buf) > catalog.SendGridMessageBytes {
		if len(part) > 1 {
			return true, nil
		}
		answers[part[0]] = pipeline.Answer{Class: pipeline.Permanent, Reason: ReasonTooLarge, Error: "the mail is larger than SendGrid takes"}
		return false, nil
	}
	r := c.post(ctx, c.send, c.header, body, maxErrorBytes)
	defer r.release()
	if r.status == 0 {
		answerAll(answers, part, pipeline.Answer{Class: r.class, Error: r.words})
		return false, nil
	}
	var no sendGridErrors
	if r.status >= 300 {
		no = readSendGridErrors(r.body.Buf, len(part))
	}
	v := classifySendGrid(r.status, &no)
	if v.class == pipeline.Permanent && len(part) > 1 {
		return true, no.named
	}
	answerAll(answers, part, v.answer(wordsOf(r.status, no.field, no.message), retryAfter(r.header, "X-RateLimit-Reset")))
	return false, nil
}

// maxErrorBytes bounds what is read of an answer that is not a batch's.
const maxErrorBytes = 64 << 10

// encode writes the request of a part.
func (c *SendGrid) encode(w *jx.Writer, messages []pipeline.Message, part []int) {
	w.RawStr(`{"personalizations":[`)
	for at, i := range part {
		m := &messages[i]
		if at > 0 {
			w.Comma()
		}
		w.RawStr(`{"to":[{"email":`)
		w.Str(m.To)
		w.RawStr(`}],"subject":`)
		w.Str(m.Subject)
		if len(part) > 1 {
			w.RawStr(`,"substitutions":{"` + placeholder + `":`)
			w.Str(m.Body)
			w.RawStr(`}`)
		}
		w.RawStr(`,"custom_args":{"` + catalog.IDName + `":"`)
		w.Buf = m.ID.AppendTo(w.Buf)
		w.RawStr(`"`)
		if m.Ref != "" {
			w.RawStr(`,"` + catalog.RefName + `":`)
			w.Str(m.Ref)
		}
		w.RawStr(`}}`)
	}
	w.RawStr(`],"from":{"email":`)
	w.Raw(c.from)
	w.RawStr(`},"content":[{"type":"text/html","value":`)
	if len(part) > 1 {
		w.Str(placeholder)
	} else {
		w.Str(messages[part[0]].Body)
	}
	w.RawStr(`}]}`)
}

// sendGridErrors is what an answer of errors says.
type sendGridErrors struct {
	field   string // of the first error
	message []byte // of the first error
	named   []int  // places of the personalizations that errors are about
}

// readSendGridErrors reads {"errors": [{"message", "field", "help"}]} of a call
// of n messages, as far as it can be read.
func readSendGridErrors(body []byte, n int) sendGridErrors {
	var out sendGridErrors
	d := jx.DecodeBytes(body)
	// What is broken ends the reading: what was read before it stands.
	_ = d.ObjBytes(func(d *jx.Decoder, key []byte) error {
		if string(key) != "errors" || d.Next() != jx.Array {
			return d.Skip()
		}
		first := true
		return d.Arr(func(d *jx.Decoder) error {
			message, field, err := readSendGridError(d)
			if err != nil {
				return err
			}
			if first {
				out.message, out.field, first = message, string(field), false
			}
			if at, ok := personalizationOf(field); ok && at < n {
				out.name(at)
			}
			return nil
		})
	})
	return out
}

func (e *sendGridErrors) name(at int) {
	for _, known := range e.named {
		if known == at {
			return
		}
	}
	if len(e.named) <= maxNamed { // one more says that there were too many
		e.named = append(e.named, at)
	}
}

func readSendGridError(d *jx.Decoder) (message, field []byte, err error) {
	err = d.ObjBytes(func(d *jx.Decoder, key []byte) error {
		var err error
		switch {
		case d.Next() != jx.String:
			err = d.Skip()
		case string(key) == "message":
			message, err = d.StrAppend(nil)
		case string(key) == "field":
			field, err = d.StrAppend(nil)
		default:
			err = d.Skip()
		}
		return err
	})
	return message, field, err
}

// personalizationOf finds the place in a field such as
// "personalizations.3.to.0.email".
func personalizationOf(field []byte) (int, bool) {
	rest, ok := bytes.CutPrefix(field, []byte("personalizations."))
	if !ok {
		return 0, false
	}
	digits, _, _ := bytes.Cut(rest, []byte("."))
	at, err := strconv.ParseUint(string(digits), 10, 16)
	return int(at), err == nil
}

// classifySendGrid is the table of SendGrid's answers. Source: SendGrid API
// reference, "Mail Send: Errors" and "Responses".
func classifySendGrid(status int, no *sendGridErrors) verdict {
	switch status {
	case http.StatusBadRequest:
		switch {
		case no.message == nil: // a proxy's
			return other(pipeline.Transient)
		case strings.HasPrefix(no.field, "from"): // ours, of every message
			return other(pipeline.Transient)
		case strings.HasPrefix(no.field, "personalizations.") && strings.Contains(no.field, ".to"):
			return permanent(ReasonInvalidAddress)
		}
		return permanent(ReasonRejected)
	case http.StatusRequestEntityTooLarge:
		return permanent(ReasonTooLarge)
	}
	return byStatus(status)
}
