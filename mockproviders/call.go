package mockproviders

import (
	"net/http"
	"sync"
	"time"

	"github.com/go-faster/jx"
)

// call is one request on its way through a mock. Calls are pooled: at full rate
// the mocks share their machine with the system under test, so a notification
// must not cost an allocation here.
type call struct {
	body    []byte  // the request's
	text    []byte  // holds the strings of the entries
	entries []entry // the notifications that the request carries
	scope   span    // what the wire needs of the request for its answer: FCM's project, Twilio's account
	sender  span    // Twilio's From
	service span    // Twilio's MessagingServiceSid

	// The answer.
	status      int
	contentType string
	out         jx.Writer
	header      http.Header // further headers, nil for most answers

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
	to, id, ref span
	body        span     // Twilio's text
	label       span     // the Content-ID of an FCM batch's part
	refused     *refusal // why it alone is not accepted
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

// setHeader adds a header to the answer.
func (c *call) setHeader(name, value string) {
	if c.header == nil {
		c.header = make(http.Header, 4)
	}
	c.header.Set(name, value)
}
