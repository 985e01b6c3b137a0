package mockproviders

import (
	"bytes"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-faster/jx"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

// twilioWire is POST /2010-04-01/Accounts/{account}/Messages.json: a form of
// one message.
type twilioWire struct{}

func (twilioWire) provider() provider              { return twilio }
func (twilioWire) maxBytes() int                   { return 64 << 10 }
func (twilioWire) wholesale() bool                 { return true }
func (twilioWire) authorized(r *http.Request) bool { return basic(r) }

func (twilioWire) decode(c *call, r *http.Request) *refusal {
	c.scope = c.keep([]byte(r.PathValue("account")))
	e := c.add()
	var content span
	media := false
	for form := c.body; len(form) > 0; {
		var p pair
		p, form = nextPair(form)
		switch string(p.name) {
		case "To":
			e.to = c.keepUnescaped(p.value)
		case "From":
			c.sender = c.keepUnescaped(p.value)
		case "MessagingServiceSid":
			c.service = c.keepUnescaped(p.value)
		case "Body":
			e.body = c.keepUnescaped(p.value)
		case "MediaUrl":
			media = len(p.value) > 0
		case "ContentSid": // a template, which holds the text
			content = c.keepUnescaped(p.value)
		case "StatusCallback":
			readCallback(c, e, c.keepUnescaped(p.value))
		}
	}
	e.or(names{template: content})
	e.refused = checkTwilio(c, e, media || !content.empty())
	return nil
}

// readCallback finds our names in the query of a StatusCallback.
func readCallback(c *call, e *entry, callback span) {
	_, query, _ := bytes.Cut(c.str(callback), []byte("?"))
	query, _, _ = bytes.Cut(query, []byte("#"))
	for len(query) > 0 {
		var p pair
		p, query = nextPair(query)
		if ours(p.name) {
			e.set(p.name, c.keepUnescaped(p.value))
		}
	}
}

// checkTwilio holds one message against the rules. Source of codes and words:
// Twilio's error dictionary.
func checkTwilio(c *call, e *entry, textless bool) *refusal {
	no := func(code, message string) *refusal {
		return &refusal{status: http.StatusBadRequest, code: code, message: message}
	}
	switch {
	case e.to.empty():
		return no("21604", "A 'To' phone number is required.")
	case !dialable(c.str(e.to)):
		return no("21211", "Invalid 'To' Phone Number: "+string(c.str(e.to)))
	case c.sender.empty() && c.service.empty():
		return no("21603", "A 'From' phone number is required.")
	case e.body.empty() && !textless:
		return no("21602", "Message body is required.")
	case utf8.RuneCount(c.str(e.body)) > catalog.TwilioBodyCharacters:
		return no("21617", "The concatenated message body exceeds the 1600 character limit.")
	}
	return nil
}

// dialable says whether a recipient is an E.164 number, or an address of
// another service behind its name, as in "whatsapp:+15005550006".
func dialable(to []byte) bool {
	if at := bytes.IndexByte(to, ':'); at > 0 {
		return len(to) > at+1
	}
	digits, ok := bytes.CutPrefix(to, []byte("+"))
	if !ok || len(digits) < 7 || len(digits) > 15 || digits[0] == '0' {
		return false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func (twilioWire) answer(c *call) {
	c.status, c.contentType = http.StatusCreated, "application/json"
	e := &c.entries[0]
	out := &c.out
	sid := string(appendSerial([]byte("SM"), c.serial))
	uri := "/2010-04-01/Accounts/" + string(c.str(c.scope)) + "/Messages/" + sid
	body := string(c.str(e.body))
	out.RawStr(`{"account_sid":`)
	out.ByteStr(c.str(c.scope))
	out.RawStr(`,"api_version":"2010-04-01","body":`)
	out.Str(body)
	date := c.at.UTC().Format(time.RFC1123Z)
	out.RawStr(`,"date_created":"` + date + `","date_sent":null,"date_updated":"` + date)
	out.RawStr(`","direction":"outbound-api","error_code":null,"error_message":null,"from":`)
	nullable(out, c.str(c.sender))
	out.RawStr(`,"messaging_service_sid":`)
	nullable(out, c.str(c.service))
	out.RawStr(`,"num_media":"0","num_segments":"`)
	out.Int(catalog.Segments(body))
	out.RawStr(`","price":null,"price_unit":"USD","sid":"`)
	out.RawStr(sid)
	out.RawStr(`","status":"queued","subresource_uris":{"media":`)
	out.Str(uri + "/Media.json")
	out.RawStr(`},"to":`)
	out.ByteStr(c.str(e.to))
	out.RawStr(`,"uri":`)
	out.Str(uri + ".json")
	out.RawStr(`}`)
}

func nullable(out *jx.Writer, value []byte) {
	if len(value) == 0 {
		out.Null()
		return
	}
	out.ByteStr(value)
}

func (twilioWire) refuse(c *call, no *refusal) {
	c.status, c.contentType = no.status, "application/json"
	appendTwilioError(&c.out, no)
}

func appendTwilioError(out *jx.Writer, no *refusal) {
	code := no.code
	if _, err := strconv.ParseUint(code, 10, 32); err != nil {
		code = "20500"
	}
	out.RawStr(`{"code":` + code + `,"message":`)
	out.Str(no.message)
	out.RawStr(`,"more_info":"https://www.twilio.com/docs/errors/` + code + `","status":`)
	out.Int(no.status)
	out.RawStr(`}`)
}

func (twilioWire) refusal(status int, code string) *refusal { return twilioRefusal(status, code) }

func twilioRefusal(status int, code string) *refusal {
	no := &refusal{status: status, code: code, message: http.StatusText(status)}
	usual := ""
	switch status {
	case http.StatusBadRequest:
		usual, no.message = "21610", "Attempt to send to unsubscribed recipient"
	case http.StatusUnauthorized:
		usual, no.message = "20003", "Authenticate"
	case http.StatusForbidden:
		usual, no.message = "20403", "Forbidden"
	case http.StatusTooManyRequests:
		usual, no.message = "20429", "Too Many Requests"
	case http.StatusServiceUnavailable:
		usual = "20503"
	default:
		usual = "20500"
	}
	if code == "" {
		no.code = usual
	}
	return no
}

// account is the sender: a number, or else a messaging service, of which the
// mocks take all numbers for one.
func (twilioWire) account(c *call, _ *http.Request) string {
	if c.sender.empty() {
		return string(c.str(c.service))
	}
	return string(c.str(c.sender))
}

// units are segments.
func (twilioWire) units(c *call, e *entry) int { return catalog.Segments(string(c.str(e.body))) }

// limited: a sender's messages queue at Twilio until its queue is full. The
// real one tells a call through a messaging service of it later, by error 30001
// of the message.
func (twilioWire) limited(reached limitKind, wait time.Duration) *refusal {
	no := twilioRefusal(http.StatusTooManyRequests, "")
	if reached == messageLimit || reached == dailyLimit {
		no.code, no.message = "21611", "This 'From' number has exceeded the maximum number of queued messages"
	}
	no.retryAfter = wait
	return no
}
