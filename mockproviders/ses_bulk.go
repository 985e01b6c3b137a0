package mockproviders

import (
	"net/http"
	"time"

	"github.com/go-faster/jx"

	"github.com/notifyctl/notifyctl/planner/catalog"
)

// sesBulkWire is POST /v2/email/outbound-bulk-emails, SendBulkEmail of the SES
// API v2: one template to up to 50 destinations, each of which is an entry with
// a result of its own. The call is answered 200 whatever became of them.
type sesBulkWire struct{ sesWire }

func (sesBulkWire) wholesale() bool { return false }

// sesBulk is what the rules ask of the request outside its entries.
type sesBulk struct {
	sesMessage
	names // the default tags
}

func (w sesBulkWire) decode(c *call, _ *http.Request) *refusal {
	d := &c.decoder
	d.ResetBytes(c.body)
	var bulk sesBulk
	err := readObject(d, func(key string) (err error) {
		switch key {
		case "FromEmailAddress":
			bulk.from, err = readFilled(d)
		case "DefaultContent":
			err = bulk.readDefaultContent(c, d)
		case "DefaultEmailTags":
			template := bulk.template
			err = bulk.readTags(c, d, &bulk.names)
			bulk.or(names{template: template})
		case "BulkEmailEntries":
			err = readArray(d, func() error { return w.readEntry(c, d) })
		default:
			err = d.Skip()
		}
		return err
	})
	switch {
	case err != nil || atEnd(d) != nil:
		return sesMalformed()
	case len(c.entries) == 0:
		return sesInvalid("BulkEmailEntries has no entry.")
	case len(c.entries) > catalog.SESDestinations:
		return sesInvalid("BulkEmailEntries has more than 50 entries.")
	case !bulk.from:
		return sesInvalid("FromEmailAddress is required.")
	case bulk.contents != 1:
		return sesInvalid("DefaultContent needs a Template.")
	case !bulk.badTag.empty():
		return bulk.badTagRefusal(c)
	}
	for i := range c.entries {
		c.entries[i].or(bulk.names)
	}
	return nil
}

func (b *sesBulk) readDefaultContent(c *call, d *jx.Decoder) error {
	return readObject(d, func(key string) error {
		if key != "Template" || d.Next() != jx.Object {
			return d.Skip()
		}
		b.contents++
		return b.readTemplate(c, d, &b.names)
	})
}

// readEntry reads one destination with its tags.
func (sesBulkWire) readEntry(c *call, d *jx.Decoder) error {
	if len(c.entries) > catalog.SESDestinations { // one more than a call takes is enough to refuse it
		return d.Skip()
	}
	e := c.add()
	var m sesMessage
	err := readObject(d, func(key string) error {
		switch key {
		case "Destination":
			return m.readDestination(c, d, e)
		case "ReplacementTags":
			return m.readTags(c, d, &e.names)
		}
		return d.Skip()
	})
	e.refused = m.checkDestination(c, e)
	return err
}

func (w sesBulkWire) answer(c *call) {
	w.begin(c, http.StatusOK)
	c.out.RawStr(`{"BulkEmailEntryResults":[`)
	for i := range c.entries {
		if i > 0 {
			c.out.Comma()
		}
		if no := c.entries[i].refused; no != nil {
			c.out.RawStr(`{"Status":`)
			c.out.Str(bulkStatus(no))
			c.out.RawStr(`,"Error":`)
			c.out.Str(no.message)
			c.out.RawStr(`}`)
			continue
		}
		c.out.RawStr(`{"Status":"SUCCESS","MessageId":"`)
		appendSESMessageID(&c.out, c.serial+uint64(i))
		c.out.RawStr(`"}`)
	}
	c.out.RawStr(`]}`)
}

// bulkStatus is the status of an entry's result for what a call of one message
// answers with an error. A code that is no exception's is a status already.
// Source: Amazon SES API v2 reference, BulkEmailEntryResult.
func bulkStatus(no *refusal) string {
	switch no.code {
	case "BadRequestException":
		return "INVALID_PARAMETER"
	case "MessageRejected":
		return "MESSAGE_REJECTED"
	case "NotFoundException":
		return "TEMPLATE_NOT_FOUND"
	case "TooManyRequestsException":
		return "ACCOUNT_THROTTLED"
	case "AccessDeniedException", "RequestEntityTooLargeException", "MissingAuthenticationTokenException", "UnknownError":
		return "FAILED"
	case "InternalServiceErrorException", "ServiceUnavailableException":
		return "TRANSIENT_FAILURE"
	}
	return no.code
}

func (w sesBulkWire) limited(reached limitKind, wait time.Duration) *refusal {
	no := w.sesWire.limited(reached, wait)
	if reached == dailyLimit {
		no.code = "ACCOUNT_DAILY_QUOTA_EXCEEDED"
	}
	return no
}
