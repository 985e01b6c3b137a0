package mockproviders

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-faster/jx"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

// sendGridWire is POST /v3/mail/send: a personalization is an entry, and one
// bad personalization fails the whole request.
type sendGridWire struct{}

func (sendGridWire) provider() provider              { return sendGrid }
func (sendGridWire) maxBytes() int                   { return catalog.SendGridMessageBytes }
func (sendGridWire) wholesale() bool                 { return true }
func (sendGridWire) authorized(r *http.Request) bool { return bearer(r) }

// sendGridMail is what the rules ask of a request outside its personalizations.
type sendGridMail struct {
	from, subject, content, templated bool
	personalizations                  int
	subjects                          int // personalizations with one of their own
	recipients                        int
	names                             // custom arguments and template of the whole request
}

func (w sendGridWire) decode(c *call, _ *http.Request) *refusal {
	c.addresses.reset(catalog.SendGridPersonalizations)
	c.decoder.ResetBytes(c.body)
	var mail sendGridMail
	if err := w.readMail(c, &c.decoder, &mail); err != nil {
		return &refusal{status: http.StatusBadRequest, message: "Bad Request"}
	}
	return mail.check(c)
}

func (w sendGridWire) readMail(c *call, d *jx.Decoder, mail *sendGridMail) error {
	object, err := d.ObjIter()
	if err != nil {
		return err
	}
	for object.Next() {
		switch string(object.Key()) {
		case "personalizations":
			err = w.readPersonalizations(c, d, mail)
		case "from":
			var at span
			at, err = w.readAddress(c, d)
			mail.from = !at.empty()
		case "subject":
			mail.subject, err = readFilled(d)
		case "template_id":
			err = w.readTemplate(c, d, mail)
		case "content":
			mail.content, err = w.readContent(d)
		case "custom_args":
			var own names
			own, _, err = w.readCustomArgs(c, d)
			own.or(mail.names)
			mail.names = own
		default:
			err = d.Skip()
		}
		if err != nil {
			return err
		}
	}
	if err := object.Err(); err != nil {
		return err
	}
	return atEnd(d)
}

func (w sendGridWire) readPersonalizations(c *call, d *jx.Decoder, mail *sendGridMail) error {
	array, err := d.ArrIter()
	if err != nil {
		return err
	}
	for array.Next() {
		mail.personalizations++
		if mail.personalizations > catalog.SendGridPersonalizations {
			// Beyond the limit they are counted alone, for the answer says how
			// many there are.
			err = d.Skip()
		} else {
			err = w.readPersonalization(c, d, mail)
		}
		if err != nil {
			return err
		}
	}
	return array.Err()
}

func (w sendGridWire) readPersonalization(c *call, d *jx.Decoder, mail *sendGridMail) error {
	e := c.add()
	object, err := d.ObjIter()
	if err != nil {
		return err
	}
	for object.Next() {
		switch string(object.Key()) {
		case "to":
			err = w.readRecipients(c, d, mail, e, "to")
		case "cc":
			err = w.readRecipients(c, d, mail, e, "cc")
		case "bcc":
			err = w.readRecipients(c, d, mail, e, "bcc")
		case "subject":
			var filled bool
			if filled, err = readFilled(d); filled {
				mail.subjects++
			}
		case "custom_args":
			var size int
			e.names, size, err = w.readCustomArgs(c, d)
			if size >= catalog.SendGridCustomArgsBytes {
				e.refuse(&refusal{
					status: http.StatusBadRequest, field: "custom_args",
					message: "The custom_args must be less than 10,000 bytes in total.",
				})
			}
		case "substitutions":
			var raw jx.Raw
			raw, err = d.Raw()
			if len(raw) > catalog.SendGridSubstitutionBytes {
				e.refuse(&refusal{
					status: http.StatusBadRequest, field: "substitutions",
					message: "The substitutions are limited to 10,000 bytes per personalization object.",
				})
			}
		default:
			err = d.Skip()
		}
		if err != nil {
			return err
		}
	}
	if err := object.Err(); err != nil {
		return err
	}
	if e.to.empty() {
		e.refuse(&refusal{
			status: http.StatusBadRequest, field: "to",
			message: "The to array is required for all personalization objects, and must have at least one email object with a valid email address.",
		})
	}
	return nil
}

// readRecipients reads the addresses of one field of a personalization. The
// first "to" names the entry.
func (w sendGridWire) readRecipients(c *call, d *jx.Decoder, mail *sendGridMail, e *entry, field string) error {
	array, err := d.ArrIter()
	if err != nil {
		return err
	}
	for array.Next() {
		address, err := w.readAddress(c, d)
		if err != nil {
			return err
		}
		if mail.recipients++; mail.recipients > catalog.SendGridPersonalizations {
			continue // the whole request is refused for it
		}
		if !mailbox(c.str(address)) {
			e.refuse(&refusal{
				status: http.StatusBadRequest, field: field,
				message: "Does not contain a valid address.",
			})
		}
		if !c.addresses.add(c.text, address) {
			e.refuse(&refusal{
				status: http.StatusBadRequest, field: field,
				message: "Each unique email address in the personalizations array should only be included once.",
			})
		}
		if field == "to" && e.to.empty() {
			e.to = address
		}
	}
	return array.Err()
}

// readAddress reads {"email": ..., "name": ...}.
func (sendGridWire) readAddress(c *call, d *jx.Decoder) (span, error) {
	var address span
	object, err := d.ObjIter()
	if err != nil {
		return span{}, err
	}
	for object.Next() {
		if string(object.Key()) == "email" {
			address, err = c.keepStr(d)
		} else {
			err = d.Skip()
		}
		if err != nil {
			return span{}, err
		}
	}
	return address, object.Err()
}

// readContent says whether there is any content, each with a type and a value.
func (sendGridWire) readContent(d *jx.Decoder) (bool, error) {
	array, err := d.ArrIter()
	if err != nil {
		return false, err
	}
	filled := false
	for array.Next() {
		fields := 0
		object, err := d.ObjIter()
		if err != nil {
			return false, err
		}
		for object.Next() {
			has, err := readFilled(d)
			if err != nil {
				return false, err
			}
			if key := string(object.Key()); has && (key == "type" || key == "value") {
				fields++
			}
		}
		if err := object.Err(); err != nil {
			return false, err
		}
		filled = fields == 2
	}
	return filled, array.Err()
}

// readTemplate reads the id of the template of all personalizations. It is
// their template's name where the custom arguments give none.
func (sendGridWire) readTemplate(c *call, d *jx.Decoder, mail *sendGridMail) error {
	if d.Next() != jx.String {
		return d.Skip()
	}
	id, err := c.keepStr(d)
	mail.templated = !id.empty()
	mail.or(names{template: id})
	return err
}

// readCustomArgs finds our names among the custom arguments, and gives the
// bytes that all take.
func (sendGridWire) readCustomArgs(c *call, d *jx.Decoder) (n names, size int, err error) {
	raw, err := d.Raw()
	if err != nil {
		return n, 0, err
	}
	c.inner.ResetBytes(raw)
	n, err = readNames(c, &c.inner)
	return n, len(raw), err
}

// check holds the request against the rules that concern all of it.
func (m *sendGridMail) check(c *call) *refusal {
	bad := func(field, message string) *refusal {
		return &refusal{status: http.StatusBadRequest, field: field, message: message}
	}
	switch {
	case len(c.entries) == 0:
		return bad("personalizations", "You must have at least one personalization.")
	case m.personalizations > catalog.SendGridPersonalizations:
		return bad("personalizations", fmt.Sprintf("The personalization block is limited to %d personalizations per API request. You have provided %d personalizations.", catalog.SendGridPersonalizations, m.personalizations))
	case m.recipients > catalog.SendGridPersonalizations:
		return bad("personalizations", fmt.Sprintf("There is a limit of %d total recipients (to + cc + bcc) per request.", catalog.SendGridPersonalizations))
	case !m.from:
		return bad("from.email", "The from email does not contain a valid address.")
	case !m.subject && !m.templated && m.subjects < len(c.entries):
		return bad("subject", "The subject is required. You can get around this requirement if you use a template with a subject defined or if every personalization has a subject defined.")
	case !m.content && !m.templated:
		return bad("content", "Unless a valid template_id is provided, the content parameter is required.")
	}
	for i := range c.entries {
		c.entries[i].or(m.names)
	}
	return nil
}

func (w sendGridWire) answer(c *call) {
	c.status = http.StatusAccepted
	c.setHeader("X-Message-Id", string(appendSerial(nil, c.serial)))
	w.appendAllowance(c)
}

// appendAllowance adds the headers that tell of the limit of calls, where there
// is one.
func (sendGridWire) appendAllowance(c *call) {
	a := &c.allowance
	if a.limit == 0 {
		return
	}
	c.setHeader("X-RateLimit-Limit", strconv.FormatInt(int64(a.limit), 10))
	c.setHeader("X-RateLimit-Remaining", strconv.FormatInt(int64(a.remaining), 10))
	c.setHeader("X-RateLimit-Reset", strconv.FormatInt(c.at.Add(a.reset+time.Second-1).Unix(), 10))
}

// maxSendGridErrors bounds the list of errors in an answer.
const maxSendGridErrors = 100

func (w sendGridWire) refuse(c *call, no *refusal) {
	c.status, c.contentType = no.status, "application/json"
	c.out.RawStr(`{"errors":[`)
	if listed := w.appendFaulty(c, no); listed == 0 {
		w.appendError(c, no, no.field)
	}
	c.out.RawStr(`]}`)
	if no.status == http.StatusTooManyRequests && c.allowance.limit == 0 {
		c.allowance = allowance{limit: catalog.SendGridCallsPerMinute, reset: no.retryAfter}
	}
	w.appendAllowance(c)
}

// appendFaulty lists the personalizations at fault, when no is the refusal of
// one of them, and gives their number. Those refused with another status than
// the answer's are left out, and so are those without a field: what SendGrid
// says of a quota or of itself concerns the request.
func (w sendGridWire) appendFaulty(c *call, no *refusal) (listed int) {
	for i := range c.entries {
		own := c.entries[i].refused
		if own == nil || listed == 0 && own != no || own.status != no.status || own.field == "" {
			continue
		}
		if listed == maxSendGridErrors {
			break
		}
		if listed > 0 {
			c.out.Comma()
		}
		w.appendError(c, own, "personalizations."+strconv.Itoa(i)+"."+own.field)
		listed++
	}
	return listed
}

func (sendGridWire) appendError(c *call, no *refusal, field string) {
	c.out.RawStr(`{"message":`)
	c.out.Str(no.message)
	c.out.RawStr(`,"field":`)
	if field == "" {
		c.out.Null()
	} else {
		c.out.Str(field)
	}
	c.out.RawStr(`,"help":null}`)
}

func (sendGridWire) refusal(status int, code string) *refusal {
	no := &refusal{status: status, code: code}
	switch status {
	case http.StatusBadRequest:
		no.field, no.message = "to", "Does not contain a valid address."
	case http.StatusUnauthorized:
		no.message = "The provided authorization grant is invalid, expired, or revoked"
	case http.StatusForbidden:
		no.message = "The from address does not match a verified Sender Identity."
		no.field = "from"
	case http.StatusRequestEntityTooLarge:
		no.message = "The payload is too large."
	case http.StatusTooManyRequests:
		no.message = "too many requests"
	default:
		no.message = http.StatusText(status)
	}
	return no
}

// account is the owner of the API key.
func (sendGridWire) account(_ *call, r *http.Request) string { return r.Header.Get("Authorization") }
func (sendGridWire) units(*call, *entry) int                 { return 1 }

func (w sendGridWire) limited(reached limitKind, wait time.Duration) *refusal {
	if reached == dailyLimit { // the credits of a plan
		return &refusal{status: http.StatusUnauthorized, message: "Maximum credits exceeded"}
	}
	no := w.refusal(http.StatusTooManyRequests, "")
	no.retryAfter = wait
	return no
}
