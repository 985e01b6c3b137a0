package mockproviders

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-faster/jx"

	"github.com/notifyctl/notifyctl/planner/catalog"
)

// apnsWire is POST /3/device/{token}: one notification to one device, over
// HTTP/2 alone. Source of rules and reasons: Apple, "Sending notification
// requests to APNs" and "Handling notification responses from APNs".
type apnsWire struct{}

func (apnsWire) provider() provider              { return apns }
func (apnsWire) maxBytes() int                   { return catalog.APNsVoIPPayloadBytes }
func (apnsWire) wholesale() bool                 { return true }
func (apnsWire) authorized(r *http.Request) bool { return bearer(r) }

func (w apnsWire) decode(c *call, r *http.Request) *refusal {
	if r.ProtoMajor < 2 { // where the real one breaks the connection
		return &refusal{status: http.StatusHTTPVersionNotSupported, code: "HTTP2Required"}
	}
	if no := w.readHeader(c, r.Header); no != nil {
		return no
	}
	token := r.PathValue("token")
	e := c.add()
	e.to = c.keep([]byte(token))
	limit := catalog.APNsPayloadBytes
	if r.Header.Get("Apns-Push-Type") == "voip" {
		limit = catalog.APNsVoIPPayloadBytes
	}
	switch {
	case !deviceToken(token):
		return apnsInvalid("BadDeviceToken")
	case len(c.body) == 0:
		return apnsInvalid("PayloadEmpty")
	case len(c.body) > limit:
		return w.refusal(http.StatusRequestEntityTooLarge, "")
	}
	c.decoder.ResetBytes(c.body)
	n, err := readNames(c, &c.decoder)
	if err != nil || atEnd(&c.decoder) != nil {
		return apnsInvalid("PayloadEmpty") // what is no JSON object holds no payload
	}
	e.names = n
	return nil
}

func apnsInvalid(reason string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: reason}
}

// readHeader keeps the notification's id and holds the header against the
// rules.
func (apnsWire) readHeader(c *call, header http.Header) *refusal {
	if id := header.Get("Apns-Id"); id != "" {
		if !canonicalUUID(id) {
			return apnsInvalid("BadMessageId")
		}
		c.scope = c.keep([]byte(id))
	}
	kind, priority := header.Get("Apns-Push-Type"), header.Get("Apns-Priority")
	switch {
	case repeated(header):
		return apnsInvalid("DuplicateHeaders")
	case header.Get("Apns-Topic") == "":
		return apnsInvalid("MissingTopic")
	case strings.ContainsAny(header.Get("Apns-Topic"), " /"):
		return apnsInvalid("BadTopic")
	case kind != "" && !slices.Contains(apnsPushTypes(), kind):
		return apnsInvalid("InvalidPushType")
	case priority != "" && priority != "10" && priority != "5" && priority != "1":
		return apnsInvalid("BadPriority")
	case priority == "10" && kind == "background": // "using priority 10 is an error"
		return apnsInvalid("BadPriority")
	case len(header.Get("Apns-Collapse-Id")) > catalog.APNsCollapseIDBytes:
		return apnsInvalid("BadCollapseId")
	}
	if expiration := header.Get("Apns-Expiration"); expiration != "" {
		if _, err := strconv.ParseUint(expiration, 10, 63); err != nil {
			return apnsInvalid("BadExpirationDate")
		}
	}
	return nil
}

// repeated says whether one of APNs' own headers stands there twice.
func repeated(header http.Header) bool {
	for name, values := range header {
		if len(values) > 1 && strings.HasPrefix(name, "Apns-") {
			return true
		}
	}
	return false
}

func apnsPushTypes() []string {
	return []string{"alert", "background", "location", "voip", "complication", "fileprovider", "mdm", "liveactivity", "pushtotalk", "widgets", "controls"}
}

// deviceToken says whether a token is one of hexadecimal digits. Apple promises
// no length; tokens have had 32 bytes so far, and may have up to 100.
func deviceToken(token string) bool {
	if len(token) < 64 || len(token) > 200 || len(token)%2 != 0 {
		return false
	}
	for i := range len(token) {
		if hexValue(token[i]) > 15 {
			return false
		}
	}
	return true
}

// canonicalUUID says whether a text is of the form 8-4-4-4-12.
func canonicalUUID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i := range len(text) {
		if hyphen := i == 8 || i == 13 || i == 18 || i == 23; hyphen != (text[i] == '-') || !hyphen && hexValue(text[i]) > 15 {
			return false
		}
	}
	return true
}

func (w apnsWire) answer(c *call) {
	c.status = http.StatusOK
	w.appendID(c)
}

// appendID adds the notification's id, which is one of ours where the request
// gave none.
func (apnsWire) appendID(c *call) {
	id := c.str(c.scope)
	if len(id) == 0 {
		serial := c.serial
		if serial == 0 { // refused before it got one
			serial = uint64(c.at.UnixNano())
		}
		id = bytes.ToUpper(appendUUID(nil, serial))
	}
	c.setHeader("Apns-Id", string(id))
}

func (w apnsWire) refuse(c *call, no *refusal) {
	c.status, c.contentType = no.status, "application/json"
	w.appendID(c)
	appendAPNsError(&c.out, no, c.at)
}

// appendAPNsError writes a reason. One that says that a token has died says
// since when: since it was asked, as far as the mock is concerned.
func appendAPNsError(out *jx.Writer, no *refusal, at time.Time) {
	out.RawStr(`{"reason":`)
	out.Str(no.code)
	if no.status == http.StatusGone {
		out.RawStr(`,"timestamp":`)
		out.Int64(at.UnixMilli())
	}
	out.RawStr(`}`)
}

func (apnsWire) refusal(status int, code string) *refusal {
	no := &refusal{status: status, code: code}
	if code != "" {
		return no
	}
	switch status {
	case http.StatusBadRequest:
		no.code = "BadDeviceToken"
	case http.StatusUnauthorized: // what other services answer 401 to
		no.status, no.code = http.StatusForbidden, "MissingProviderToken"
	case http.StatusForbidden:
		no.code = "InvalidProviderToken"
	case http.StatusNotFound:
		no.code = "BadPath"
	case http.StatusMethodNotAllowed:
		no.code = "MethodNotAllowed"
	case http.StatusGone:
		no.code = "Unregistered"
	case http.StatusRequestEntityTooLarge:
		no.code = "PayloadTooLarge"
	case http.StatusTooManyRequests:
		no.code = "TooManyRequests"
	case http.StatusServiceUnavailable:
		no.code = "ServiceUnavailable"
	default:
		no.code = "InternalServerError"
	}
	return no
}

// account: the tokens of one team differ by the hour and are not read.
func (apnsWire) account(*call, *http.Request) string { return "" }
func (apnsWire) units(*call, *entry) int             { return 1 }

func (w apnsWire) limited(limitKind, time.Duration) *refusal {
	return w.refusal(http.StatusTooManyRequests, "")
}
