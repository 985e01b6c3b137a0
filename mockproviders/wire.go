package mockproviders

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/notifyctl/notifyctl/planner/catalog"
)

// provider numbers the providers served, so that the ledger counts in arrays.
type provider uint8

const (
	sendGrid provider = iota
	ses
	fcm
	apns
	twilio
	vonage
	providerCount
)

// String is the provider's name, as in the catalog.
func (p provider) String() string {
	switch p {
	case sendGrid:
		return catalog.SendGrid
	case ses:
		return catalog.SES
	case fcm:
		return catalog.FCM
	case apns:
		return catalog.APNs
	case twilio:
		return catalog.Twilio
	case vonage:
		return catalog.Vonage
	}
	panic("BUG: a provider without a name")
}

func providers() []provider { return []provider{sendGrid, ses, fcm, apns, twilio, vonage} }

// checkProvider refuses the name of a provider that is not served.
func checkProvider(name string) error {
	names := make([]string, 0, providerCount)
	for _, p := range providers() {
		if p.String() == name {
			return nil
		}
		names = append(names, p.String())
	}
	return fmt.Errorf("provider %q is not served; accepted are %s", name, strings.Join(names, ", "))
}

// wire is one endpoint of a provider: how its requests are read and its answers
// written. It holds no state of a request; that is the call's.
type wire interface {
	provider() provider
	// maxBytes bounds the request's body.
	maxBytes() int
	// authorized says whether the request's header carries credentials. Any do.
	authorized(r *http.Request) bool
	// decode reads the body into the call's entries and sets the refusals of
	// those that break a rule of their own. It returns the refusal of a call
	// that breaks a rule as a whole.
	decode(c *call, r *http.Request) *refusal
	// wholesale says that one refused entry refuses the call.
	wholesale() bool
	// answer writes what the provider says of a call that it took.
	answer(c *call)
	// refuse writes what it says of a call that it did not take. Of a wholesale
	// wire, the refused entries are the reason when no is one of theirs.
	refuse(c *call, no *refusal)
	// refusal is what the provider says with a status; code is its own word
	// for the reason, or empty for the usual one.
	refusal(status int, code string) *refusal
	metering
}

// metering is how a provider counts what it is sent against its limits.
type metering interface {
	// account names whose limits a call counts against. All calls of a provider
	// that does not tell accounts apart count together.
	account(c *call, r *http.Request) string
	// units is what an entry counts as.
	units(c *call, e *entry) int
	// limited is what the provider says when a limit is reached, and will be
	// for wait.
	limited(reached limitKind, wait time.Duration) *refusal
}

// route is a pattern of http.ServeMux and what answers there.
type route struct {
	pattern string
	wire    wire
}

func routes() []route {
	return []route{
		{"POST /sendgrid/v3/mail/send", sendGridWire{}},
		{"POST /ses/v2/email/outbound-emails", sesWire{}},
		{"POST /ses/v2/email/outbound-bulk-emails", sesBulkWire{}},
		{"POST /fcm/v1/projects/{project}/messages:send", fcmWire{}},
		{"POST /fcm/batch", fcmBatchWire{}},
		{"POST /apns/3/device/{token}", apnsWire{}},
		{"POST /twilio/2010-04-01/Accounts/{account}/Messages.json", twilioWire{}},
		{"POST /twilio/2010-04-01/Accounts/{account}/Messages/Batch.json", twilioBatchWire{}},
		{"POST /vonage/sms/json", vonageWire{}},
	}
}

// bearer says whether the request carries a bearer token.
func bearer(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "Bearer") && strings.TrimSpace(token) != ""
}

// basic says whether the request carries a user and a password.
func basic(r *http.Request) bool {
	user, password, ok := r.BasicAuth()
	return ok && user != "" && password != ""
}
