package mockproviders

import (
	"net/http"
	"sync"
	"time"

	"github.com/go-faster/jx"

	"github.com/notifyctl/notifyctl/planner/catalog"
)

// call is one request on its way through a mock. Calls are pooled: at full rate
// the mocks share their machine with the system under test, so a notification
// must not cost an allocation here.
type call struct {
	body    []byte  // the request's
	text    []byte  // holds the strings of the entries
	entries []entry // the notifications that the request carries
	scope   span    // what the wire needs of the request for its answer: FCM's project, Twilio's account, APNs' message id
	sender  span    // Twilio's From
	key     span    // Vonage's api_key
	service span    // Twilio's MessagingServiceSid

	// The answer.
	status      int
	contentType string
	out         jx.Writer
	header      http.Header // further headers, nil for most answers
	allowance   allowance   // of calls, where they are limited

	at        time.Time // when the request was read
	serial    uint64    // of the first entry; the entries' serials are consecutive
	decoder   jx.Decoder
	inner     jx.Decoder
	addresses addressSet
}

// span is a part of a call's text.
type span struct{ from, to uint32 }

func (s span) empty() bool { return s.from == s.to }

// entry is one notification of a call.
type entry struct {
	names
	to         span
	body       span     // Twilio's and Vonage's text
	label      span     // what the answer gives back: the Content-ID of an FCM batch's part, Vonage's client-ref
	refused    *refusal // why it alone is not accepted
	recipients uint32   // of an e-mail through SES, of which
	simulated  uint32   // are the mailbox simulator's
	event      event    // what follows its acceptance
}

// names are what a notification goes by.
type names struct {
	id, ref  span
	template span // the provider's own template, or the one named beside our id
}

// or takes from others what n lacks.
func (n *names) or(others names) {
	if n.id.empty() {
		n.id = others.id
	}
	if n.ref.empty() {
		n.ref = others.ref
	}
	if n.template.empty() {
		n.template = others.template
	}
}

// set keeps a value under its name.
func (n *names) set(name []byte, value span) {
	switch string(name) {
	case catalog.IDName:
		n.id = value
	case catalog.RefName:
		n.ref = value
	case catalog.TemplateName:
		n.template = value
	}
}

// ours says whether a name is one that ours travel under.
func ours(name []byte) bool {
	switch string(name) {
	case catalog.IDName, catalog.RefName, catalog.TemplateName:
		return true
	}
	return false
}

// refusal is a provider's no, to a call or to one entry of it.
type refusal struct {
	status     int
	code       string // the provider's own word or number for it
	message    string
	field      string // SendGrid's, below the entry when it is an entry's
	retryAfter time.Duration
}

// maxPooledBytes is the largest buffer that a pooled call keeps: some batches
// are much larger than most, and must not stay in memory for ever.
const maxPooledBytes = 1 << 20

type callPool struct{ pool sync.Pool }

func (p *callPool) get() *call {
	c, ok := p.pool.Get().(*call)
	if !ok {
		c = &call{}
	}
	return c
}

func (p *callPool) put(c *call) {
	if cap(c.body) > maxPooledBytes || cap(c.text) > maxPooledBytes || cap(c.out.Buf) > maxPooledBytes {
		return
	}
	c.out.Reset()
	clear(c.entries)
	*c = call{
		body: c.body[:0], text: c.text[:0], entries: c.entries[:0],
		out: c.out, decoder: c.decoder, inner: c.inner, addresses: c.addresses,
	}
	p.pool.Put(c)
}

// str is the text of a span.
func (c *call) str(s span) []byte { return c.text[s.from:s.to] }

// keep copies bytes into the call's text.
func (c *call) keep(b []byte) span {
	from := len(c.text)
	c.text = append(c.text, b...)
	return span{uint32(from), uint32(len(c.text))}
}

// keepStr decodes a JSON string into the call's text.
func (c *call) keepStr(d *jx.Decoder) (span, error) {
	from := len(c.text)
	text, err := d.StrAppend(c.text)
	if err != nil {
		return span{}, err
	}
	c.text = text
	return span{uint32(from), uint32(len(c.text))}, nil
}

// add appends an entry and returns it; the pointer holds until the next add.
func (c *call) add() *entry {
	c.entries = append(c.entries, entry{})
	return &c.entries[len(c.entries)-1]
}

// firstRefusal is the first entry's that has one, or nil.
func (c *call) firstRefusal() *refusal {
	for i := range c.entries {
		if no := c.entries[i].refused; no != nil {
			return no
		}
	}
	return nil
}

// refuse gives the entry's refusal, if it has none yet.
func (e *entry) refuse(no *refusal) {
	if e.refused == nil {
		e.refused = no
	}
}

// setHeader adds a header to the answer.
func (c *call) setHeader(name, value string) {
	if c.header == nil {
		c.header = make(http.Header, 4)
	}
	c.header.Set(name, value)
}
