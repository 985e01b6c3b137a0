package mockproviders

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/mail"
	"strings"
	"time"

	"github.com/go-faster/jx"

	"github.com/notifyctl/notifyctl/planner/catalog"
)

// sesWire is POST /v2/email/outbound-emails, SendEmail of the SES API v2: one
// message to up to 50 recipients, which is one entry.
type sesWire struct{}

func (sesWire) provider() provider              { return ses }
func (sesWire) maxBytes() int                   { return catalog.SESMessageBytes }
func (sesWire) wholesale() bool                 { return true }
func (sesWire) authorized(r *http.Request) bool { return signedByAWS(r) }

// signedByAWS says whether the request carries a signature of version 4, in the
// form of any. It is not verified: the mocks know no secrets.
func signedByAWS(r *http.Request) bool {
	scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return scheme == "AWS4-HMAC-SHA256" && strings.Contains(rest, "Credential=") && strings.Contains(rest, "Signature=")
}

func (w sesWire) decode(c *call, _ *http.Request) *refusal {
	d := &c.decoder
	d.ResetBytes(c.body)
	var m sesMessage
	e := c.add()
	err := readObject(d, func(key string) (err error) {
		switch key {
		case "FromEmailAddress":
			m.from, err = readFilled(d)
		case "Destination":
			err = m.readDestination(c, d, e)
		case "Content":
			err = m.readContent(c, d, e)
		case "EmailTags":
			err = m.readTags(c, d, &e.names)
		default:
			err = d.Skip()
		}
		return err
	})
	if err != nil || atEnd(d) != nil {
		return sesMalformed()
	}
	e.refused = m.check(c, e)
	return nil
}

func sesMalformed() *refusal {
	return &refusal{status: http.StatusBadRequest, code: "SerializationException", message: "The request is not the JSON of this operation."}
}

func sesInvalid(message string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: "BadRequestException", message: message}
}

// sesMessage is what the rules ask of one message.
type sesMessage struct {
	from     bool
	contents int  // of Simple, Raw and Template: exactly one
	badTag   span // a tag that cannot be one
	cut      bool // an address lacks its domain
	illegal  bool // an address breaks a rule
}

// readDestination counts the recipients, and has the first one name the entry.
func (m *sesMessage) readDestination(c *call, d *jx.Decoder, e *entry) error {
	return readObject(d, func(key string) error {
		if key != "ToAddresses" && key != "CcAddresses" && key != "BccAddresses" {
			return d.Skip()
		}
		return readArray(d, func() error {
			if e.recipients >= catalog.SESRecipients { // one more is enough to refuse it
				e.recipients = catalog.SESRecipients + 1
				return d.Skip()
			}
			address, err := c.keepStr(d)
			m.addRecipient(c, e, address)
			return err
		})
	})
}

// addRecipient counts a recipient of a message.
func (m *sesMessage) addRecipient(c *call, e *entry, address span) {
	e.recipients++
	bare := bareAddress(c.str(address))
	m.cut = m.cut || bytes.IndexByte(bare, '@') < 0
	m.illegal = m.illegal || !mailbox(bare)
	what, simulated := simulate(bare)
	if simulated {
		e.simulated++
	}
	if e.event == noEvent {
		e.event = what
	}
	if e.to.empty() {
		e.to = c.keep(bare)
	}
}

// bareAddress takes the address from between angle brackets, where there are
// any, as in "Ada <ada@example.com>".
func bareAddress(address []byte) []byte {
	if from := bytes.LastIndexByte(address, '<'); from >= 0 && bytes.HasSuffix(address, []byte(">")) {
		return address[from+1 : len(address)-1]
	}
	return address
}

// simulate says what follows a message to an address of the mailbox simulator.
// A label after the name, as in bounce+label@, changes nothing.
func simulate(address []byte) (what event, ok bool) {
	local, domain, ok := bytes.Cut(address, []byte("@"))
	if !ok || !strings.EqualFold(string(domain), catalog.SESSimulator) {
		return noEvent, false
	}
	local, _, _ = bytes.Cut(local, []byte("+"))
	switch strings.ToLower(string(local)) {
	case "bounce":
		return bounced, true
	case "complaint":
		return complained, true
	case "suppressionlist":
		return suppressed, true
	case "ooto":
		return outOfOffice, true
	}
	return noEvent, true
}

func (m *sesMessage) readContent(c *call, d *jx.Decoder, e *entry) error {
	return readObject(d, func(key string) error {
		if d.Next() != jx.Object { // a union's other members may stand there as null
			return d.Skip()
		}
		switch key {
		case "Simple":
			m.contents++
			return d.Skip()
		case "Raw":
			m.contents++
			return m.readRaw(c, d, e)
		case "Template":
			m.contents++
			return m.readTemplate(c, d, &e.names)
		}
		return d.Skip()
	})
}

// readTemplate finds a template's name.
func (m *sesMessage) readTemplate(c *call, d *jx.Decoder, n *names) error {
	return readObject(d, func(key string) (err error) {
		if key != "TemplateName" || d.Next() != jx.String {
			return d.Skip()
		}
		n.template, err = c.keepStr(d)
		return err
	})
}

// readRaw takes the recipients from the header of a message in MIME, where the
// request itself names none.
func (m *sesMessage) readRaw(c *call, d *jx.Decoder, e *entry) error {
	return readObject(d, func(key string) error {
		if key != "Data" || d.Next() != jx.String {
			return d.Skip()
		}
		text, err := d.StrBytes()
		if err != nil || e.recipients > 0 {
			return err
		}
		message, err := mail.ReadMessage(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(text)))
		if err != nil {
			return nil // without recipients it is refused
		}
		m.from = m.from || message.Header.Get("From") != ""
		for _, field := range []string{"To", "Cc", "Bcc"} {
			addresses, _ := message.Header.AddressList(field)
			for _, address := range addresses[:min(len(addresses), catalog.SESRecipients+1)] {
				m.addRecipient(c, e, c.keep([]byte(address.Address)))
			}
		}
		return nil
	})
}

// readTags finds our names among the tags of a message.
func (m *sesMessage) readTags(c *call, d *jx.Decoder, n *names) error {
	return readArray(d, func() error {
		var name, value span
		err := readObject(d, func(key string) (err error) {
			switch key {
			case "Name":
				name, err = c.keepStr(d)
			case "Value":
				value, err = c.keepStr(d)
			default:
				err = d.Skip()
			}
			return err
		})
		for _, part := range []span{name, value} {
			if m.badTag.empty() && !validTag(c.str(part)) {
				m.badTag = part
			}
		}
		n.set(c.str(name), value)
		return err
	})
}

// validTag says whether a tag's name or value is spelt as SES takes it. An empty
// one is left to the check of what must be there.
func validTag(text []byte) bool {
	return len(text) <= catalog.SESTagBytes && spelledWith(text, "_-.@")
}

func (m *sesMessage) check(c *call, e *entry) *refusal {
	switch {
	case m.contents != 1:
		return sesInvalid("Exactly one of Simple, Raw and Template is required in Content.")
	case !m.from:
		return sesInvalid("FromEmailAddress is required.")
	}
	return m.checkDestination(c, e)
}

// checkDestination holds recipients and tags against the rules.
func (m *sesMessage) checkDestination(c *call, e *entry) *refusal {
	switch {
	case e.recipients == 0:
		return sesInvalid("Destination has no recipient.")
	case e.recipients > catalog.SESRecipients:
		return sesInvalid("Recipient count exceeds 50.")
	case m.cut:
		return sesInvalid("Missing final '@domain'")
	case m.illegal:
		return sesInvalid("Illegal address")
	case !m.badTag.empty():
		return m.badTagRefusal(c)
	}
	return nil
}

func (m *sesMessage) badTagRefusal(c *call) *refusal {
	return sesInvalid("Invalid tag value <" + string(c.str(m.badTag)) + ">, only alphanumeric ASCII characters, '_', '-', '.' and '@' are allowed.")
}

func (w sesWire) answer(c *call) {
	w.begin(c, http.StatusOK)
	c.out.RawStr(`{"MessageId":"`)
	appendSESMessageID(&c.out, c.serial)
	c.out.RawStr(`"}`)
}

// begin sets what all answers have.
func (sesWire) begin(c *call, status int) {
	c.status, c.contentType = status, "application/json"
	c.setHeader("X-Amzn-Requestid", string(appendUUID(nil, mix(uint64(c.at.UnixNano())))))
}

// appendSESMessageID writes an id in the form of SES's: a stamp and a UUID.
func appendSESMessageID(out *jx.Writer, serial uint64) {
	out.Buf = appendHex(out.Buf, mix(^serial))
	out.RawStr("-")
	out.Buf = appendUUID(out.Buf, serial)
	out.RawStr("-000000")
}

func (w sesWire) refuse(c *call, no *refusal) {
	w.begin(c, no.status)
	c.setHeader("X-Amzn-Errortype", no.code)
	c.out.RawStr(`{"message":`)
	c.out.Str(no.message)
	c.out.RawStr(`}`)
}

func (sesWire) refusal(status int, code string) *refusal { return sesRefusal(status, code) }

func sesRefusal(status int, code string) *refusal {
	no := &refusal{status: status, message: http.StatusText(status)}
	switch status {
	case http.StatusBadRequest:
		no.code, no.message = "MessageRejected", "Email address is not verified."
	case http.StatusUnauthorized: // what other services answer 401 to
		no.status, no.code, no.message = http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token"
	case http.StatusForbidden:
		no.code, no.message = "AccessDeniedException", "User is not authorized to perform this operation."
	case http.StatusNotFound:
		no.code, no.message = "NotFoundException", "Template does not exist."
	case http.StatusRequestEntityTooLarge:
		no.code, no.message = "RequestEntityTooLargeException", "Message length is more than 41943040 bytes long."
	case http.StatusTooManyRequests:
		no.code, no.message = "TooManyRequestsException", "Maximum sending rate exceeded."
	case http.StatusInternalServerError:
		no.code, no.message = "InternalServiceErrorException", "An internal error occurred."
	case http.StatusServiceUnavailable:
		no.code = "ServiceUnavailableException"
	default:
		no.code = "UnknownError"
	}
	if code != "" {
		no.code = code
	}
	return no
}

// account is the owner of the access key.
func (sesWire) account(_ *call, r *http.Request) string { return accessKey(r) }

// accessKey is the id of the key that signed the request.
func accessKey(r *http.Request) string {
	_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	key, _, _ := strings.Cut(credential, "/")
	return key
}

func (sesWire) units(_ *call, e *entry) int { return int(e.recipients) }

func (sesWire) limited(reached limitKind, _ time.Duration) *refusal {
	no := sesRefusal(http.StatusTooManyRequests, "")
	if reached == dailyLimit {
		no.message = "Daily message quota exceeded."
	}
	return no
}
